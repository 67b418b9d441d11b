import type { Awaitable } from '../../common/awaitable';
import type { Message, MessageDraft, MessageImage, MessageStatus } from './message';
import type { Deleted, DeleteRequest, Edited, EditRequest, Reacted, ReactionRequest } from './message-change';
import type { Reported, ReportRequest } from './report';
import type { CloseReason, Room, RoomDraft, RoomSettings } from './room';
import type { RoomListener } from './room-event';

/** An image that a message showed which is gone now. */
export type ErasedImage = Pick<MessageImage, 'filename' | 'holder'>;
/** Must not throw: the messages are gone, whatever becomes of their images. */
export type ErasedListener = (images: readonly ErasedImage[]) => Awaitable<void>;

/** What an append must keep to, over all rooms and in one. */
export interface AppendLimits {
  /** Most messages a room. */
  readonly messagesPerRoom: number;
  /** Most bytes of messages in all. */
  readonly totalBytes: number;
  /** Most bytes of messages in anonymous rooms together; undefined: the room is none. */
  readonly anonymousBytes?: number;
  /** Longest lifetime, ms. */
  readonly maxLifetimeMs: number;
}

export interface Appended {
  readonly message: Message;
  /** True where `clientId` was seen before: nothing was stored, `message` tells the first one's id, seq and times. */
  readonly duplicate: boolean;
}

/** Which messages a receipt is about: one, or all up to a seq. */
export type ReceiptRange = { readonly messageId: string } | { readonly upToSeq: number };

export interface Receipt {
  readonly roomId: string;
  readonly userId: string;
  readonly status: Exclude<MessageStatus, 'sent'>;
  readonly range: ReceiptRange;
  readonly socketId: string | undefined;
}

/** A recipient asks for the text of a burn message. */
export interface RevealRequest {
  readonly roomId: string;
  readonly userId: string;
  readonly messageId: string;
  /** Makes a repeat harmless: the same one gets the same answer while the countdown runs. */
  readonly revealId: string | undefined;
  readonly socketId: string | undefined;
  /** How long the recipient has it from now, ms. */
  readonly delayMs: number;
}

export type Revealed =
  /** From `expiresAt` (epoch ms) it is gone for this recipient. */
  | { readonly outcome: 'revealed'; readonly message: Message; readonly expiresAt: number }
  /** It was revealed to this user before; the user sent it; it is no burn message. */
  | { readonly outcome: 'again' | 'own' | 'ordinary' };

/** The countdown of a burn message. */
export interface Countdown {
  /** Its end, epoch ms. */
  readonly expiresAt: number;
  /** Whether it was this call that started it. */
  readonly first: boolean;
}

/** Sockets of one user that joined a room, or left it. */
export interface Occupant {
  readonly roomId: string;
  readonly userId: string;
  readonly socketId: string;
}

/** A socket that wants to be a user of a room, where nobody has vouched for who that is. */
export interface Claim extends Occupant {
  /** Stands for the key by which another socket can take the user over later; any text without spaces. */
  readonly keyDigest: string;
  /** Stands for the key that this socket brought; undefined: none. */
  readonly proof: string | undefined;
  /** The socket that may be replaced without a key: it was found not to answer. */
  readonly gone: string | undefined;
}

export type Claimed =
  | { readonly taken: false }
  /** The user is another socket, of this node (`nodeId` empty where there is but one). */
  | { readonly taken: true; readonly nodeId: string; readonly socketId: string };

export interface Swept {
  /** Messages erased. */
  readonly erased: number;
  /** Messages that are still `sent`. */
  readonly waiting: number;
}

/**
 * Every change of a room: it changes the store and publishes what happened in one atomic step, so that all nodes hand
 * on the same events in the same order. What it publishes reaches `subscribe`rs of every node, this one too.
 *
 * Deadlines are set by the driver's clock. A room that does not stand makes a method give undefined (or do nothing);
 * no method but `open` makes one.
 */
export abstract class RoomFeed {
  private readonly erasedListeners: ErasedListener[] = [];

  /**
   * Calls `listener` with the images of messages that were erased, on the node that erased them. Where that is killed
   * before it has called, nobody does.
   */
  onErased(listener: ErasedListener): void {
    this.erasedListeners.push(listener);
  }

  /**
   * Hands the events of rooms to `listener`, each once, in order and without a hole within a room: on one node those of
   * every room, on one of many at least those of the rooms that are followed there, and of the direct rooms of users who
   * are. Messages that come to a node after their deadline are left out. Called at start.
   */
  abstract subscribe(listener: RoomListener): void;

  /**
   * Calls `listener` with a room of which this node missed events for good: what comes next goes on behind the hole, and
   * whoever hears the room here has to come back and resume.
   */
  abstract onMissed(listener: (roomId: string) => void): void;

  /**
   * When this ends the events of the user's direct rooms come to this node, until as many `unfollow`s. Called before a
   * socket of the user is let in. @throws AppError CapacityError, and then it is not to be undone
   */
  abstract follow(userId: string): Awaitable<void>;

  /** Undoes one `follow`. */
  abstract unfollow(userId: string): void;

  /**
   * When this ends the events of a room that is not direct come to this node, whether it stands yet or not, until as many
   * `unfollowRoom`s. Called before a socket that joins it reads what is in it. @throws as `follow`
   */
  abstract followRoom(roomId: string): Awaitable<void>;

  /** Undoes one `followRoom`. */
  abstract unfollowRoom(roomId: string): void;

  /**
   * Makes the room unless it stands; of many callers one makes it. Publishes `opened`.
   * @throws AppError CapacityError where a member has `roomsPerUser` rooms already
   */
  abstract open(draft: RoomDraft, roomsPerUser: number): Awaitable<{ room: Room; opened: boolean }>;

  /**
   * Gives the message the room's next seq, stores it with its deadline and publishes `message`; unless the sender used
   * `clientId` in this room before, while that message lives and for ten minutes at least. Undefined: no such room.
   * Where the room keeps its history the oldest message goes to make place (`expired`). In rooms that are not direct the
   * sender has to be a member who is not muted, and not too soon in slow mode; `system` messages pass.
   * @throws AppError CapacityError past a limit, AuthorizationError, NotFoundError (also where `replyTo` is gone),
   * RateLimitError; nothing is stored then
   */
  abstract append(draft: MessageDraft, limits: AppendLimits): Awaitable<Appended | undefined>;

  /**
   * Raises the status of messages that others sent to the receipt's user (in a room that is not direct of all up to one:
   * they rise with the last of their recipients): of burn messages to `delivered` at most; the
   * lifetime of those that count it from there starts when the last recipient has seen them. Publishes `status` for
   * those that rose; a lower or repeated one changes nothing. Gives how many messages of the room still wait (are `sent`); undefined where
   * nothing rose.
   */
  abstract raise(receipt: Receipt): Awaitable<{ waiting: number } | undefined>;

  /**
   * Hands a burn message to one of its recipients, once each, and starts the countdown after which it is gone for them;
   * for all when the last one's has run out. Publishes `status` (`seen`, with the deadline) when every recipient has
   * revealed it. Undefined: there is no such message for this user.
   */
  abstract reveal(request: RevealRequest): Awaitable<Revealed | undefined>;

  /**
   * Starts the countdown of a burn message for everyone; of several calls the first counts. Undefined where there is no
   * such burn message.
   */
  abstract burn(roomId: string, messageId: string, delayMs: number): Awaitable<Countdown | undefined>;

  /** Brings a message's deadline to now: gone for every reader, erased and told by the next sweep. False: there is none. */
  abstract end(roomId: string, messageId: string): Awaitable<boolean>;

  /**
   * Gives the user's own message another text, until its deadline, which stays. Publishes `edited`; the same text again
   * changes nothing. `fixed`: system and burn messages. Undefined: no such message, or it was deleted.
   * @throws AppError CapacityError where `totalBytes` (of `AppendLimits`) are taken
   */
  abstract edit(request: EditRequest, totalBytes: number): Awaitable<Edited | undefined>;

  /**
   * Erases the user's own message, its reactions and what others show of it, down to a tombstone that counts in no count
   * and stands until its deadline. Publishes `deleted`; again, it changes nothing. `fixed`: system messages. Undefined:
   * no such message.
   */
  abstract delete(change: DeleteRequest): Awaitable<Deleted | undefined>;

  /**
   * Adds a reaction of the user's to a message, or takes one away. Publishes `reaction` where that changes something.
   * `fixed`: system messages. Undefined: no such message, or it was deleted.
   */
  abstract react(request: ReactionRequest): Awaitable<Reacted | undefined>;

  /**
   * Keeps what a member says is wrong with somebody else's message, as long as that lives and the room has moderation;
   * said again it changes nothing. Publishes nothing: it gives who is to be told. Undefined: no such message for the
   * user, or it was deleted.
   */
  abstract report(request: ReportRequest): Awaitable<Reported | undefined>;

  /** Changes the settings named. Publishes `updated`. Undefined: no such room. */
  abstract configure(roomId: string, settings: Partial<RoomSettings>): Awaitable<Room | undefined>;

  /** Remembers a user's public key in the room; publishes `key` when it is another than before. */
  abstract setPublicKey(roomId: string, userId: string, publicKey: string): Awaitable<void>;

  /**
   * A socket joins: it counts as active and as not having left. Publishes `joined` for a user's first.
   * @throws AppError NotFoundError, AuthorizationError where the user is no member of a room that is not direct
   */
  abstract enter(occupant: Occupant): Awaitable<void>;

  /**
   * A socket becomes a user, of whom the room takes one socket at a time: if nobody is, if it is that socket already, if
   * it brings the key that the one before it was given, or if that one is `gone`. It counts as `enter`ed, and its own
   * key is the one that counts. Publishes `joined` for a user who was not there, `replaced` with the socket that is the
   * user no more. Undefined: no such room. `leave`, `forget` and `evict` of the user's socket end it.
   */
  abstract claim(claim: Claim): Awaitable<Claimed | undefined>;

  /** A socket leaves and stays connected. Publishes `left` when it was the user's last that had joined. */
  abstract leave(occupant: Occupant): Awaitable<void>;

  /** A socket is gone, or no longer counts as having left: forgets what it joined and left. Publishes as `leave`. */
  abstract forget(occupant: Occupant): Awaitable<void>;

  /** Rooms that sockets of a node (`Nodes`) joined or left, as far as they were not forgotten; maybe more than that. */
  abstract roomsOfNode(nodeId: string): Awaitable<string[]>;

  /** Forgets all sockets of a node that is gone in one room. Publishes as `leave`. Idempotent. */
  abstract evict(nodeId: string, roomId: string): Awaitable<void>;

  /**
   * Erases messages that are due, at most `limit`, and publishes `expired`; the room's next deadline is put on the
   * expiry queue (kind `EXPIRY_KIND`, key the room's id). Undefined: no such room.
   */
  abstract sweep(roomId: string, limit: number): Awaitable<Swept | undefined>;

  /**
   * Erases the room with everything in it and publishes `closed`. With `ifPosition`, only while nothing has happened in
   * it since. True where it was erased.
   */
  abstract close(roomId: string, reason: CloseReason, ifPosition?: number): Awaitable<boolean>;

  /** For drivers: tells the listeners, and ends when they are done. */
  protected async tellErased(images: readonly ErasedImage[]): Promise<void> {
    for (const listener of images.length === 0 ? [] : this.erasedListeners) {
      await listener(images);
    }
  }
}

/** Deadlines of messages, by room, on the expiry queue. */
export const EXPIRY_KIND = 'messages';

/** How long a `clientId` is remembered at least, ms, though its message be gone (chat.md, Sending). */
export const DEDUPE_MS = 600_000;
