import { type MembershipChange, NEEDED_ROLE, outsider, refused } from '../engine/membership';
import { type MemoryGroup, ranks } from './memory-group';

/** @throws AppError where the actor may not do this, or not to this target */
export function assertMay(group: MemoryGroup, change: Exclude<MembershipChange, { kind: 'join' }>, now: number): void {
  const { actor, kind } = change;
  const role = group.member(actor.userId)?.role;
  const target = 'target' in change ? change.target.userId : undefined;
  // Who is invited may decline.
  if (kind === 'uninvite' && target === actor.userId) {
    return;
  }
  if (role === undefined) {
    throw refused(outsider(group.type, group.isBanned(actor.userId, now)));
  }
  if (!ranks(role, NEEDED_ROLE[kind])) {
    throw refused('rank');
  }
  if (target === undefined || kind === 'invite' || kind === 'uninvite' || kind === 'unban') {
    return;
  }
  if (target === actor.userId && kind !== 'role') {
    throw refused('self');
  }
  const standing = group.member(target);
  if (!standing && kind !== 'ban' && kind !== 'unmute') {
    throw refused('absent');
  }
  if (standing?.role === 'admin' && role !== 'admin') {
    throw refused('admin');
  }
  if (kind === 'role' && change.role !== 'admin' && group.isLastAdmin(target)) {
    throw refused('last');
  }
}
