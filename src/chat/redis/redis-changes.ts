import { Injectable } from '@nestjs/common';
import { AppError } from '../../common/app-error';
import { Clock } from '../../common/clock';
import type { Message } from '../engine/message';
import type { Deleted, Edited, EditRequest, DeleteRequest, Reacted, ReactionRequest } from '../engine/message-change';
import { DELETE, EDIT, REACT, STANDING } from './change-scripts.lua';
import { decodeMessage, deletePayload, editPayload } from './codec';
import { RedisRooms, type RoomScript } from './redis-rooms';
import { RedisRoomTotals } from './redis-room-totals';

/** Edits or deletions of one message that may come between the reading of it and the change of it. */
const MAX_TRIES = 10;

type EditReply = readonly ['done', value: string, grown: number] | readonly ['changed'];
type DeleteReply =
  | readonly ['done', grown: number, waiting: number, before: number, images: string[]]
  | readonly ['changed' | 'foreign'];

/** What `CHANGES` takes last. */
type Erased = [] | ['erased'];

interface Standing {
  readonly value: string;
  readonly message: Message;
}

/**
 * What members make of messages that stand. A message is read, and changed by a script that finds it unchanged: so no
 * script has to understand its JSON.
 */
@Injectable()
export class RedisChanges {
  private readonly standingScript: RoomScript<string | null>;
  private readonly editScript: RoomScript<EditReply | null>;
  private readonly deleteScript: RoomScript<DeleteReply | null>;
  private readonly reactScript: RoomScript<Reacted['outcome'] | null>;

  constructor(
    rooms: RedisRooms,
    private readonly totals: RedisRoomTotals,
    private readonly clock: Clock,
  ) {
    this.standingScript = rooms.script(STANDING);
    this.editScript = rooms.script(EDIT);
    this.deleteScript = rooms.script(DELETE);
    this.reactScript = rooms.script(REACT);
  }

  /** A message that a member may see. */
  async find(roomId: string, userId: string, messageId: string, ...erased: Erased): Promise<Standing | undefined> {
    const value = await this.standingScript(roomId, userId, messageId, ...erased);
    return value === null ? undefined : { value, message: decodeMessage(roomId, value) };
  }

  /** See `RoomFeed.edit`. */
  async edit({ roomId, userId, messageId, content }: EditRequest, totalBytes: number): Promise<Edited | undefined> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const standing = await this.find(roomId, userId, messageId);
      if (!standing || standing.message.type === 'deleted') {
        return undefined;
      }
      const { value, message } = standing;
      if (message.type === 'system') {
        return { outcome: 'fixed' };
      }
      if (message.senderId !== userId) {
        return { outcome: 'foreign' };
      }
      if (message.burn) {
        return { outcome: 'fixed' };
      }
      if (message.content === content) {
        return { outcome: 'edited', message };
      }
      if (this.totals.bytes >= totalBytes) {
        throw new AppError('CapacityError', 'The server is full, wait until messages have expired');
      }
      const { known, edited } = editPayload(value, content, this.clock.now());
      const reply = await this.editScript(roomId, userId, messageId, known, edited);
      if (!reply) {
        return undefined;
      }
      if (reply[0] === 'done') {
        this.totals.changeBytes(roomId, reply[2]);
        return { outcome: 'edited', message: decodeMessage(roomId, reply[1]) };
      }
    }
    throw busy();
  }

  /** See `RoomFeed.delete`. Gives `<holder> <filename>` of images that it showed as well. */
  async delete(change: DeleteRequest): Promise<{ deleted: Deleted | undefined; images: readonly string[] }> {
    const { roomId, userId, messageId } = change;
    const erased: Erased = change.erased ? ['erased'] : [];
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const standing = await this.find(roomId, userId, messageId, ...erased);
      if (!standing) {
        return { deleted: undefined, images: [] };
      }
      const { value, message } = standing;
      if (message.type === 'system') {
        return { deleted: { outcome: 'fixed' }, images: [] };
      }
      const { known, tombstone } = deletePayload(value);
      const { senderId, senderUsername } = message;
      const about = [known, tombstone, senderId, change.erased ? '' : senderUsername, ...erased];
      const reply = await this.deleteScript(roomId, userId, messageId, ...about);
      if (!reply) {
        return { deleted: undefined, images: [] };
      }
      if (reply[0] === 'foreign') {
        return { deleted: { outcome: 'foreign' }, images: [] };
      }
      if (reply[0] === 'done') {
        const [, grown, waiting, before, images] = reply;
        this.totals.changeBytes(roomId, grown);
        if (before === 0) {
          this.totals.change({ messages: -1 });
        }
        return { deleted: { outcome: 'deleted', waiting }, images };
      }
    }
    throw busy();
  }

  /** See `RoomFeed.react`. */
  async react(request: ReactionRequest): Promise<Reacted | undefined> {
    const { roomId, userId, messageId, emoji, action } = request;
    const erased: Erased = request.erased ? ['erased'] : [];
    const outcome = await this.reactScript(roomId, userId, messageId, emoji, action, ...erased);
    return outcome === null ? undefined : { outcome };
  }
}

function busy(): AppError {
  return new AppError('ConflictError', 'The message is being changed, try again');
}
