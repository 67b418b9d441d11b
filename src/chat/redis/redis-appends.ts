import { Injectable } from '@nestjs/common';
import { AppError } from '../../common/app-error';
import { Ids } from '../../common/ids';
import { type Refusal, refused, tooSoon } from '../engine/membership';
import { MESSAGE_TYPES, type MessageDraft } from '../engine/message';
import type { AppendLimits } from '../engine/room-feed';
import { digestOf, encodePayload, type Quoted } from './codec';
import { RedisChanges } from './redis-changes';
import { RedisRooms, type RoomScript } from './redis-rooms';
import { RedisRoomTotals } from './redis-room-totals';
import { APPEND } from './room-scripts.lua';

/** What `APPEND` gives of a message that is in the room: now, or since the first send of it. */
type InRoom =
  | readonly [
      'new',
      value: string,
      index: string | null,
      epoch: string,
      bytes: number,
      type: string,
      freed: number,
      images: string[],
    ]
  | readonly ['again', value: string | null, index: string | null, epoch: string, bytes: 0, remembered: string];
type AppendReply =
  | InRoom
  | readonly ['room']
  | readonly ['server']
  | readonly ['refused', Refusal]
  | readonly ['slow', wait: number]
  | readonly ['reply']
  | null;

const GONE = { seq: 0, senderId: '', senderUsername: '' };

/** Appends messages to rooms; what stands in other slots is the feed's matter. */
@Injectable()
export class RedisAppends {
  private readonly appendScript: RoomScript<AppendReply>;

  constructor(
    rooms: RedisRooms,
    private readonly totals: RedisRoomTotals,
    private readonly changes: RedisChanges,
    private readonly ids: Ids,
  ) {
    this.appendScript = rooms.script(APPEND);
  }

  /** See `RoomFeed.append`. */
  async append(draft: MessageDraft, limits: AppendLimits): Promise<InRoom | undefined> {
    const { roomId, senderId, type, clientId } = draft;
    const quoted = draft.replyTo === undefined ? undefined : await this.quoted(roomId, senderId, draft.replyTo);
    const reply = await this.appendScript(
      roomId,
      this.ids.id(),
      senderId,
      MESSAGE_TYPES.indexOf(type),
      draft.ttl ?? '',
      limits.maxLifetimeMs,
      limits.messagesPerRoom,
      this.isFull(limits) ? 1 : 0,
      clientId === undefined ? '' : digestOf(senderId, clientId),
      encodePayload(draft, quoted?.quote),
      draft.burn ? 1 : 0,
      draft.expireFrom === 'seen' ? 1 : 0,
      draft.image ? `${draft.image.holder} ${draft.image.filename}` : '',
      ...(quoted ? [quoted.quote.seq, quoted.quote.senderId, quoted.name] : ['', '', '']),
    );
    if (!reply) {
      return undefined;
    }
    if (reply[0] === 'room') {
      throw new AppError('CapacityError', 'The room is full, wait until messages have expired');
    }
    if (reply[0] === 'server') {
      throw new AppError('CapacityError', 'The server is full, wait until messages have expired');
    }
    if (reply[0] === 'refused') {
      throw refused(reply[1]);
    }
    if (reply[0] === 'slow') {
      throw tooSoon(reply[1]);
    }
    if (reply[0] === 'reply') {
      throw new AppError('NotFoundError', 'The message that you reply to is gone');
    }
    return reply;
  }

  /** What a reply answers; seq 0: it is gone, which is no matter where the send is a repeat. */
  private async quoted(roomId: string, viewer: string, messageId: string): Promise<{ quote: Quoted; name: string }> {
    const { seq, senderId, senderUsername } = (await this.changes.find(roomId, viewer, messageId))?.message ?? GONE;
    return { quote: { seq, id: messageId, senderId }, name: senderUsername };
  }

  private isFull({ totalBytes, anonymousBytes = Infinity }: AppendLimits): boolean {
    return this.totals.bytes >= totalBytes || this.totals.anonymousBytes >= anonymousBytes;
  }
}
