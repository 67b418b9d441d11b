import type { Heap } from 'heap-js';
import type { MemoryRoom } from './memory-room';
import type { MessageRecords } from './message-records';
import type { Handle } from './slab';

/** Messages counted as one. */
const BLOCK = 128;

interface Block {
  counted: number;
  /** By sender, as records name them. */
  readonly bySender: Map<number, number>;
}

/** A message that counts, see `MessageRecords.isCounted`. */
interface Counted {
  readonly seq: number;
  readonly sender: number;
  readonly burns: boolean;
}

/**
 * How many messages of whom stand in each stretch of a room's seqs, so that what somebody has not seen need not be
 * counted one by one. Made when that is first asked; a few bytes a message.
 */
export class UnreadTally {
  /** Seqs of burn messages. */
  readonly burns = new Set<number>();
  private readonly blocks = new Map<number, Block>();

  /** A message counts from now on, or no more. */
  count({ seq, sender, burns }: Counted, step: 1 | -1): void {
    const number = blockOf(seq);
    const block = this.blocks.get(number) ?? { counted: 0, bySender: new Map<number, number>() };
    block.counted += step;
    block.bySender.set(sender, (block.bySender.get(sender) ?? 0) + step);
    if (block.counted === 0) {
      this.blocks.delete(number);
    } else {
      this.blocks.set(number, block);
    }
    if (burns) {
      this.burns[step === 1 ? 'add' : 'delete'](seq);
    }
  }

  /** Messages of everyone but one sender, in the stretches behind that of a seq. */
  behind(seq: number, sender: number): number {
    let found = 0;
    for (const [number, { counted, bySender }] of this.blocks) {
      found += number > blockOf(seq) ? counted - (bySender.get(sender) ?? 0) : 0;
    }
    return found;
  }
}

/**
 * Live messages that others sent to a member of a room that is not direct who has not seen them; a burn message until
 * they have revealed it. Undefined for who is no member. Costs one step a stretch of 128 messages, and one for each
 * message of one stretch, each that is overdue and each that burns.
 */
export function unreadOf(room: MemoryRoom, records: MessageRecords, userId: string, now: number): number | undefined {
  const marks = room.group?.member(userId) && room.group.marks;
  if (!marks) {
    return undefined;
  }
  const [seen, joined, person] = [marks.seenBy(userId), marks.joinedSeq(userId), room.findPerson(userId)];
  room.tally ??= tallyOf(room, records);
  const isFromOthers = (handle: Handle): boolean => records.isCounted(handle) && records.sender(handle) !== person;
  let unread = room.tally.behind(seen, person);
  for (const handle of room.log.ascending(-Infinity, seen + 1, (blockOf(seen) + 1) * BLOCK - 1)) {
    unread += isFromOthers(handle) ? 1 : 0;
  }
  for (const handle of overdueIn(room.due, records, now)) {
    unread -= isFromOthers(handle) && records.seq(handle) > seen ? 1 : 0;
  }
  for (const seq of room.tally.burns) {
    const [handle] = room.log.ascending(now, seq, seq);
    if (handle === undefined || !isFromOthers(handle) || seq <= joined) {
      continue;
    }
    const isSeen = room.reveals?.get(seq, userId) !== undefined;
    unread += Number(seq <= seen) - Number(isSeen);
  }
  return unread;
}

/** Messages whose deadline has come and which are not freed yet: gone for every reader. Costs one step for each. */
export function* overdueIn({ heapArray }: Heap<Handle>, records: MessageRecords, now: number): Generator<Handle> {
  const open = [0];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const handle = heapArray[at];
    if (handle === undefined || records.deadline(handle) > now) {
      continue;
    }
    open.push(2 * at + 1, 2 * at + 2);
    if (!records.isHusk(handle)) {
      yield handle;
    }
  }
}

function tallyOf(room: MemoryRoom, records: MessageRecords): UnreadTally {
  const tally = new UnreadTally();
  for (const handle of room.log.all()) {
    if (records.isCounted(handle)) {
      tally.count(countedOf(records, handle), 1);
    }
  }
  return tally;
}

export function countedOf(records: MessageRecords, handle: Handle): Counted {
  return { seq: records.seq(handle), sender: records.sender(handle), burns: records.isBurn(handle) };
}

function blockOf(seq: number): number {
  return Math.floor(seq / BLOCK);
}
