import type { Message, MessageStatus, Reaction } from './message';
import type { CloseReason, Room } from './room';

/** What happened in a room. Every node sees a room's events in the order of `position`, which has no holes. */
export type RoomEvent = { readonly roomId: string; readonly position: number } & (
  | { readonly kind: 'opened'; readonly room: Room; readonly openedBy: string }
  | { readonly kind: 'message'; readonly message: Message }
  | StatusRaised
  | MessagesExpired
  | { readonly kind: 'edited'; readonly message: Message }
  | MessageDeleted
  | ReactionChanged
  | { readonly kind: 'updated'; readonly room: Room }
  | MembersChanged
  | { readonly kind: 'key'; readonly userId: string; readonly publicKey: string }
  | { readonly kind: 'joined' | 'left'; readonly userId: string; readonly activeUsers: readonly string[] }
  | { readonly kind: 'replaced'; readonly userId: string; readonly socketId: string }
  | { readonly kind: 'closed'; readonly reason: CloseReason }
);

/** Who is in a room that is not direct, or what somebody may do there, is another than before. */
export interface MembersChanged {
  readonly kind: 'members';
  readonly userId: string;
  /** Whether the user is a member now. Who is not hears nothing more of the room. */
  readonly member: boolean;
  readonly room: Room;
}

export interface MessagesExpired {
  readonly kind: 'expired';
  readonly messageIds: readonly string[];
  readonly reason: 'expired' | 'burned';
  /** They are gone for this member alone; undefined: for everyone. */
  readonly userId: string | undefined;
}

/** A message is gone but for a tombstone, which stands until its deadline. */
export interface MessageDeleted {
  readonly kind: 'deleted';
  readonly messageId: string;
  /** Who deleted it. */
  readonly userId: string;
  readonly at: number;
}

export interface ReactionChanged {
  readonly kind: 'reaction';
  readonly messageId: string;
  readonly userId: string;
  readonly emoji: string;
  readonly action: 'added' | 'removed';
  /** All that the message has now. */
  readonly reactions: readonly Reaction[];
}

/** Messages of others rose to one status, in answer to one receipt or reveal. */
export interface StatusRaised {
  readonly kind: 'status';
  readonly status: MessageStatus;
  /** Who raised it. */
  readonly userId: string;
  /** The socket that asked for it, which knows already. */
  readonly socketId: string | undefined;
  readonly at: number;
  /** Those that have this status now: in rooms that are not direct, what all recipients have; maybe none. */
  readonly messages: readonly RaisedMessage[];
  /** In rooms that are not direct: what the user raised; undefined: others rose by it, or by their leaving. */
  readonly upToSeq?: number | undefined;
}

export interface RaisedMessage {
  readonly id: string;
  readonly seq: number;
  readonly senderId: string;
  /** Its new deadline, epoch ms, where that moved. */
  readonly expiresAt: number | undefined;
}

export type RoomListener = (event: RoomEvent) => void;
