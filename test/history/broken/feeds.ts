import type { MessageDraft } from '../../../src/chat/engine/message';
import {
  type Appended,
  type AppendLimits,
  EXPIRY_KIND,
  type RoomListener,
  type Swept,
} from '../../../src/chat/engine/room-feed';
import { MemoryRoomFeed } from '../../../src/chat/memory/memory-room-feed';
import { MemoryExpiryQueue } from '../../../src/expiry/memory-expiry-queue';
import { delay, LATE_MS } from './stores';

/** BROKEN: publishes messages some time after they were stored, not in the same step. */
export class SeparateRoomFeed extends MemoryRoomFeed {
  override subscribe(listener: RoomListener): void {
    super.subscribe((event) => {
      if (event.kind === 'message') {
        void delay().then(() => listener(event));
      } else {
        listener(event);
      }
    });
  }
}

/** BROKEN: does not know a repeated send from a new one. */
export class ForgetfulRoomFeed extends MemoryRoomFeed {
  override append(draft: MessageDraft, limits: AppendLimits): Appended | undefined {
    const appended = super.append(draft, limits);
    this['state'].rooms.get(draft.roomId)?.dedupe?.clear();
    return appended;
  }
}

/** BROKEN: wipes a room as soon as anything in it has expired. */
export class HastyRoomFeed extends MemoryRoomFeed {
  override sweep(roomId: string, limit: number): Swept | undefined {
    const swept = super.sweep(roomId, limit);
    if (swept && swept.erased > 0) {
      this.close(roomId, 'left');
    }
    return swept;
  }
}

/** BROKEN: messages are swept, and told to be gone, a second late. */
export class LateExpiryQueue extends MemoryExpiryQueue {
  override schedule(kind: string, key: string, at: number): void {
    super.schedule(kind, key, kind === EXPIRY_KIND ? at + LATE_MS : at);
  }
}
