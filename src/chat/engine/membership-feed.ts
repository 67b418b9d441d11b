import type { Awaitable } from '../../common/awaitable';
import type { Changed, GroupDraft, MembershipChange } from './membership';
import type { Room } from './room';
import type { AppendLimits } from './room-feed';

export interface MembershipLimits {
  readonly roomsPerUser: number;
  /** Most members of any room, whatever its settings say. */
  readonly membersPerRoom: number;
  /** For the notes: where a room is full that does not keep its history, the change is made without. */
  readonly messages: AppendLimits;
}

/**
 * The part of the room feed that is about who is in a room that is not direct: checks, changes and publishes in one
 * atomic step, the note (a `system` message) included.
 */
export abstract class MembershipFeed {
  /** Makes a room with its creator as admin. Publishes `opened` and a note. @throws AppError CapacityError */
  abstract create(draft: GroupDraft, limits: MembershipLimits): Awaitable<Room>;

  /**
   * Makes the change if the actor's role, as it is then, allows it. Publishes `members` (of `configure`: `updated`; of
   * `close`, and when the last member leaves: `closed`) and a note, `invite` and `uninvite` nothing. What is so already
   * is a success without effect.
   *
   * - `join`: into a public room, or with an invite, unless banned; uses the invite up.
   * - `leave`: the last admin's role goes to the longest-standing moderator, else member; the last member takes the room
   *   along.
   * - `kick`, `ban`, `mute`, `unmute`, `role`: a moderator's never hit an admin. `ban` and `mute` are of no effect from
   *   `until` (epoch ms) on; a ban ends a membership, and an invite.
   * - `role`: the last admin stays one.
   *
   * @throws AppError NotFoundError (no such room to the actor, or target in it), AuthorizationError, ConflictError,
   * ValidationError (oneself), CapacityError
   */
  abstract change(change: MembershipChange, limits: MembershipLimits): Awaitable<Changed>;

  /**
   * Forgets a user who is erased, in every room that `MembershipStore.tracesOf` tells: ends their membership as `leave`
   * does, without a note, takes their invites, bans, mutes and reports away, and what they wrote of others whom they
   * banned; notes, tombstones and replies have `DELETED_USER` for their name. Gives the rooms that they were a member of
   * and that still stand.
   */
  abstract forgetUser(user: { userId: string }, limits: MembershipLimits): Awaitable<string[]>;
}
