export const MESSAGE_TYPES = ['text', 'image', 'file', 'voice', 'system', 'deleted'] as const;
export type MessageType = (typeof MESSAGE_TYPES)[number];

/** In rising order: a status only ever rises. */
export const MESSAGE_STATUSES = ['sent', 'delivered', 'seen'] as const;
export type MessageStatus = (typeof MESSAGE_STATUSES)[number];

export const SYSTEM_KINDS = [
  'created',
  'joined',
  'left',
  'kicked',
  'banned',
  'unbanned',
  'muted',
  'unmuted',
  'role',
  'settings',
  'name',
] as const;
export type SystemKind = (typeof SYSTEM_KINDS)[number];

/** What a message of type `system` tells. */
export interface SystemNote {
  readonly kind: SystemKind;
  readonly actorId: string;
  readonly targetId?: string;
}

/** Stand in the content of a note for names, which are put in when it is read: so they go with their accounts. */
export const ACTOR = '\u0001';
export const TARGET = '\u0002';

/** What a note says, with names. */
export function noteText(content: string, actor: string, target: string): string {
  return content.replace(ACTOR, () => actor).replace(TARGET, () => target);
}

/** The picture that a message shows. */
export interface MessageImage {
  /** Name of the stored file. */
  readonly filename: string;
  /** What keeps the file for this message, and this message alone: 96 random bits, chosen before it is sent. */
  readonly holder: string;
  /** What a client called it; dialects that name pictures tell it. */
  readonly name?: string;
  /** Bytes of the stored file. */
  readonly size?: number;
  readonly mimeType?: string;
  /** Pixels. */
  readonly width?: number;
  readonly height?: number;
}

/** Who reacted to a message with one emoji, in the order in which they did. */
export interface Reaction {
  readonly emoji: string;
  readonly userIds: readonly string[];
}

/** The message that a reply answers. */
export interface Quote {
  readonly id: string;
  readonly senderId: string;
  readonly senderUsername: string;
  /** The beginning of its text as it is now; null where it is gone, burns after reading, has none or is encrypted. */
  readonly preview: string | null;
}

/** Name of a sender whose account was erased. No account can have it: it has a space. */
export const DELETED_USER = 'Deleted user';
/** What a deleted message has in place of its text. */
export const DELETED_CONTENT = '[Message deleted]';

/** Kinds of reactions that one message may have. */
export const MAX_REACTION_KINDS = 20;

/** Characters of a preview. */
const MAX_PREVIEW = 100;

/** What a reply shows of the message that it answers; undefined: that is gone. */
export function previewOf(original: Message | undefined, encrypted: boolean): string | null {
  if (!original || encrypted || original.burn || original.type === 'deleted' || original.content === '') {
    return null;
  }
  // Cut by characters, of which each has two units at most.
  return [...original.content.slice(0, 2 * MAX_PREVIEW)].slice(0, MAX_PREVIEW).join('');
}

/** A message as it stands: a copy of what the store keeps. Times are epoch ms. */
export interface Message {
  readonly id: string;
  readonly roomId: string;
  /** 1, 2, 3 … in its room and epoch. */
  readonly seq: number;
  readonly senderId: string;
  readonly senderUsername: string;
  readonly type: MessageType;
  readonly content: string;
  readonly status: MessageStatus;
  readonly createdAt: number;
  /** From this instant it is served by no path; null only in rooms that keep their history. */
  readonly expiresAt: number | null;
  readonly clientId: string | undefined;
  readonly system: SystemNote | undefined;
  readonly image: MessageImage | undefined;
  /** True where recipients have to reveal it, and it goes soon after (chat.md, Burn after reading). */
  readonly burn: boolean;
  readonly replyTo?: Quote | undefined;
  /** When its text was last changed. */
  readonly editedAt?: number | undefined;
  readonly reactions?: readonly Reaction[] | undefined;
}

/** A message to be appended. */
export interface MessageDraft {
  readonly roomId: string;
  readonly senderId: string;
  readonly senderUsername: string;
  readonly type: MessageType;
  readonly content: string;
  /** Lifetime, whole seconds; undefined: the room's. */
  readonly ttl: number | undefined;
  /** `seen`: the lifetime starts when the last recipient has seen it; until then it has the longest there is. */
  readonly expireFrom: 'sent' | 'seen';
  readonly burn: boolean;
  readonly clientId: string | undefined;
  readonly system: SystemNote | undefined;
  readonly image: MessageImage | undefined;
  /** Id of the message in the same room that it answers. */
  readonly replyTo?: string | undefined;
}
