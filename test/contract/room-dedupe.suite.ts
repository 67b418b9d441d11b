import { GHOST_PREFIX } from '../../src/chat/engine/room';
import { failureOf, type MakeChatKit, type Pair, pairOf, repeat, seqsOf, SHORT_MS, SHORT_S, useChat } from './chat-kit';

const MANY = 50;

/** What every driver of `RoomFeed` promises of what it does not store: repeats, and what is too much. */
export function roomDedupeContract(makeKit: MakeChatKit): void {
  const bench = useChat(makeKit);

  describe('a repeated clientId', () => {
    it('stores nothing and is told the first message while that lives', async () => {
      const pair = await bench.pair();
      const first = await bench.send(pair, { clientId: 'c', content: 'first' });
      await bench.send(pair);
      await bench.news(pair.roomId);
      const again = await bench.append(bench.message(pair, { clientId: 'c', content: 'second', ttl: 5 }));
      const { id, seq, createdAt, expiresAt } = first;
      expect(again).toMatchObject({ duplicate: true, message: { id, seq, createdAt, expiresAt } });
      expect(await bench.kit.rooms.find(pair.roomId)).toMatchObject({ lastSeq: 2 });
      expect(await bench.live(pair)).toHaveLength(2);
      expect(await bench.news(pair.roomId)).toEqual([]);
    });

    it('is another message of another sender, in another room, or under another name', async () => {
      const [pair, other] = [await bench.pair(), await bench.pair()];
      await bench.send(pair, { clientId: 'c' });
      for (const draft of [
        bench.message(pair, { clientId: 'c', senderId: pair.bob }),
        bench.message(pair, { clientId: 'C' }),
        bench.message(pair, { clientId: 'c ' }),
        bench.message(pair),
        bench.message(other, { clientId: 'c' }),
      ]) {
        expect(await bench.append(draft)).toMatchObject({ duplicate: false });
      }
    });

    it('is still known when the message is gone, before and after it is swept', async () => {
      const pair = await bench.pair();
      const first = await bench.send(pair, { clientId: 'c', ttl: SHORT_S, content: 'needle' });
      const { id, seq, createdAt, expiresAt } = first;
      const told = { duplicate: true, message: { id, seq, createdAt, expiresAt } };
      await bench.kit.advance(SHORT_MS);
      const unswept = await bench.append(bench.message(pair, { clientId: 'c' }));
      expect(unswept).toMatchObject(told);
      expect(JSON.stringify(unswept)).not.toContain('needle');
      await bench.kit.feed.sweep(pair.roomId, 10);
      const swept = await bench.append(bench.message(pair, { clientId: 'c' }));
      expect(swept).toMatchObject(told);
      expect(JSON.stringify(swept)).not.toContain('needle');
      expect(await bench.live(pair)).toEqual([]);
      expect(await bench.append(bench.message(pair, { clientId: 'c', senderId: pair.bob }))).toMatchObject({
        duplicate: false,
      });
    });

    it('is forgotten with the room', async () => {
      const draft = bench.draft();
      const pair = pairOf(draft);
      await bench.open(draft);
      await bench.send(pair, { clientId: 'c' });
      await bench.kit.feed.close(pair.roomId, 'deleted');
      await bench.open(draft);
      expect(await bench.append(bench.message(pair, { clientId: 'c' }))).toMatchObject({
        duplicate: false,
        message: { seq: 1 },
      });
    });

    it('sent fifty times at once stores one', async () => {
      const pair = await bench.pair();
      await bench.news(pair.roomId);
      const repeats = repeat(MANY, () => bench.append(bench.message(pair, { clientId: 'c' })));
      const answers = await Promise.all(repeats);
      expect(answers.filter((answer) => answer?.duplicate === false)).toHaveLength(1);
      expect(new Set(answers.map((answer) => answer?.message.id)).size).toBe(1);
      expect(await bench.live(pair)).toHaveLength(1);
      expect(await bench.news(pair.roomId)).toHaveLength(1);
    });

    it('costs nothing where the room is full', async () => {
      const pair = await bench.pair();
      const { id } = await bench.send(pair, { clientId: 'c' });
      const again = await bench.append(bench.message(pair, { clientId: 'c' }), { messagesPerRoom: 1 });
      expect(again).toMatchObject({ duplicate: true, message: { id } });
    });
  });

  describe('a cap', () => {
    it('on the messages of a room counts system messages, refuses the next and stores nothing of it', async () => {
      const [pair, other] = [await bench.pair(), await bench.pair()];
      await bench.send(pair, { ttl: SHORT_S });
      await bench.send(pair, bench.systemMessage(pair));
      await bench.news(pair.roomId);
      const over = bench.append(bench.message(pair, { clientId: 'c' }), { messagesPerRoom: 2 });
      expect(await failureOf(over)).toMatchObject({ code: 'CapacityError' });
      expect(await bench.kit.rooms.find(pair.roomId)).toMatchObject({ lastSeq: 2 });
      expect(await bench.live(pair)).toHaveLength(2);
      expect(await bench.news(pair.roomId)).toEqual([]);
      await bench.send(other, {}, { messagesPerRoom: 2 });
      // What is erased makes room, and what was refused is no duplicate.
      await bench.kit.advance(SHORT_MS);
      await bench.kit.feed.sweep(pair.roomId, 10);
      const again = await bench.append(bench.message(pair, { clientId: 'c' }), { messagesPerRoom: 2 });
      expect(again).toMatchObject({ duplicate: false, message: { seq: 3 } });
    });

    it('on the messages of a room holds for fifty at once', async () => {
      const pair = await bench.pair();
      const sends = repeat(MANY, () => failureOf(bench.send(pair, {}, { messagesPerRoom: 20 })));
      const refused = (await Promise.all(sends)).filter((error) => error !== undefined);
      expect(refused).toHaveLength(MANY - 20);
      expect(seqsOf(await bench.live(pair))).toEqual(repeat(20, (i) => i + 1));
    });

    it('on the bytes of all messages refuses in every room and stores nothing', async () => {
      const [pair, other] = [await bench.pair(), await bench.pair()];
      const full = { totalBytes: 32 * 1024 };
      const content = 'x'.repeat(4096);
      const sends: unknown[] = [];
      for (let i = 0; i < 16; i++) {
        sends.push(await failureOf(bench.send(i % 2 ? pair : other, { content }, full)));
      }
      const stored = sends.filter((error) => error === undefined).length;
      expect(stored).toBeGreaterThan(1);
      expect(stored).toBeLessThanOrEqual(9);
      for (const error of sends.slice(stored)) {
        expect(error).toMatchObject({ code: 'CapacityError' });
      }
      expect((await bench.live(pair)).length + (await bench.live(other)).length).toBe(stored);
      const told = [...(await bench.news(pair.roomId)), ...(await bench.news(other.roomId))];
      expect(told.filter(({ kind }) => kind === 'message')).toHaveLength(stored);
      await bench.kit.feed.close(pair.roomId, 'deleted');
      await bench.kit.feed.close(other.roomId, 'deleted');
      await bench.send(await bench.pair(), { content }, full);
    });

    it('on the bytes in anonymous rooms refuses there alone, and counts what is there alone', async () => {
      const ghosts = (n: number): Pair => ({ roomId: `${GHOST_PREFIX}${n}`, epoch: '', alice: `a${n}`, bob: `b${n}` });
      const content = 'x'.repeat(4096);
      const limits = { anonymousBytes: 32 * 1024 };
      const [one, two, pair] = [ghosts(1), ghosts(2), await bench.pair()];
      for (const { roomId } of [one, two]) {
        await bench.open({ ...bench.draft(), id: roomId, type: 'ghost', members: [] });
      }
      await bench.sendMany(16, pair, { content });
      const sends: unknown[] = [];
      for (let i = 0; i < 16; i++) {
        sends.push(await failureOf(bench.send(i % 2 ? one : two, { content, ttl: SHORT_S }, limits)));
      }
      const stored = sends.filter((error) => error === undefined).length;
      expect(stored).toBeGreaterThan(1);
      expect(stored).toBeLessThanOrEqual(9);
      await bench.send(pair, { content });
      await bench.kit.feed.close(one.roomId, 'left');
      await bench.send(two, { content, ttl: SHORT_S }, limits);
      await bench.kit.advance(SHORT_MS);
      await bench.kit.feed.sweep(two.roomId, 100);
      for (let i = 0; i < stored; i++) {
        await bench.send(two, { content }, limits);
      }
      expect(await failureOf(bench.send(two, { content: 'x'.repeat(32 * 1024) }, limits))).toMatchObject({
        code: 'CapacityError',
      });
    });
  });
}
