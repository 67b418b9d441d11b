import type { MessageDraft } from '../../../src/chat/engine/message';
import type { Room, RoomDraft } from '../../../src/chat/engine/room';
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

/**
 * Good beside a slow store. The plain one counts positions anew when a room is opened again, which only a store that
 * answers at once can do: a join during which the room is wiped and opened would take old events for later ones.
 */
export class PatientRoomFeed extends MemoryRoomFeed {
  override open(draft: RoomDraft, roomsPerUser: number): { room: Room; opened: boolean } {
    const answer = super.open(draft, roomsPerUser);
    const room = answer.opened ? this['state'].rooms.get(draft.id) : undefined;
    if (room) {
      room.position = Date.now();
    }
    return answer;
  }
}

/** BROKEN: publishes messages some time after they were stored, not in the same step. */
export class SeparateRoomFeed extends PatientRoomFeed {
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
export class ForgetfulRoomFeed extends PatientRoomFeed {
  override append(draft: MessageDraft, limits: AppendLimits): Appended | undefined {
    const appended = super.append(draft, limits);
    this['state'].rooms.get(draft.roomId)?.dedupe?.clear();
    return appended;
  }
}

/** BROKEN: wipes a room as soon as anything in it has expired. */
export class HastyRoomFeed extends PatientRoomFeed {
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
