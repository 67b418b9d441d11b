import { Heap } from 'heap-js';
import {
  DELETED_USER,
  type Message,
  MESSAGE_STATUSES,
  noteText,
  previewOf,
  type Quote,
  type SystemNote,
} from '../engine/message';
import { isAnonymousRoomId, type Member, type Room, type RoomDraft, type RoomSettings } from '../engine/room';
import type { MemoryGroup } from './memory-group';
import type { Annotations, Quoted } from './annotations';
import type { MessageRecords } from './message-records';
import type { Reports } from './reports';
import { Reveals } from './reveals';
import { RoomLog } from './room-log';
import type { Handle } from './slab';
import type { UnreadTally } from './unread';

const SEEN = MESSAGE_STATUSES.indexOf('seen');
const SENT = MESSAGE_STATUSES.indexOf('sent');

/** Which message shows an image. */
export interface ShownImage {
  readonly filename: string;
  readonly seq: number;
}

/** One room as the memory driver keeps it. Only the memory stores see it. */
export class MemoryRoom {
  readonly id: string;
  readonly type: RoomDraft['type'];
  readonly epoch: string;
  readonly members: readonly Member[];
  readonly createdAt: number;
  settings: RoomSettings;
  lastActivity: number;
  /** When anything last happened, epoch ms. */
  lastEvent: number;
  lastSeq = 0;
  position = 0;
  /** Live messages but system messages. */
  messageCount = 0;
  /** Live messages of every kind. */
  storedCount = 0;
  /** Live messages that are `sent`. */
  waiting = 0;
  /** When a message was last changed (status, edit, deletion, reaction), epoch ms. */
  lastChange = 0;
  /** Senders by index, as records name them; members of a direct room come first. */
  readonly people: Member[];
  /** Where in `people` a user is; of rooms that are not direct, which may have many. */
  private indexes: Map<string, number> | undefined;
  /** Live messages from others that a member has not seen, by index into `people`. */
  readonly unread: number[];
  /** Deadlines of messages and husks, earliest first. */
  readonly due: Heap<Handle>;
  /** Hash of sender and clientId → record. */
  dedupe: Map<number, Handle> | undefined;
  /** Images that live messages show, by holder. Made with the first. */
  images: Map<string, ShownImage> | undefined;
  /** Made with the first reveal of a burn message. */
  reveals: Reveals | undefined;
  /** Of rooms that are not direct. Made when it is first asked what somebody has not seen. */
  tally: UnreadTally | undefined;
  /** Made with the first reply, edit or reaction. */
  annotations: Annotations | undefined;
  /** Made with the first report. */
  reports: Reports | undefined;
  /** Stretches of messages that were kept and get a deadline (epoch ms), oldest first. */
  readonly historyEnds: { from: number; readonly upTo: number; readonly deadline: number }[] = [];
  publicKeys: Record<string, string> = {};
  /** Sockets that joined, by user. */
  readonly joined = new Map<string, Set<string>>();
  /** By claimed user, the digest of the key by which another socket can take them over. */
  readonly claims = new Map<string, string>();
  /** Connected sockets that left, by user. */
  readonly leftSockets = new Map<string, Set<string>>();
  /** Its messages. */
  readonly log: RoomLog;
  /** Its records count among those of anonymous rooms. */
  readonly anonymous: boolean;

  constructor(
    draft: RoomDraft,
    private readonly records: MessageRecords,
    /** Undefined in direct rooms. */
    readonly group?: MemoryGroup,
  ) {
    this.id = draft.id;
    this.type = draft.type;
    this.anonymous = isAnonymousRoomId(draft.id);
    this.epoch = draft.epoch;
    this.members = Object.freeze(draft.members.map((member) => Object.freeze({ ...member })));
    this.settings = Object.freeze({ ...draft.settings });
    this.createdAt = draft.createdAt;
    this.lastActivity = draft.createdAt;
    this.lastEvent = draft.createdAt;
    this.log = new RoomLog(records);
    this.people = [...this.members];
    this.unread = draft.members.map(() => 0);
    this.due = new Heap<Handle>((a, b) => records.deadline(a) - records.deadline(b));
  }

  /** A copy for everyone else. */
  view(): Room {
    return {
      id: this.id,
      type: this.type,
      epoch: this.epoch,
      name: this.group?.name ?? null,
      description: this.group?.description ?? null,
      creatorId: this.group?.creatorId ?? null,
      members: this.members,
      memberCount: this.group?.size ?? this.members.length,
      settings: this.settings,
      lastSeq: this.lastSeq,
      position: this.position,
      createdAt: this.createdAt,
      lastActivity: this.lastActivity,
      publicKeys: { ...this.publicKeys },
    };
  }

  /** Changes the settings named. */
  configure(settings: Partial<RoomSettings>): void {
    const named = Object.entries(settings).filter(([, value]) => value !== undefined);
    this.settings = Object.freeze({ ...this.settings, ...(Object.fromEntries(named) as Partial<RoomSettings>) });
    if (!this.settings.moderationEnabled) {
      this.reports = undefined;
    }
  }

  forgetKey(userId: string): void {
    const { [userId]: _gone, ...others } = this.publicKeys;
    this.publicKeys = others;
  }

  activeUsers(): string[] {
    return [...this.joined.keys()];
  }

  /** Index of a user among the people who ever sent or may send here; their name is brought up to date. */
  personIndex(userId: string, username: string): number {
    const { people } = this;
    if (this.group) {
      return this.groupIndex(userId, username);
    }
    for (let index = 0; index < people.length; index++) {
      if (people[index]?.userId === userId) {
        if (people[index]?.username !== username) {
          people[index] = { userId, username };
        }
        return index;
      }
    }
    return people.push({ userId, username }) - 1;
  }

  /** Index of a user among the people; -1: they have never sent in this room. */
  findPerson(userId: string): number {
    return this.group ? (this.indexes?.get(userId) ?? -1) : this.people.findIndex((person) => person.userId === userId);
  }

  private groupIndex(userId: string, username: string): number {
    this.indexes ??= new Map();
    const known = this.indexes.get(userId);
    if (known === undefined) {
      this.indexes.set(userId, this.people.length);
      return this.people.push({ userId, username }) - 1;
    }
    if (this.people[known]?.username !== username) {
      this.people[known] = { userId, username };
    }
    return known;
  }

  /** Whoever shows the user's name shows another one from now on. */
  forgetName(userId: string): void {
    const index = this.people.findIndex((person) => person.userId === userId);
    if (index !== -1) {
      this.people[index] = { userId, username: DELETED_USER };
    }
  }

  /** Counts a live message that is no system message in or out of its status. */
  countStatus(handle: Handle, step: 1 | -1): void {
    const rank = this.records.statusRank(handle);
    if (rank === SENT) {
      this.waiting += step;
    }
    if (rank >= SEEN) {
      return;
    }
    const sender = this.records.sender(handle);
    for (let member = 0; member < this.unread.length; member++) {
      if (member !== sender) {
        this.unread[member] = (this.unread[member] ?? 0) + step;
      }
    }
  }

  /** A message with all that belongs to it. */
  read(handle: Handle, now: number): Message {
    const stored = this.records.read(handle, this.id, this.people);
    const message = stored.system ? this.named(stored, stored.system) : stored;
    const { annotations } = this;
    if (!annotations) {
      return message;
    }
    const { seq } = message;
    const quoted = annotations.quotedBy(seq);
    const reactions = annotations.reactionsTo(seq);
    return {
      ...message,
      replyTo: quoted && this.quote(quoted, now),
      editedAt: annotations.editedAt(seq),
      reactions: reactions.length > 0 ? reactions : undefined,
    };
  }

  /** What a reply shows of the message that it answers, as that is now. */
  quote({ id, seq, sender }: Quoted, now: number): Quote {
    const [handle] = this.log.ascending(now, seq, seq);
    const original = handle === undefined ? undefined : this.records.read(handle, this.id, this.people);
    const { userId: senderId = '', username: senderUsername = DELETED_USER } = this.people[sender] ?? {};
    return { id, senderId, senderUsername, preview: previewOf(original, this.settings.encrypted) };
  }

  /** A note with names. */
  private named(note: Message, { targetId }: SystemNote): Message {
    const target = targetId === undefined ? undefined : this.indexes?.get(targetId);
    const username = target === undefined ? undefined : this.people[target]?.username;
    return { ...note, content: noteText(note.content, note.senderUsername, username ?? DELETED_USER) };
  }

  hasMember(userId: string): boolean {
    return this.group ? this.group.member(userId) !== undefined : this.members.some((one) => one.userId === userId);
  }

  /** Ids of those to whom a message of this seq is sent: members since before it, but its sender. */
  recipients(senderId: string, seq: number): readonly string[] {
    const { group } = this;
    const members = group ? group.marks.receipts(seq, senderId) : this.members;
    return members.flatMap(({ userId }) => (userId === senderId ? [] : userId));
  }

  /** Whether a live message is gone for the viewer alone. */
  isGoneFor(handle: Handle, viewer: string, now: number): boolean {
    if (this.group && this.records.isBurn(handle) && !this.wasSentTo(handle, viewer)) {
      return true;
    }
    return this.reveals?.isOver(this.records.seq(handle), viewer, now) ?? false;
  }

  /** Whether a viewer sent the message, or is a member since before it. */
  private wasSentTo(handle: Handle, viewer: string): boolean {
    const { records } = this;
    const isOwn = this.people[records.sender(handle)]?.userId === viewer;
    return isOwn || (this.group?.marks.joinedSeq(viewer) ?? 0) < records.seq(handle);
  }

  /** The next deadline of a message, husk or countdown, epoch ms; undefined: none. */
  nextDeadline(): number | undefined {
    const first = this.due.peek();
    const countdown = this.reveals?.next;
    if (first === undefined) {
      return countdown;
    }
    return Math.min(this.records.deadline(first), countdown ?? Infinity);
  }
}
