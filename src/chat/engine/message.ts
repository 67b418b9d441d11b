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
  readonly clientId: string | undefined;
  readonly system: SystemNote | undefined;
}
