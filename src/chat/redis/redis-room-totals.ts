import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Ids } from '../../common/ids';
import { Redis, type Script } from '../../storage/redis';
import { isAnonymousRoomId } from '../engine/room';
import type { RoomTotals } from '../engine/room.store';

/** How long a node keeps to itself what it changed. */
const FLUSH_MS = 500;

const FIELDS = ['rooms', 'messages', 'occupied', 'participants', 'bytes', 'anonymousBytes'] as const;
type Field = (typeof FIELDS)[number];
type Counts = Record<Field, number>;

/** ARGV: the name of the hash that the changes are for, '' for any; a name for one that begins; the changes. */
const ADD = `
redis.call('HSETNX', KEYS[1], 'name', ARGV[2])
local name = redis.call('HGET', KEYS[1], 'name')
local counts = { name }
for i, field in ipairs({ ${FIELDS.map((name) => `'${name}'`).join(', ')} }) do
  counts[i + 1] = redis.call('HINCRBY', KEYS[1], field, (ARGV[1] == '' or ARGV[1] == name) and ARGV[i + 2] or 0)
end
return counts
`;

/**
 * Counts over all rooms. They stand in a slot of their own, so no script of a room can keep them: each node adds what
 * it changed, twice a second. What a node of many does not know is therefore at most what the others did within the
 * last second; a node that is killed takes its last half second along, and the counts are off by that from then on. They
 * have a name, so that what was counted before Redis lost everything is not added to what begins after.
 */
@Injectable()
export class RedisRoomTotals implements OnModuleInit {
  private readonly logger = new Logger(RedisRoomTotals.name);
  private readonly add: Script;
  private readonly key: string;
  private pending = zero();
  private known = zero();
  private name = '';

  constructor(
    private readonly redis: Redis,
    private readonly ids: Ids,
  ) {
    this.add = redis.script(ADD);
    this.key = redis.key('{totals}', 'rooms');
  }

  /** Learns the name, so that nothing is counted before. What fails is made up for by the first change. */
  async onModuleInit(): Promise<void> {
    await this.flush().catch(() => undefined);
  }

  /** Bytes of all messages, as far as this node knows: exact where it is the only one. */
  get bytes(): number {
    return this.known.bytes + this.pending.bytes;
  }

  /** The same of anonymous rooms. */
  get anonymousBytes(): number {
    return this.known.anonymousBytes + this.pending.anonymousBytes;
  }

  /** Adds bytes of messages in a room; less than 0: they are gone. */
  changeBytes(roomId: string, bytes: number): void {
    this.change({ bytes, anonymousBytes: isAnonymousRoomId(roomId) ? bytes : 0 });
  }

  /** Adds to the counts. */
  change(by: Partial<Counts>): void {
    for (const name of FIELDS) {
      this.pending[name] += by[name] ?? 0;
    }
  }

  /** The counts, with everything that this node did. @throws AppError CapacityError */
  async read(): Promise<RoomTotals> {
    const { rooms, messages, occupied, participants } = await this.flush();
    return { rooms, messages, occupied, participants };
  }

  @Interval('room-totals', FLUSH_MS)
  protected async scheduledFlush(): Promise<void> {
    if (!this.redis.ready || FIELDS.every((name) => this.pending[name] === 0)) {
      return;
    }
    try {
      await this.flush();
    } catch (error) {
      // Whether it was added is not known. Not adding it again errs on the side of what Redis still has.
      this.logger.warn({ err: error }, 'The totals of rooms may be off by what happened in the last half second');
    }
  }

  private async flush(): Promise<Counts> {
    const { pending } = this;
    this.pending = zero();
    FIELDS.forEach((field) => (this.known[field] += pending[field]));
    const changes = FIELDS.map((field) => pending[field]);
    const [name, ...counts] = (await this.add([this.key], [this.name, this.ids.id(), ...changes])) as [
      string,
      ...number[],
    ];
    this.name = name;
    this.known = zero();
    FIELDS.forEach((field, i) => (this.known[field] = Math.max(0, counts[i] ?? 0)));
    return this.known;
  }
}

function zero(): Counts {
  return { rooms: 0, messages: 0, occupied: 0, participants: 0, bytes: 0, anonymousBytes: 0 };
}
