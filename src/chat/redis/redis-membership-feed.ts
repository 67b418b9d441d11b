import { Inject, Injectable } from '@nestjs/common';
import { Ids } from '../../common/ids';
import {
  type Changed,
  createdNote,
  draftOf,
  type GroupDraft,
  MAX_INVITES_PER_USER,
  type MembershipChange,
  notesOf,
  type Refusal,
  refused,
  roleNote,
  ROOM_ROLES,
} from '../engine/membership';
import { MembershipFeed, type MembershipLimits } from '../engine/membership-feed';
import type { Member, Room } from '../engine/room';
import { RoomFeed } from '../engine/room-feed';
import { decodeRoom, encodeNote, type RawView } from './codec';
import { CHANGE, CREATE } from './group-scripts.lua';
import { RedisPublicRooms } from './redis-public-rooms';
import type { CloseReply, RedisRoomFeed } from './redis-room-feed';
import { RedisRooms, type RoomScript } from './redis-rooms';
import { RedisRoomTotals } from './redis-room-totals';
import { RoomDeadlines } from './room-deadlines';
import { type MarkList, UserMarks } from './user-marks';

type ChangeReply =
  | readonly ['refused', Refusal, standing: string]
  | readonly ['closed', standing: '', removed: string[], view: RawView, closed: CloseReply]
  | readonly [
      outcome: 'done' | 'same',
      standing: string,
      removed: string[],
      view: RawView,
      index: string | null,
      epoch: string,
      bytes: number,
      participants: number,
      occupied: number,
      freed: number,
      images: string[],
    ];
type Forget = { readonly roomId: string; readonly actor: Member; readonly kind: 'forget' };

/** What a change puts on a list of another slot. */
interface Mark {
  readonly list: MarkList;
  readonly userId: string;
  readonly most: number | undefined;
  /** Why it is refused where the list is full. */
  readonly full: Refusal;
}

/** Stands for somebody whom only the script knows. */
const SOMEBODY: Member = { userId: '\u0003', username: '' };

@Injectable()
export class RedisMembershipFeed extends MembershipFeed {
  private readonly createScript: RoomScript<[view: RawView, index: string | null, bytes: number]>;
  private readonly changeScript: RoomScript<ChangeReply>;

  constructor(
    rooms: RedisRooms,
    @Inject(RoomFeed) private readonly feed: RedisRoomFeed,
    private readonly marks: UserMarks,
    private readonly totals: RedisRoomTotals,
    private readonly deadlines: RoomDeadlines,
    private readonly listing: RedisPublicRooms,
    private readonly ids: Ids,
  ) {
    super();
    this.createScript = rooms.script(CREATE);
    this.changeScript = rooms.script(CHANGE);
  }

  override async create(draft: GroupDraft, limits: MembershipLimits): Promise<Room> {
    const { id, type, epoch, creator, name, description, settings, createdAt } = draft;
    const token = this.ids.id();
    await this.mark({ list: 'rooms', userId: creator.userId, most: limits.roomsPerUser, full: 'rooms' }, id, token);
    if (type === 'public') {
      await this.listing.add(id, name, createdAt);
    }
    const [view, index, bytes] = await this.createScript(
      id,
      ...[epoch, type, JSON.stringify(settings), settings.messageTtl ?? '', createdAt],
      ...[creator.userId, creator.username, token, name, description ?? '', settings.slowModeSeconds],
      ...[limits.messages.messagesPerRoom, limits.messages.maxLifetimeMs],
      ...[this.ids.id(), encodeNote(draftOf(id, creator, createdNote(draft)))],
    );
    this.totals.change({ rooms: 1, bytes });
    await this.deadlines.index(id, epoch, index);
    return decodeRoom(view);
  }

  override change(change: MembershipChange, limits: MembershipLimits): Promise<Changed> {
    return this.apply(change, limits);
  }

  override async forgetUser({ userId }: { userId: string }, limits: MembershipLimits): Promise<string[]> {
    const actor = { userId, username: '' };
    const left: string[] = [];
    for (const roomId of await this.marks.allOf(userId)) {
      const result = await this.apply({ roomId, actor, kind: 'forget' }, limits).catch((error: unknown) => {
        if (error instanceof Error && error.name === 'NotFoundError') {
          return undefined;
        }
        throw error;
      });
      if (result?.changed && !result.closed) {
        left.push(roomId);
      }
    }
    await this.marks.forget(userId);
    return left;
  }

  private async apply(change: MembershipChange | Forget, limits: MembershipLimits): Promise<Changed> {
    const { roomId } = change;
    const token = this.ids.id();
    const mark = markOf(change, limits);
    if (mark) {
      await this.mark(mark, roomId, token);
    }
    const reply = await this.changeScript(roomId, ...this.argumentsOf(change, limits, token));
    const standing = reply[0] === 'refused' ? reply[2] : reply[1];
    if (mark && standing !== token) {
      await this.marks.replace(mark.list, mark.userId, roomId, token, standing);
    }
    if (reply[0] === 'refused') {
      throw refused(reply[1]);
    }
    const room = decodeRoom(reply[3]);
    if (reply[0] !== 'closed' && change.kind !== 'forget') {
      const until = room.settings.messageTtl === null ? Infinity : limits.messages.maxLifetimeMs;
      await this.marks.noteVisits(roomId, reply[2], until);
    }
    await this.marks.removeAll(roomId, reply[2]);
    if (reply[0] === 'closed') {
      await this.feed.closed(roomId, reply[4]);
      await this.listing.remove(room);
      return { room, changed: true, closed: true };
    }
    const [outcome, , , , index, epoch, bytes, participants, occupied, freed, images] = reply;
    this.totals.change({ bytes, participants, occupied, messages: -freed });
    await this.feed.tellImages(images);
    await this.deadlines.index(roomId, epoch, index);
    if (outcome === 'done') {
      await this.listing.changed(room, change.kind === 'configure' && change.name !== undefined);
    }
    return { room, changed: outcome === 'done', closed: false };
  }

  /** Notes in the user's slot what the room is about to have. @throws AppError CapacityError */
  private async mark({ list, userId, most, full }: Mark, roomId: string, token: string): Promise<void> {
    if (list === 'rooms' && !(await this.marks.mayVisit(userId))) {
      throw refused('visited');
    }
    if (!(await this.marks.add(list, userId, roomId, token, most))) {
      throw refused(full);
    }
  }

  /** See `CHANGE`. */
  private argumentsOf(change: MembershipChange | Forget, limits: MembershipLimits, token: string): (string | number)[] {
    const { roomId, actor, kind } = change;
    const target = 'target' in change ? change.target : undefined;
    const notes = (kind === 'forget' ? [] : notesOf(change)).flatMap((note) => [
      this.ids.id(),
      encodeNote(draftOf(roomId, actor, note)),
    ]);
    const heir = draftOf(roomId, SOMEBODY, roleNote(SOMEBODY, 'admin'));
    return [
      ...[kind, actor.userId, target?.userId ?? '', (target ?? actor).username, token, valueOf(change, limits)],
      ...[entryOf(change), limits.messages.messagesPerRoom, limits.messages.maxLifetimeMs],
      ...[actor.username, this.ids.id(), encodeNote(heir), ...notes],
      ...(kind === 'configure' ? fieldsOf(change) : []),
      notes.length / 2,
    ];
  }
}

function markOf(change: MembershipChange | Forget, { roomsPerUser }: MembershipLimits): Mark | undefined {
  const { kind, actor } = change;
  if (kind === 'join') {
    return { list: 'rooms', userId: actor.userId, most: roomsPerUser, full: 'rooms' };
  }
  if (kind === 'invite') {
    return { list: 'invites', userId: change.target.userId, most: MAX_INVITES_PER_USER, full: 'invites' };
  }
  if (kind === 'ban' || kind === 'mute') {
    return { list: `${kind}s`, userId: change.target.userId, most: undefined, full: 'listed' };
  }
  return undefined;
}

/** What `CHANGE` takes as value. */
function valueOf(change: MembershipChange | Forget, { membersPerRoom }: MembershipLimits): number {
  if (change.kind === 'join') {
    return membersPerRoom;
  }
  if (change.kind === 'ban' || change.kind === 'mute') {
    return change.until ?? 0;
  }
  return change.kind === 'role' ? ROOM_ROLES.indexOf(change.role) : 0;
}

/** JSON of what a list keeps of somebody, or of settings. */
function entryOf(change: MembershipChange | Forget): string {
  const by = change.actor.userId;
  if (change.kind === 'configure') {
    return JSON.stringify(change.settings ?? {});
  }
  if (change.kind === 'ban') {
    return JSON.stringify({ by, reason: change.reason, username: change.target.username });
  }
  return JSON.stringify({ by });
}

function fieldsOf({
  name,
  description,
  settings,
}: Extract<MembershipChange, { kind: 'configure' }>): (string | number)[] {
  const { messageTtl, slowModeSeconds } = settings ?? {};
  return [name, description, messageTtl, slowModeSeconds].flatMap((value) => [
    value === undefined ? 0 : 1,
    value ?? '',
  ]);
}
