import { setImmediate } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { MembershipFeed } from './engine/membership-feed';
import { MembershipStore } from './engine/membership.store';
import type { Message } from './engine/message';
import { MessageStore } from './engine/message.store';
import { isDirectRoomId } from './engine/room';
import { RoomFeed } from './engine/room-feed';
import { RoomPolicies } from './engine/room-policy';
import { RoomStore } from './engine/room.store';

/** Messages looked at in one go; others have their turn in between. */
const PAGE = { count: 200, bytes: 1024 * 1024 };

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
   * Wipes the user's direct rooms. In others, those too that they have left, their messages become tombstones, their
   * reactions and what the room was told of them go, nothing names them any more, and they are in none.
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
    let before: number | undefined;
    for (let more = true; more;) {
      const page = await this.messages.page(roomId, userId, before, PAGE);
      for (const message of page.messages) {
        await this.eraseFrom(message, userId);
      }
      before = page.messages[0]?.seq;
      more = page.more && before !== undefined;
      await setImmediate();
    }
  }

  private async eraseFrom(message: Message, userId: string): Promise<void> {
    const { id: messageId, roomId, senderId, system, reactions = [] } = message;
    const change = { roomId, userId, messageId, erased: true };
    if (system) {
      if (system.actorId === userId || system.targetId === userId) {
        // Its sentence is about them, and it has no tombstone.
        await this.feed.end(roomId, messageId);
      }
      return;
    }
    if (senderId === userId) {
      await this.feed.delete(change);
      return;
    }
    for (const { emoji } of reactions.filter(({ userIds }) => userIds.includes(userId))) {
      await this.feed.react({ ...change, emoji, action: 'removed' });
    }
  }
}
