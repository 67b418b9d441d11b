import { setImmediate } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { MembershipFeed } from './engine/membership-feed';
import { MembershipStore } from './engine/membership.store';
import { MessageStore } from './engine/message.store';
import { isDirectRoomId } from './engine/room';
import { RoomFeed } from './engine/room-feed';
import { RoomPolicies } from './engine/room-policy';
import { RoomStore } from './engine/room.store';

/** Messages deleted in one go; others have their turn in between. */
const PAGE = 200;

/** What a user whose account goes leaves in rooms. Idempotent: what tells their rooms is emptied last. */
@Injectable()
export class ChatErasureService {
  constructor(
    private readonly rooms: RoomStore,
    private readonly feed: RoomFeed,
    private readonly messages: MessageStore,
    private readonly standings: MembershipStore,
    private readonly memberships: MembershipFeed,
    private readonly policies: RoomPolicies,
  ) {}

  /**
   * Wipes the user's direct rooms; in others, those too that they have left, their messages become tombstones, and
   * nothing names them any more.
   */
  async eraseUser(userId: string): Promise<void> {
    for (const roomId of (await this.rooms.idsOf(userId)).filter(isDirectRoomId)) {
      await this.feed.close(roomId, 'erased');
    }
    for (const roomId of await this.standings.tracesOf(userId)) {
      await this.eraseMessages(userId, roomId);
    }
    await this.memberships.forgetUser({ userId }, this.policies.memberships);
  }

  private async eraseMessages(userId: string, roomId: string): Promise<void> {
    let after: number | undefined = 0;
    while (after !== undefined) {
      const sent = await this.messages.sentBy(roomId, userId, after, PAGE);
      for (const { id: messageId } of sent) {
        await this.feed.delete({ roomId, userId, messageId, erased: true });
      }
      after = sent.at(-1)?.seq;
      await setImmediate();
    }
  }
}
