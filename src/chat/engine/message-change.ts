import type { Message } from './message';
import type { ReactionChanged } from './room-event';

/** A member wants to change one message. */
export interface MessageChange {
  readonly roomId: string;
  readonly userId: string;
  readonly messageId: string;
}

/** A change that is also made where the account of the user is being erased: they need be no member any more. */
interface Erasing extends MessageChange {
  readonly erased?: boolean;
}

/** Where the sender's account is being erased the tombstone does not name them. */
export type DeleteRequest = Erasing;

export interface EditRequest extends MessageChange {
  readonly content: string;
}

export interface ReactionRequest extends Erasing {
  /** One grapheme. */
  readonly emoji: string;
  readonly action: ReactionChanged['action'];
}

/** Why a message is not changed: it is somebody else's; it is of a kind that cannot be changed in this way. */
export type Unchangeable = { readonly outcome: 'foreign' | 'fixed' };

export type Edited = { readonly outcome: 'edited'; readonly message: Message } | Unchangeable;

/** `waiting`: messages of the room that are still `sent`. */
export type Deleted = { readonly outcome: 'deleted'; readonly waiting: number } | Unchangeable;

/** `full`: it has as many kinds of reactions as it may. */
export type Reacted = { readonly outcome: 'done' | 'fixed' | 'full' };
