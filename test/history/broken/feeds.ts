import type { MessageDraft } from '../../../src/chat/engine/message';
import type { RoomEvent, RoomListener } from '../../../src/chat/engine/room-event';
import {
  type Appended,
  type AppendLimits,
  EXPIRY_KIND,
  type Revealed,
  type RevealRequest,
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

/** BROKEN: hands a burn message out to everyone who asks. */
export class GenerousRoomFeed extends MemoryRoomFeed {
  private readonly handedOut = new Map<string, Revealed>();

  override reveal(request: RevealRequest): Revealed | undefined {
    const revealed = super.reveal(request);
    if (revealed?.outcome === 'again') {
      return this.handedOut.get(request.messageId) ?? revealed;
    }
    if (revealed) {
      this.handedOut.set(request.messageId, revealed);
    }
    return revealed;
  }
}

/** BROKEN: a second receipt or reveal gives what was seen more time. */
export class LengtheningRoomFeed extends MemoryRoomFeed {
  override subscribe(listener: RoomListener): void {
    super.subscribe((event) => {
      listener(event);
      if (event.kind === 'status') {
        listener(withDeadlines(event, (expiresAt) => expiresAt && expiresAt + LATE_MS));
      }
    });
  }
}

/** BROKEN: tells nobody that a deadline has moved. */
export class SecretiveRoomFeed extends MemoryRoomFeed {
  override subscribe(listener: RoomListener): void {
    super.subscribe((event) => listener(event.kind === 'status' ? withDeadlines(event, () => undefined) : event));
  }
}

/** BROKEN: tells of what was revealed that it expired. */
export class EuphemisticRoomFeed extends MemoryRoomFeed {
  override subscribe(listener: RoomListener): void {
    super.subscribe((event) => listener(event.kind === 'expired' ? { ...event, reason: 'expired' } : event));
  }
}

/** BROKEN: tells nobody of edits and deletions. */
export class TaciturnRoomFeed extends MemoryRoomFeed {
  override subscribe(listener: RoomListener): void {
    super.subscribe((event) => {
      if (event.kind !== 'edited' && event.kind !== 'deleted') {
        listener(event);
      }
    });
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

type StatusEvent = RoomEvent & { readonly kind: 'status' };

function withDeadlines(event: StatusEvent, moved: (expiresAt: number | undefined) => number | undefined): StatusEvent {
  return { ...event, messages: event.messages.map((raised) => ({ ...raised, expiresAt: moved(raised.expiresAt) })) };
}
