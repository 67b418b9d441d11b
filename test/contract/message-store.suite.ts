import { MAX_CHANGED, type ResumePoint, type Snapshot } from '../../src/chat/engine/message.store';
import type { Message } from '../../src/chat/engine/message';
import {
  ALL,
  idsOf,
  LONG_S,
  type MakeChatKit,
  type Pair,
  seqsOf,
  SHORT_MS,
  SHORT_S,
  useChat,
  VIEWER,
} from './chat-kit';

/** What every driver of `MessageStore` promises. */
export function messageStoreContract(makeKit: MakeChatKit): void {
  const bench = useChat(makeKit);

  const snapshot = async (pair: Pair, from?: Partial<ResumePoint>, limits = ALL): Promise<Snapshot> => {
    const point = from && { since: 0, epoch: pair.epoch, sinceTime: undefined, ...from };
    const taken = await bench.kit.messages.snapshot(pair.roomId, VIEWER, point, limits);
    if (!taken) {
      throw new Error('There is no such room');
    }
    return taken;
  };

  describe('finding a message', () => {
    it('takes the room and the id, and nothing that resembles them', async () => {
      const pair = await bench.pair();
      const [message] = await bench.sendMany(1, pair);
      const { messages } = bench.kit;
      const id = message?.id ?? '';
      expect(await messages.find(pair.roomId, VIEWER, id)).toEqual(message);
      for (const other of [
        '',
        'msg_',
        'msg__',
        id.slice(0, -1),
        `${id}0`,
        id.toUpperCase(),
        'msg_NaN_0',
        '__proto__',
      ]) {
        expect(await messages.find(pair.roomId, VIEWER, other)).toBeUndefined();
      }
      expect(await messages.find(bench.draft().id, VIEWER, id)).toBeUndefined();
    });
  });

  describe('a page', () => {
    const page = async (pair: Pair, before: number | undefined, count: number): Promise<[number[], boolean]> => {
      const { messages, more } = await bench.kit.messages.page(pair.roomId, VIEWER, before, { ...ALL, count });
      return [seqsOf(messages), more];
    };

    it('has the newest before a seq, ascending, and says whether older ones exist', async () => {
      const pair = await bench.pair();
      const sent = await bench.sendMany(5, pair);
      expect((await bench.kit.messages.page(pair.roomId, VIEWER, undefined, ALL)).messages).toEqual(sent);
      expect(await page(pair, undefined, 2)).toEqual([[4, 5], true]);
      expect(await page(pair, 4, 2)).toEqual([[2, 3], true]);
      expect(await page(pair, 2, 2)).toEqual([[1], false]);
      expect(await page(pair, 4, 3)).toEqual([[1, 2, 3], false]);
      expect(await page(pair, 1, 2)).toEqual([[], false]);
      expect(await page(pair, 0, 2)).toEqual([[], false]);
      expect(await page(pair, 1_000_000, 1)).toEqual([[5], true]);
    });

    it('is empty where no room stands', async () => {
      const { messages } = bench.kit;
      expect(await messages.page(bench.draft().id, VIEWER, undefined, ALL)).toEqual({ messages: [], more: false });
    });

    it('has bytes enough for one message at least, and roughly no more than are allowed', async () => {
      const pair = await bench.pair();
      await bench.sendMany(6, pair, { content: 'x'.repeat(1000) });
      const small = await bench.kit.messages.page(pair.roomId, VIEWER, undefined, { count: 50, bytes: 1 });
      expect([seqsOf(small.messages), small.more]).toEqual([[6], true]);
      const larger = await bench.kit.messages.page(pair.roomId, VIEWER, undefined, { count: 50, bytes: 3500 });
      expect(larger.messages.length).toBeGreaterThan(1);
      expect(larger.messages.length).toBeLessThanOrEqual(3);
      expect(seqsOf(larger.messages).at(-1)).toBe(6);
      expect(larger.more).toBe(true);
    });
  });

  describe('a snapshot without a resume point', () => {
    it('has the newest, and says whether older ones exist', async () => {
      const pair = await bench.pair();
      expect(await snapshot(pair)).toMatchObject({ messages: [], more: false, lastSeq: 0 });
      const sent = await bench.sendMany(4, pair);
      const all = await snapshot(pair);
      expect(all).toMatchObject({ live: [], changed: [], more: false, gap: false, lastSeq: 4, activeUsers: [] });
      expect(all.messages).toEqual(sent);
      expect(all.room).toEqual(await bench.kit.rooms.find(pair.roomId));
      const few = await snapshot(pair, undefined, { ...ALL, count: 3 });
      expect([seqsOf(few.messages), few.more, few.lastSeq]).toEqual([[2, 3, 4], true, 4]);
      expect((await snapshot(pair, undefined, { ...ALL, bytes: 1 })).messages).toEqual(sent.slice(-1));
    });

    it('of a room that does not stand is undefined', async () => {
      expect(await bench.kit.messages.snapshot(bench.draft().id, VIEWER, undefined, ALL)).toBeUndefined();
    });

    it('is of one moment while fifty send', async () => {
      const pair = await bench.pair();
      const before = (await bench.kit.rooms.find(pair.roomId))?.position ?? NaN;
      const sends = Array.from({ length: 50 }, () => bench.send(pair));
      const taken = await Promise.all(Array.from({ length: 10 }, () => snapshot(pair)));
      await Promise.all(sends);
      for (const { messages, lastSeq, room } of taken) {
        expect(seqsOf(messages)).toEqual(Array.from({ length: lastSeq }, (_, i) => i + 1));
        expect(room).toMatchObject({ lastSeq, position: before + lastSeq });
      }
    });
  });

  describe('a snapshot from a resume point', () => {
    it('has what came after it, and the ranges before it that still stand', async () => {
      const pair = await bench.pair();
      await bench.sendMany(2, pair);
      await bench.sendMany(2, pair, { ttl: SHORT_S });
      await bench.sendMany(1, pair);
      await bench.sendMany(1, pair, { ttl: SHORT_S });
      await bench.sendMany(3, pair);
      expect((await snapshot(pair, { since: 7 })).live).toEqual([[1, 7]]);
      await bench.kit.advance(SHORT_MS);
      for (const swept of [false, true]) {
        if (swept) {
          await bench.kit.feed.sweep(pair.roomId, 10);
        }
        const taken = await snapshot(pair, { since: 7 });
        expect(seqsOf(taken.messages)).toEqual([8, 9]);
        expect(taken.live.join(' ')).toBe('1,2 5,5 7,7');
        expect(taken).toMatchObject({ more: false, gap: false, lastSeq: 9, changed: [] });
        expect((await snapshot(pair, { since: 4 })).live).toEqual([[1, 2]]);
        expect((await snapshot(pair, { since: 3 })).live).toEqual([[1, 2]]);
        expect(await snapshot(pair, { since: 0 })).toMatchObject({ live: [], gap: false, lastSeq: 9 });
        expect(await snapshot(pair, { since: 9 })).toMatchObject({ messages: [], more: false, gap: false, lastSeq: 9 });
      }
    });

    it('looks at the end of the count though all of it is gone', async () => {
      const pair = await bench.pair();
      await bench.sendMany(3, pair, { ttl: SHORT_S });
      await bench.kit.advance(SHORT_MS);
      await bench.kit.feed.sweep(pair.roomId, 10);
      const gone = { messages: [], live: [], changed: [], gap: false, more: false, lastSeq: 3 };
      expect(await snapshot(pair, { since: 2 })).toMatchObject(gone);
      expect(await snapshot(pair, { since: 3 })).toMatchObject(gone);
      await bench.send(pair);
      expect(seqsOf((await snapshot(pair, { since: 2 })).messages)).toEqual([4]);
    });

    it('says when it was read, so that the next one knows what changed after it', async () => {
      const pair = await bench.pair();
      const [first, second] = await bench.sendMany(2, pair);
      const raise = (messageId: string): unknown =>
        bench.kit.feed.raise({
          roomId: pair.roomId,
          userId: pair.bob,
          status: 'seen',
          range: { messageId },
          socketId: undefined,
        });
      await raise(first?.id ?? '');
      await bench.kit.advance(SHORT_MS);
      const { at } = await snapshot(pair);
      await raise(second?.id ?? '');
      expect(await snapshot(pair, { since: 2, sinceTime: at })).toMatchObject({ changed: [{ id: second?.id }] });
    });

    it('is taken up where it was cut, until every message has come once', async () => {
      const pair = await bench.pair();
      const sent = await bench.sendMany(9, pair, { content: 'x'.repeat(1000) });
      for (const limits of [
        { ...ALL, count: 2 },
        { ...ALL, bytes: 1 },
        { ...ALL, bytes: 4000 },
      ]) {
        const come: Message[] = [];
        for (let since = 0, more = true; more;) {
          const taken = await snapshot(pair, { since }, limits);
          expect(taken.messages.length).toBeGreaterThan(0);
          expect(taken.lastSeq).toBe(taken.messages.at(-1)?.seq);
          come.push(...taken.messages);
          ({ lastSeq: since, more } = taken);
        }
        expect(come).toEqual(sent);
      }
    });

    it('has the messages that were raised since the last one, and none that is gone', async () => {
      const pair = await bench.pair();
      const [, , , , fifth] = await bench.sendMany(5, pair, { ttl: LONG_S });
      const dead = await bench.send(pair, { ttl: SHORT_S });
      await bench.sendMany(2, pair);
      await bench.raise(pair, 'delivered', { upToSeq: 2 });
      await bench.kit.advance(SHORT_MS);
      const sinceTime = await bench.kit.now();
      await bench.raise(pair, 'seen', { upToSeq: 1 });
      await bench.raise(pair, 'seen', { messageId: fifth?.id ?? '' });
      await bench.raise(pair, 'delivered', { messageId: dead.id });
      await bench.raise(pair, 'delivered', { upToSeq: 8 });
      const taken = await snapshot(pair, { since: 6, sinceTime });
      const changed = new Map(taken.changed.map(({ seq, status }) => [seq, status]));
      expect([changed.get(1), changed.get(3), changed.get(4), changed.get(5)]).toEqual([
        'seen',
        'delivered',
        'delivered',
        'seen',
      ]);
      // More than what changed is allowed, but nothing that is gone or that comes with `messages`.
      expect(idsOf(taken.changed)).not.toContain(dead.id);
      expect([...changed.keys()].every((seq) => seq <= 6)).toBe(true);
      expect(seqsOf(taken.messages)).toEqual([7, 8]);
      expect(taken.messages.map(({ status }) => status)).toEqual(['delivered', 'delivered']);
      expect((await snapshot(pair, { since: 6 })).changed).toEqual([]);
      expect((await snapshot(pair, undefined)).changed).toEqual([]);
    });

    it(`is a gap when more than ${MAX_CHANGED} changed`, async () => {
      const pair = await bench.pair();
      await bench.sendMany(MAX_CHANGED + 2, pair);
      const sinceTime = await bench.kit.now();
      await bench.raise(pair, 'seen', { upToSeq: MAX_CHANGED });
      const point = { since: MAX_CHANGED + 2, sinceTime };
      const most = await snapshot(pair, point);
      expect([most.gap, most.changed.length, most.messages.length]).toEqual([false, MAX_CHANGED, 0]);
      await bench.raise(pair, 'seen', { upToSeq: MAX_CHANGED + 1 });
      const taken = await snapshot(pair, point, { ...ALL, count: 2 });
      expect(taken).toMatchObject({ gap: true, live: [], changed: [], more: true, lastSeq: MAX_CHANGED + 2 });
      expect(seqsOf(taken.messages)).toEqual([MAX_CHANGED + 1, MAX_CHANGED + 2]);
      expect(await snapshot(pair, { since: MAX_CHANGED + 2 })).toMatchObject({ gap: false, changed: [] });
    });

    it('is a gap for another epoch, and beyond the last seq: as without one', async () => {
      const pair = await bench.pair();
      const sent = await bench.sendMany(3, pair);
      for (const from of [
        { epoch: 'another', since: 1 },
        { epoch: 'another' },
        { since: 4 },
        { epoch: '', since: 9 },
      ]) {
        const taken = await snapshot(pair, { sinceTime: 0, ...from });
        expect(taken).toMatchObject({ gap: true, live: [], changed: [], more: false, lastSeq: 3 });
        expect(taken.messages).toEqual(sent);
      }
    });
  });
}
