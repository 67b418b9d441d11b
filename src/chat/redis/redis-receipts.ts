import { Injectable } from '@nestjs/common';
import { MESSAGE_STATUSES } from '../engine/message';
import { isGroupRoomId } from '../engine/room';
import type { Countdown, Receipt, Revealed, RevealRequest } from '../engine/room-feed';
import { decodeMessage } from './codec';
import { BURN, END, RAISE, REVEAL } from './receipt-scripts.lua';
import { RedisRooms, type RoomScript } from './redis-rooms';
import { RoomDeadlines } from './room-deadlines';
import { RAISE_MARK } from './watermark-scripts.lua';

type RaiseReply = readonly [waiting: number, epoch: string, index: string | null];
type RevealReply =
  | readonly ['revealed', value: string, until: string, epoch: string, index: string | null]
  | readonly ['again' | 'own' | 'ordinary'];
type BurnReply = readonly [deadline: string, epoch: string, index: string | null, first: number];

/** What recipients make of messages (receipts, reveals), and deadlines that come closer by it. */
@Injectable()
export class RedisReceipts {
  private readonly raiseScript: RoomScript<RaiseReply | null>;
  private readonly raiseMarkScript: RoomScript<readonly [epoch: string, index: string | null] | null>;
  private readonly revealScript: RoomScript<RevealReply | null>;
  private readonly burnScript: RoomScript<BurnReply | null>;
  private readonly endScript: RoomScript<readonly [epoch: string, index: string | null] | null>;

  constructor(
    rooms: RedisRooms,
    private readonly deadlines: RoomDeadlines,
  ) {
    this.raiseScript = rooms.script(RAISE);
    this.raiseMarkScript = rooms.script(RAISE_MARK);
    this.revealScript = rooms.script(REVEAL);
    this.burnScript = rooms.script(BURN);
    this.endScript = rooms.script(END);
  }

  /** See `RoomFeed.raise`. */
  async raise(receipt: Receipt): Promise<{ waiting: number } | undefined> {
    const { roomId, userId, status, range, socketId } = receipt;
    const which = 'messageId' in range ? (['id', range.messageId] as const) : (['upTo', range.upToSeq] as const);
    const rank = MESSAGE_STATUSES.indexOf(status);
    if (isGroupRoomId(roomId)) {
      const raised = await this.raiseMarkScript(roomId, userId, rank, socketId ?? '', ...which);
      await (raised && this.deadlines.index(roomId, ...raised));
      return raised ? { waiting: 0 } : undefined;
    }
    const reply = await this.raiseScript(roomId, userId, rank, socketId ?? '', ...which);
    if (!reply) {
      return undefined;
    }
    const [waiting, epoch, index] = reply;
    await this.deadlines.index(roomId, epoch, index);
    return { waiting };
  }

  /** See `RoomFeed.reveal`. */
  async reveal(request: RevealRequest): Promise<Revealed | undefined> {
    const { roomId, userId, messageId, revealId = '', socketId = '', delayMs } = request;
    const reply = await this.revealScript(roomId, userId, messageId, revealId, socketId, delayMs);
    if (!reply) {
      return undefined;
    }
    if (reply[0] !== 'revealed') {
      return { outcome: reply[0] };
    }
    const [outcome, value, until, epoch, index] = reply;
    await this.deadlines.index(roomId, epoch, index);
    return { outcome, message: decodeMessage(roomId, value), expiresAt: Number(until) };
  }

  /** See `RoomFeed.burn`. */
  async burn(roomId: string, messageId: string, delayMs: number): Promise<Countdown | undefined> {
    const reply = await this.burnScript(roomId, messageId, delayMs);
    if (!reply) {
      return undefined;
    }
    const [deadline, epoch, index, first] = reply;
    await this.deadlines.index(roomId, epoch, index);
    return { expiresAt: Number(deadline), first: first === 1 };
  }

  /** See `RoomFeed.end`. */
  async end(roomId: string, messageId: string): Promise<boolean> {
    const reply = await this.endScript(roomId, messageId);
    if (!reply) {
      return false;
    }
    await this.deadlines.index(roomId, ...reply);
    return true;
  }
}
