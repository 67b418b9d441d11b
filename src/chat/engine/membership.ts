import { AppError } from '../../common/app-error';
import { ACTOR, type MessageDraft, type SystemKind, TARGET } from './message';
import type { Member, Room, RoomDraft, RoomSettings, RoomType } from './room';

/** In rising order: what a moderator may do an admin may as well. */
export const ROOM_ROLES = ['member', 'moderator', 'admin'] as const;
export type RoomRole = (typeof ROOM_ROLES)[number];

/** People on each of a room's lists of bans, mutes and invites, at most. */
export const MAX_LISTED = 1000;
/** Invites that wait for one user, at most. */
export const MAX_INVITES_PER_USER = 100;
/** Rooms that a user was in and that may still have something of theirs, at most, where that is kept by user. */
export const MAX_VISITED_ROOMS = 2000;

/** A member of a room that is not direct. Times are epoch ms. */
export interface Membership extends Member {
  readonly role: RoomRole;
  readonly joinedAt: number;
  /** The room's last seq when this membership began: what has a later one was sent to this member. */
  readonly joinedSeq: number;
}

/** What one user may do in one room. Times are epoch ms; what has passed is not told. */
export interface Standing {
  readonly type: RoomType;
  /** Undefined: no member. */
  readonly role: RoomRole | undefined;
  readonly joinedSeq: number;
  readonly banned: boolean;
  readonly muted: boolean;
  readonly invited: boolean;
}

export interface Ban extends Member {
  readonly reason: string | undefined;
  /** User id of who banned. */
  readonly by: string;
  readonly createdAt: number;
  /** Epoch ms; null: until it is lifted. */
  readonly until: number | null;
}

export interface Invite {
  readonly roomId: string;
  /** User id of who invited. */
  readonly by: string;
  readonly createdAt: number;
}

export interface MembershipPage {
  readonly members: Membership[];
  /** The store's own word for where the next page begins; undefined at the end. */
  readonly next: string | undefined;
}

/** A room that is not direct, to be made with its first admin. */
export interface GroupDraft extends Omit<RoomDraft, 'members' | 'openedBy'> {
  readonly type: Exclude<RoomType, 'direct'>;
  readonly creator: Member;
  readonly name: string;
  readonly description: string | null;
}

export interface RoomChanges {
  readonly name?: string;
  readonly description?: string | null;
  readonly settings?: Partial<RoomSettings>;
}

/** Something that `actor` does to who is in a room, or to what it is. */
export type MembershipChange = { readonly roomId: string; readonly actor: Member } & (
  | { readonly kind: 'join' }
  | { readonly kind: 'leave' }
  | { readonly kind: 'close' }
  | { readonly kind: 'invite' | 'uninvite' | 'kick' | 'unban' | 'unmute'; readonly target: Member }
  | {
      readonly kind: 'ban';
      readonly target: Member;
      readonly reason: string | undefined;
      readonly until: number | null;
    }
  | { readonly kind: 'mute'; readonly target: Member; readonly until: number }
  | { readonly kind: 'role'; readonly target: Member; readonly role: RoomRole }
  | ({ readonly kind: 'configure' } & RoomChanges)
);
export type MembershipKind = MembershipChange['kind'];

/** Who may make a change: with which role, or anyone who is let in. */
export const NEEDED_ROLE: Readonly<Record<Exclude<MembershipKind, 'join'>, RoomRole>> = {
  leave: 'member',
  invite: 'moderator',
  uninvite: 'moderator',
  kick: 'moderator',
  ban: 'moderator',
  unban: 'moderator',
  mute: 'moderator',
  unmute: 'moderator',
  role: 'admin',
  configure: 'admin',
  close: 'admin',
};

export interface Changed {
  /** After the change; as it was where the room went with it. */
  readonly room: Room;
  /** False: it was so already, and nothing was told. */
  readonly changed: boolean;
  /** True where the last member left, or an admin closed it: the room is gone. */
  readonly closed: boolean;
}

/** Why a change, or a message, was refused. */
export type Refusal =
  | 'gone'
  | 'outside'
  | 'rank'
  | 'admin'
  | 'self'
  | 'banned'
  | 'uninvited'
  | 'absent'
  | 'present'
  | 'barred'
  | 'full'
  | 'listed'
  | 'invites'
  | 'rooms'
  | 'last'
  | 'visited'
  | 'muted';

const REFUSALS: Readonly<Record<Refusal, ConstructorParameters<typeof AppError>>> = {
  gone: ['NotFoundError', 'There is no such room'],
  outside: ['AuthorizationError', 'You are not a member of this room'],
  rank: ['AuthorizationError', 'Your role in this room does not allow this'],
  admin: ['AuthorizationError', 'A moderator cannot do this to an admin'],
  self: ['ValidationError', 'You cannot do this to yourself'],
  banned: ['AuthorizationError', 'You are banned from this room'],
  uninvited: ['NotFoundError', 'There is no such room'],
  absent: ['NotFoundError', 'There is no such member'],
  present: ['ConflictError', 'They are a member already'],
  barred: ['ConflictError', 'They are banned from this room'],
  full: ['CapacityError', 'The room has as many members as it may have'],
  listed: ['CapacityError', 'That list of the room is full'],
  invites: ['CapacityError', 'They have too many invites'],
  rooms: ['CapacityError', 'You are in too many rooms'],
  last: ['ConflictError', 'A room needs an admin: make somebody else one first'],
  visited: ['CapacityError', 'You have been in too many rooms lately'],
  muted: ['AuthorizationError', 'You are muted in this room'],
};

export function refused(refusal: Refusal): AppError {
  return new AppError(...REFUSALS[refusal]);
}

/** Of who is not in it, a private room is as unknown as one that never was. */
export function outsider(type: RoomType, banned: boolean): Refusal {
  return type !== 'public' ? 'gone' : banned ? 'banned' : 'outside';
}

/** A send of a member before their pause is over. */
export function tooSoon(waitMs: number): AppError {
  const retryAfter = Math.max(1, Math.ceil(waitMs / 1000));
  return new AppError('RateLimitError', `Slow mode: you may send again in ${retryAfter} s`, { retryAfter });
}

/** What a change posts in its room. */
export interface Note {
  readonly kind: SystemKind;
  /** With `ACTOR` and `TARGET` in place of names. */
  readonly content: string;
  readonly target: Member | undefined;
}

/** Notes of a change that is not refused, in order; none for what only two people learn of. */
export function notesOf(change: MembershipChange): Note[] {
  const note = (kind: SystemKind, content: string): Note[] => {
    return [{ kind, content, target: 'target' in change ? change.target : undefined }];
  };
  switch (change.kind) {
    case 'join':
      return note('joined', `${ACTOR} joined`);
    case 'leave':
      return note('left', `${ACTOR} left`);
    case 'kick':
      return note('kicked', `${ACTOR} removed ${TARGET}`);
    case 'ban':
      return note('banned', `${ACTOR} banned ${TARGET}`);
    case 'unban':
      return note('unbanned', `${ACTOR} lifted the ban of ${TARGET}`);
    case 'mute':
      return note('muted', `${ACTOR} muted ${TARGET}`);
    case 'unmute':
      return note('unmuted', `${ACTOR} unmuted ${TARGET}`);
    case 'role':
      return [roleNote(change.target, change.role)];
    case 'configure':
      return configureNotes(change);
    case 'close':
    case 'invite':
    case 'uninvite':
      return [];
  }
}

/** The message that a note is. */
export function draftOf(roomId: string, actor: Member, { kind, content, target }: Note): MessageDraft {
  return {
    roomId,
    senderId: actor.userId,
    senderUsername: actor.username,
    type: 'system',
    content,
    ttl: undefined,
    expireFrom: 'sent',
    burn: false,
    clientId: undefined,
    system: { kind, actorId: actor.userId, ...(target && { targetId: target.userId }) },
    image: undefined,
  };
}

/** That somebody has another role now. */
export function roleNote(target: Member, role: RoomRole): Note {
  const what = { member: 'a member', moderator: 'a moderator', admin: 'an admin' }[role];
  return { kind: 'role', content: `${TARGET} is ${what} now`, target };
}

export function createdNote({ name }: GroupDraft): Note {
  return { kind: 'created', content: `${ACTOR} created ${name}`, target: undefined };
}

function configureNotes({ name, description, settings }: RoomChanges): Note[] {
  const notes: Note[] = [];
  if (name !== undefined) {
    notes.push({ kind: 'name', content: `${ACTOR} named the room ${name}`, target: undefined });
  }
  if (description !== undefined || settings !== undefined) {
    notes.push({ kind: 'settings', content: `${ACTOR} changed the settings`, target: undefined });
  }
  return notes;
}
