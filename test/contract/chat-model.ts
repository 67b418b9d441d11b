import type { Message, MessageDraft, MessageStatus } from '../../src/chat/engine/message';
import { MAX_CHANGED, type ResumePoint } from '../../src/chat/engine/message.store';
import type { RoomDraft, RoomSettings } from '../../src/chat/engine/room';
import { DEDUPE_MS, type Receipt, type RoomEvent } from '../../src/chat/engine/room-feed';

const STATUSES: MessageStatus[] = ['sent', 'delivered', 'seen'];

type Happening = { kind: RoomEvent['kind'] } & Record<string, unknown>;

interface ModelMessage {
  message: Message;
  raisedAt: number | undefined;
  swept: boolean;
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
  append(draft: MessageDraft, toldId: string | undefined, cap: number): object | undefined {
    const room = this.rooms.get(draft.roomId);
    if (!room) {
      return undefined;
    }
    const first = room.messages.findLast(
      ({ message, swept }) =>
        draft.clientId !== undefined &&
        message.clientId === draft.clientId &&
        message.senderId === draft.senderId &&
        (!swept || message.createdAt + DEDUPE_MS > this.now || message.id === toldId),
    );
    if (first) {
      const { id, seq, createdAt, expiresAt } = first.message;
      return { duplicate: true, id, seq, createdAt, expiresAt };
    }
    if (room.messages.filter(({ swept }) => !swept).length >= cap) {
      return { code: 'CapacityError' };
    }
    const { ttl = room.settings.messageTtl, expireFrom: _, ...written } = draft;
    const message: Message = {
      ...written,
      id: toldId ?? '',
      seq: room.messages.length + 1,
      status: draft.type === 'system' ? 'delivered' : 'sent',
      createdAt: this.now,
      expiresAt: ttl === null ? null : this.now + ttl * 1000,
    };
    room.messages.push({ message, raisedAt: undefined, swept: false });
    room.lastActivity = this.now;
    this.tell(room, { kind: 'message', id: message.id, seq: message.seq });
    const { id, seq, createdAt, expiresAt } = message;
    return { duplicate: false, id, seq, createdAt, expiresAt };
  }

  raise({ roomId, userId, status, range, socketId }: Receipt): object | undefined {
    const room = this.rooms.get(roomId);
    const raised = (room?.messages ?? []).filter(
      (one) =>
        this.lives(one) &&
        one.message.type !== 'system' &&
        one.message.senderId !== userId &&
        room?.draft.members.some((member) => member.userId === userId) &&
        STATUSES.indexOf(one.message.status) < STATUSES.indexOf(status) &&
        ('upToSeq' in range ? one.message.seq <= range.upToSeq : one.message.id === range.messageId),
    );
    if (!room || raised.length === 0) {
      return undefined;
    }
    for (const one of raised) {
      one.message = { ...one.message, status };
      one.raisedAt = this.now;
    }
    this.tell(room, { kind: 'status', status, userId, socketId, seqs: raised.map(({ message }) => message.seq) });
    return { waiting: this.waiting(room) };
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
    if (due.length > 0) {
      this.tell(room, { kind: 'expired', ids: erased.map(({ message }) => message.id).sort() });
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
    return messages.filter((one) => this.lives(one)).map(({ message }) => message);
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
    const standing = this.live(roomId).flatMap(({ seq }) => (seq <= from.since ? seq : []));
    return {
      messages,
      more,
      live: standing,
      changed: changed.map(({ message }) => message),
      gap: false,
      lastSeq: more ? messages.at(-1)?.seq : last,
    };
  }

  summary(roomId: string, userId: string): object | undefined {
    const room = this.rooms.get(roomId);
    const counted = this.live(roomId).filter(({ type }) => type !== 'system');
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
    return room.messages.filter(({ message, swept }) => !swept && message.status === 'sent').length;
  }

  totals(): object {
    const rooms = [...this.rooms.values()];
    const active = rooms.map(({ joined }) => usersOf(joined).length);
    return {
      rooms: rooms.length,
      messages: rooms.flatMap(({ draft }) => this.live(draft.id).filter(({ type }) => type !== 'system')).length,
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
