import type { Changed, MembershipChange } from '../../../src/chat/engine/membership';
import type { MembershipLimits } from '../../../src/chat/engine/membership-feed';
import { MemoryMembershipFeed } from '../../../src/chat/memory/memory-membership-feed';

/** BROKEN: who is banned may come back with the next invite. */
export class ForgivingMembershipFeed extends MemoryMembershipFeed {
  override change(change: MembershipChange, limits: MembershipLimits): Changed {
    return super.change(change.kind === 'ban' ? { ...change, kind: 'kick' } : change, limits);
  }
}
