import {
  DELETED_CONTENT,
  type Message,
  type MessageDraft,
  type MessageStatus,
  type Quote,
} from '../../src/chat/engine/message';
import { MAX_CHANGED, type ResumePoint } from '../../src/chat/engine/message.store';
import type { RoomDraft, RoomSettings } from '../../src/chat/engine/room';
import type { EditRequest, MessageChange, ReactionRequest } from '../../src/chat/engine/message-change';
import type { RoomEvent } from '../../src/chat/engine/room-event';
import { type AppendLimits, DEDUPE_MS, type Receipt, type RevealRequest } from '../../src/chat/engine/room-feed';

const STATUSES: MessageStatus[] = ['sent', 'delivered', 'seen'];

type Happening = { kind: RoomEvent['kind'] } & Record<string, unknown>;

interface ModelMessage {
  message: Message;
  raisedAt: number | undefined;
  deliveredAt?: number;
  seenAt?: number;
  swept: boolean;
  /** Lifetime that starts when it is seen, s. */
  seenTtl: number | undefined;
  readonly clientId: string | undefined;
  /** Who reacted, by emoji. */
  reactions: Map<string, string[]>;
  /** How it was revealed, if it was. */
  reveal: { readonly revealId: string | undefined } | undefined;
}

interface ModelRoom {
  draft: RoomDraft;
  settings: RoomSettings;
  messages: ModelMessage[];
  position: number;
  lastActivity: number;
  keys: Record<string, string>;
  /** `user socket` of who joined, and of who left. */
  joined: Set<string>;
  left: Set<string>;
}

const isCounted = ({ type }: Message): boolean => type !== 'system' && type !== 'deleted';
const quoteOf = ({ id, senderId, senderUsername }: Message): Quote => ({ id, senderId, senderUsername, preview: null });
const userOf = (occupant: string): string => occupant.split(' ')[0] ?? '';
const usersOf = (occupants: Set<string>): string[] => [...new Set([...occupants].map(userOf))].sort();

/** The chat stores as anybody would write them who had all the time and memory in the world. */
export class ChatModel {
  now: number;
  readonly rooms = new Map<string, ModelRoom>();
  /** Everything that should have been told, in order. */
  readonly events: Happening[] = [];
  /** Where the positions of new rooms begin: behind those of all that are gone. */
  private lastPosition = 0;

  constructor(now: number) {
    this.now = now;
  }

  open(draft: RoomDraft): boolean {
    if (this.rooms.has(draft.id)) {
      return false;
    }
    const { settings, createdAt: lastActivity } = draft;
    const [joined, left] = [new Set<string>(), new Set<string>()];
    const room = { draft, settings, messages: [], position: this.lastPosition, lastActivity, keys: {}, joined, left };
    this.rooms.set(draft.id, room);
    this.tell(room, { kind: 'opened', openedBy: draft.openedBy });
    return true;
  }

  /** What an append is answered; the id that the driver told is given: it makes ids, and may remember for longer. */
  append(draft: MessageDraft, toldId: string | undefined, limits: AppendLimits): object | undefined {
    const room = this.rooms.get(draft.roomId);
    if (!room) {
      return undefined;
    }
    const first = room.messages.findLast(
      ({ message, clientId, swept }) =>
        draft.clientId !== undefined &&
        clientId === draft.clientId &&
        message.senderId === draft.senderId &&
        (!swept || message.createdAt + DEDUPE_MS > this.now || message.id === toldId),
    );
    if (first) {
      const { id, seq, createdAt, expiresAt } = first.message;
      return { duplicate: true, id, seq, createdAt, expiresAt };
    }
    const original = draft.replyTo === undefined ? undefined : this.standing(room, draft.replyTo)?.message;
    if (draft.replyTo !== undefined && (!original || original.type === 'system' || original.type === 'deleted')) {
      return { code: 'NotFoundError' };
    }
    if (room.messages.filter(({ swept }) => !swept).length >= limits.messagesPerRoom) {
      return { code: 'CapacityError' };
    }
    const { ttl = room.settings.messageTtl, expireFrom, replyTo: _, ...written } = draft;
    const seenTtl = expireFrom === 'seen' ? (ttl ?? undefined) : undefined;
    const lifetime = seenTtl === undefined ? ttl && ttl * 1000 : limits.maxLifetimeMs;
    const message: Message = {
      ...written,
      id: toldId ?? '',
      seq: room.messages.length + 1,
      status: draft.type === 'system' ? 'delivered' : 'sent',
      createdAt: this.now,
      expiresAt: lifetime === null ? null : this.now + lifetime,
      replyTo: original && quoteOf(original),
      editedAt: undefined,
      reactions: undefined,
    };
    const { clientId } = draft;
    const reactions = new Map<string, string[]>();
    room.messages.push({ message, clientId, reactions, raisedAt: undefined, swept: false, seenTtl, reveal: undefined });
    room.lastActivity = this.now;
    this.tell(room, { kind: 'message', id: message.id, seq: message.seq });
    const { id, seq, createdAt, expiresAt } = message;
    return { duplicate: false, id, seq, createdAt, expiresAt };
  }

  raise({ roomId, userId, status, range, socketId }: Receipt): object | undefined {
    const room = this.rooms.get(roomId);
    const meant = (room?.messages ?? []).filter(
      (one) =>
        this.lives(one) &&
        isCounted(one.message) &&
        one.message.senderId !== userId &&
        room?.draft.members.some((member) => member.userId === userId) &&
        ('upToSeq' in range ? one.message.seq <= range.upToSeq : one.message.id === range.messageId),
    );
    // A burn message becomes seen by its reveal alone.
    const ordinary = meant.filter(({ message }) => status === 'delivered' || !message.burn);
    const burns = meant.filter((one) => !ordinary.includes(one));
    const rose = [this.rise(room, burns, 'delivered', userId, socketId)];
    rose.push(this.rise(room, ordinary, status, userId, socketId));
    return room && rose.includes(true) ? { waiting: this.waiting(room) } : undefined;
  }

  reveal({ roomId, userId, messageId, revealId, socketId, delayMs }: RevealRequest): object | undefined {
    const room = this.rooms.get(roomId);
    const one = room?.messages.find(({ message }) => message.id === messageId);
    if (!room || !one || !this.lives(one) || !room.draft.members.some((member) => member.userId === userId)) {
      return undefined;
    }
    if (!one.message.burn) {
      return { outcome: 'ordinary' };
    }
    if (one.message.senderId === userId) {
      return { outcome: 'own' };
    }
    if (one.reveal && (revealId === undefined || one.reveal.revealId !== revealId)) {
      return { outcome: 'again' };
    }
    if (!one.reveal) {
      one.reveal = { revealId };
      const { expiresAt } = one.message;
      one.message = { ...one.message, expiresAt: Math.min(expiresAt ?? Infinity, this.now + delayMs) };
      this.rise(room, [one], 'seen', userId, socketId);
    }
    return { outcome: 'revealed', message: this.shown(room, one), expiresAt: one.message.expiresAt };
  }

  edit({ roomId, userId, messageId, content }: EditRequest): object | undefined {
    const room = this.rooms.get(roomId);
    const one = room && this.standing(room, messageId, userId);
    if (!one || one.message.type === 'deleted') {
      return undefined;
    }
    if (one.message.type === 'system') {
      return { outcome: 'fixed' };
    }
    if (one.message.senderId !== userId) {
      return { outcome: 'foreign' };
    }
    if (one.message.burn) {
      return { outcome: 'fixed' };
    }
    if (one.message.content !== content) {
      one.message = { ...one.message, content, editedAt: this.now };
      one.raisedAt = this.now;
      this.tell(room, { kind: 'edited', message: this.shown(room, one) });
    }
    return { outcome: 'edited', message: this.shown(room, one) };
  }

  delete({ roomId, userId, messageId }: MessageChange): object | undefined {
    const room = this.rooms.get(roomId);
    const one = room && this.standing(room, messageId, userId);
    if (!one) {
      return undefined;
    }
    if (one.message.type === 'system') {
      return { outcome: 'fixed' };
    }
    if (one.message.senderId !== userId) {
      return { outcome: 'foreign' };
    }
    if (one.message.type !== 'deleted') {
      const nothing = { clientId: undefined, replyTo: undefined, editedAt: undefined, reactions: undefined };
      one.message = { ...one.message, ...nothing, type: 'deleted', content: DELETED_CONTENT, burn: false };
      one.reveal = undefined;
      one.reactions.clear();
      one.raisedAt = this.now;
      this.tell(room, { kind: 'deleted', messageId, userId });
    }
    return { outcome: 'deleted', waiting: this.waiting(room) };
  }

  react({ roomId, userId, messageId, emoji, action }: ReactionRequest): object | undefined {
    const room = this.rooms.get(roomId);
    const one = room && this.standing(room, messageId, userId);
    if (!one || one.message.type === 'deleted') {
      return undefined;
    }
    if (one.message.type === 'system') {
      return { outcome: 'fixed' };
    }
    const users = one.reactions.get(emoji) ?? [];
    if (users.includes(userId) !== (action === 'added')) {
      const left = action === 'added' ? [...users, userId] : users.filter((user) => user !== userId);
      one.reactions.set(emoji, left);
      if (left.length === 0) {
        one.reactions.delete(emoji);
      }
      one.raisedAt = this.now;
      const reactions = this.shown(room, one).reactions ?? [];
      this.tell(room, { kind: 'reaction', messageId, userId, emoji, action, reactions });
    }
    return { outcome: 'done' };
  }

  /** What the sender is told of who has a message. */
  receipts(roomId: string, userId: string, messageId: string): object | string | undefined {
    const room = this.rooms.get(roomId);
    const one = room && this.standing(room, messageId, userId);
    if (!one || one.message.type === 'deleted') {
      return undefined;
    }
    if (one.message.senderId !== userId || one.message.type === 'system') {
      return 'foreign';
    }
    const { deliveredAt, seenAt } = one;
    return room.draft.members.flatMap((member) =>
      member.userId === userId ? [] : { userId: member.userId, deliveredAt, seenAt },
    );
  }

  /** A live message, asked for by a member. */
  private standing(room: ModelRoom, messageId: string, userId?: string): ModelMessage | undefined {
    const one = room.messages.find(({ message }) => message.id === messageId);
    const isMember = userId === undefined || room.draft.members.some((member) => member.userId === userId);
    return one && isMember && this.lives(one) ? one : undefined;
  }

  /** A message as it is shown now. */
  private shown(room: ModelRoom, { message, reactions }: ModelMessage): Message {
    const kinds = [...reactions].map(([emoji, userIds]) => ({ emoji, userIds }));
    const original = message.replyTo && this.standing(room, message.replyTo.id)?.message;
    const preview = original && isCounted(original) && !original.burn ? original.content.slice(0, 100) : null;
    return {
      ...message,
      replyTo: message.replyTo && { ...message.replyTo, preview },
      reactions: kinds.length > 0 ? kinds : undefined,
    };
  }

  private rise(
    room: ModelRoom | undefined,
    meant: readonly ModelMessage[],
    status: MessageStatus,
    userId: string,
    socketId: string | undefined,
  ): boolean {
    const raised = meant.filter(({ message }) => STATUSES.indexOf(message.status) < STATUSES.indexOf(status));
    if (!room || raised.length === 0) {
      return false;
    }
    const told = raised.map((one): [number, number | null | undefined] => {
      let moved = one.reveal ? one.message.expiresAt : undefined;
      if (status === 'seen' && one.seenTtl !== undefined) {
        moved = Math.min(one.message.expiresAt ?? Infinity, this.now + one.seenTtl * 1000);
        one.message = { ...one.message, expiresAt: moved };
      }
      one.message = { ...one.message, status };
      one.raisedAt = this.now;
      one.deliveredAt ??= this.now;
      if (status === 'seen') {
        one.seenAt = this.now;
      }
      return [one.message.seq, moved];
    });
    this.tell(room, { kind: 'status', status, userId, socketId, raised: told });
    return true;
  }

  configure(roomId: string, settings: Partial<RoomSettings>): boolean {
    const room = this.rooms.get(roomId);
    if (!room) {
      return false;
    }
    room.settings = { ...room.settings, ...settings };
    room.lastActivity = this.now;
    this.tell(room, { kind: 'updated' });
    return true;
  }

  setPublicKey(roomId: string, userId: string, publicKey: string): void {
    const room = this.rooms.get(roomId);
    if (room && room.keys[userId] !== publicKey) {
      room.keys[userId] = publicKey;
      this.tell(room, { kind: 'key', userId, publicKey });
    }
  }

  /** `enter`, `leave` or `forget` of a socket. */
  move(how: 'enter' | 'leave' | 'forget', roomId: string, userId: string, socketId: string): void {
    const room = this.rooms.get(roomId);
    if (!room) {
      return;
    }
    const occupant = `${userId} ${socketId}`;
    const before = usersOf(room.joined);
    room.joined[how === 'enter' ? 'add' : 'delete'](occupant);
    room.left[how === 'leave' ? 'add' : 'delete'](occupant);
    const activeUsers = usersOf(room.joined);
    if (activeUsers.length !== before.length) {
      this.tell(room, { kind: activeUsers.length > before.length ? 'joined' : 'left', userId, activeUsers });
    }
  }

  /** Which of the due messages go first is the driver's choice: `ids` are those that it told. */
  sweep(roomId: string, limit: number, ids: readonly string[]): { erased: number; waiting: number } | undefined {
    const room = this.rooms.get(roomId);
    if (!room) {
      return undefined;
    }
    const due = room.messages.filter((one) => !one.swept && !this.lives(one));
    const erased = due.filter(({ message }) => ids.includes(message.id));
    for (const one of erased) {
      one.swept = true;
    }
    for (const reason of ['expired', 'burned'] as const) {
      const gone = erased.filter(({ reveal }) => (reason === 'burned') === (reveal !== undefined));
      if (gone.length > 0) {
        const told = gone.map(({ message }) => message.id).sort();
        this.tell(room, { kind: 'expired', reason, userId: undefined, ids: told });
      }
    }
    return { erased: Math.min(limit, due.length), waiting: this.waiting(room) };
  }

  close(roomId: string, reason: string, ifPosition: number | undefined): boolean {
    const room = this.rooms.get(roomId);
    if (!room || (ifPosition !== undefined && ifPosition !== room.position)) {
      return false;
    }
    this.tell(room, { kind: 'closed', reason });
    this.lastPosition = Math.max(this.lastPosition, room.position);
    return this.rooms.delete(roomId);
  }

  live(roomId: string): Message[] {
    const messages = this.rooms.get(roomId)?.messages ?? [];
    const room = this.rooms.get(roomId);
    return room ? messages.filter((one) => this.lives(one)).map((one) => this.shown(room, one)) : [];
  }

  page(roomId: string, before: number | undefined, count: number): { messages: Message[]; more: boolean } {
    const candidates = this.live(roomId).filter(({ seq }) => before === undefined || seq < before);
    return { messages: candidates.slice(-count), more: candidates.length > count };
  }

  snapshot(roomId: string, from: ResumePoint | undefined, count: number): object | undefined {
    const room = this.rooms.get(roomId);
    if (!room) {
      return undefined;
    }
    const last = room.messages.length;
    const changed = from ? this.changed(room, from) : [];
    if (!from || from.epoch !== room.draft.epoch || from.since > last || changed.length > MAX_CHANGED) {
      return { ...this.page(roomId, undefined, count), live: [], changed: [], gap: from !== undefined, lastSeq: last };
    }
    const after = this.live(roomId).filter(({ seq }) => seq > from.since);
    const messages = after.slice(0, count);
    const more = after.length > count;
    const standing = this.live(roomId).flatMap(({ seq, type }) => (seq <= from.since && type !== 'deleted' ? seq : []));
    return {
      messages,
      more,
      live: standing,
      changed: changed.map((one) => this.shown(room, one)),
      gap: false,
      lastSeq: more ? messages.at(-1)?.seq : last,
    };
  }

  summary(roomId: string, userId: string): object | undefined {
    const room = this.rooms.get(roomId);
    const counted = this.live(roomId).filter(isCounted);
    return (
      room && {
        activeUsers: usersOf(room.joined),
        messageCount: counted.length,
        unreadCount: counted.filter(({ senderId, status }) => senderId !== userId && status !== 'seen').length,
        lastMessage: counted.at(-1),
      }
    );
  }

  /** Messages that a driver may still count in `life` and `totals`: due, not swept. */
  get overdue(): boolean {
    return [...this.rooms.values()].some((room) => room.messages.some((one) => !one.swept && !this.lives(one)));
  }

  waiting(room: ModelRoom): number {
    return room.messages.filter(({ message, swept }) => !swept && isCounted(message) && message.status === 'sent')
      .length;
  }

  totals(): object {
    const rooms = [...this.rooms.values()];
    const active = rooms.map(({ joined }) => usersOf(joined).length);
    return {
      rooms: rooms.length,
      messages: rooms.flatMap(({ draft }) => this.live(draft.id).filter(isCounted)).length,
      occupied: active.filter((users) => users > 0).length,
      participants: active.reduce((sum, users) => sum + users, 0),
    };
  }

  private changed(room: ModelRoom, { since, sinceTime }: ResumePoint): ModelMessage[] {
    return room.messages.filter(
      (one) => this.lives(one) && one.message.seq <= since && (one.raisedAt ?? -1) >= (sinceTime ?? Infinity),
    );
  }

  private lives({ message, swept }: ModelMessage): boolean {
    return !swept && (message.expiresAt === null || message.expiresAt > this.now);
  }

  private tell(room: ModelRoom, happening: Happening): void {
    room.position++;
    this.events.push({ roomId: room.draft.id, position: room.position, ...happening });
  }
}
