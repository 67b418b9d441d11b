import { Logger } from '@nestjs/common';
import { AppError } from '../../common/app-error';
import type { RoomEvent } from '../engine/room-event';
import { decodeEvent, previousOf } from './event-codec';

/** Events of one room that may wait for one before them that is being fetched. */
const MAX_WAITING = 1000;
const RETRY_MS = 250;

/** An event as it comes: see `publish` in `PRELUDE`. A body that is null: what it told is gone. */
export interface Arrival {
  readonly kind: string;
  readonly position: number;
  readonly body: string | null;
}

/** What `MISSED` gives. */
export type Missed = readonly [position: number | null, whole: number, ...events: (string | number | null)[]];

/** What a tail is given by whoever follows its room. */
export interface TailSource {
  /** What happened in the room since a position, 0 for none. */
  missed(roomId: string, last: number): Promise<Missed>;
  /** Hands an event on. */
  tell(event: RoomEvent): void;
  /** Events were missed for good. */
  lost(roomId: string): void;
}

/** The room and the event in what a channel brought. */
export function parseArrival(text: string): { roomId: string; arrival: Arrival } {
  const positionEnd = text.indexOf(' ', 2);
  const roomEnd = text.indexOf(' ', positionEnd + 1);
  return {
    roomId: text.slice(positionEnd + 1, roomEnd),
    arrival: {
      kind: text.slice(0, 1),
      position: Number(text.slice(2, positionEnd)),
      body: text.slice(roomEnd + 1),
    },
  };
}

/**
 * The events of one room as they come to this node: handed on each once, in order, without a hole. What does not follow on
 * the last one waits until what is missing was fetched from the room's feed.
 */
export class RoomTail {
  private readonly logger = new Logger(RoomTail.name);
  /** Position of the last event handed on; 0: nothing of it is known; undefined until the first look at the room. */
  last: number | undefined;
  /** When the room was closed, `performance.now`; undefined: it stands. Repeats of its end may still come. */
  closedAt: number | undefined;
  /** Events that wait for earlier ones. */
  private waiting: Arrival[] = [];
  /** What was missed is being fetched. */
  private fetching = false;
  /** More may have been missed since that began. */
  private again = false;
  private ended = false;

  constructor(
    private readonly roomId: string,
    private readonly source: TailSource,
  ) {}

  /** Nobody here follows the room any more. */
  end(): void {
    this.ended = true;
  }

  take(arrival: Arrival): void {
    if (this.last === undefined || this.fetching) {
      this.hold(arrival);
    } else if (arrival.position > this.last) {
      if (follows(arrival, this.last)) {
        this.handOn(arrival);
      } else {
        this.hold(arrival);
        void this.fetch();
      }
    }
  }

  /** Takes up what waited, and fetches what is missing of it. */
  catchUp(): void {
    if (this.fetching || this.last === undefined) {
      return;
    }
    if (this.again || this.last === 0) {
      void this.fetch();
      return;
    }
    const { waiting } = this;
    this.waiting = [];
    for (const arrival of waiting) {
      this.take(arrival);
    }
  }

  /** Something may have been missed: fetches it. */
  async refetch(): Promise<void> {
    this.again = true;
    if (!this.fetching && this.last !== undefined) {
      await this.fetch();
    }
  }

  private hold(arrival: Arrival): void {
    if (this.waiting.length < MAX_WAITING) {
      this.waiting.push(arrival);
    } else {
      // What waits stands in the feed as well.
      this.waiting = [];
      this.again = true;
    }
  }

  /** Fetches what happened since the last event, until Redis tells or nobody asks any more. */
  private async fetch(): Promise<void> {
    this.fetching = true;
    do {
      this.again = false;
      try {
        this.replay(await this.source.missed(this.roomId, this.last ?? 0));
      } catch (error) {
        this.again = true;
        if (!(error instanceof AppError)) {
          this.logger.error({ err: error, roomId: this.roomId }, 'What was missed of a room could not be fetched');
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
      }
    } while (this.again && !this.ended);
    this.fetching = false;
    if (!this.ended) {
      this.catchUp();
    }
  }

  private replay([position, whole, ...events]: Missed): void {
    if (this.ended) {
      return;
    }
    if (whole === 0) {
      this.logger.warn({ roomId: this.roomId }, 'Events of a room were missed for good: its sockets have to come back');
      this.source.lost(this.roomId);
      this.settle(position ?? undefined);
      return;
    }
    for (let i = 0; i < events.length; i += 3) {
      const [kind, at, body] = events.slice(i, i + 3) as [string, number, string | null];
      this.handOn({ kind, position: at, body });
    }
    this.settle(position ?? undefined);
  }

  /** The room has been looked at, and stood there then; undefined: it is gone. */
  private settle(position: number | undefined): void {
    if (position === undefined) {
      this.closedAt = performance.now();
    } else if (position > (this.last ?? 0)) {
      this.last = position;
    }
  }

  private handOn({ kind, position, body }: Arrival): void {
    this.last = position;
    this.closedAt = kind === 'c' ? performance.now() : undefined;
    const event = body === null ? undefined : decodeEvent(kind, this.roomId, position, body);
    if (event) {
      this.source.tell(event);
    }
  }
}

function follows({ kind, position, body }: Arrival, last: number): boolean {
  return position === last + 1 || (kind === 'o' && body !== null && previousOf(body) === last);
}
