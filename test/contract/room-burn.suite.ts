import type { Message } from '../../src/chat/engine/message';
import type { Revealed, RevealRequest } from '../../src/chat/engine/room-feed';
import { ALL, idsOf, LONG_S, type MakeChatKit, type Pair, SHORT_MS, SHORT_S, useChat } from './chat-kit';

/** A countdown that no test lives to see the end of, ms. */
const LONG_MS = LONG_S * 1000;
const CAROL = 'c'.repeat(24);

/** What every driver of the chat stores promises of burn after reading, and of lifetimes that start when seen. */
export function roomBurnContract(makeKit: MakeChatKit): void {
  const bench = useChat(makeKit);

  const reveal = async (
    pair: Pair,
    message: Message,
    changes: Partial<RevealRequest> = {},
  ): Promise<Revealed | undefined> =>
    bench.kit.feed.reveal({
      roomId: pair.roomId,
      userId: pair.bob,
      messageId: message.id,
      revealId: undefined,
      socketId: undefined,
      delayMs: SHORT_MS,
      ...changes,
    });
  const sweep = async ({ roomId }: Pair) => bench.kit.feed.sweep(roomId, 1000);

  /** A room of three, which its first two members share with carol. */
  const trio = async (): Promise<Pair & { carol: string }> => {
    const base = bench.draft({ createdAt: await bench.kit.now() });
    const draft = { ...base, members: [...base.members, { userId: CAROL, username: 'carol' }] };
    await bench.open(draft);
    const [alice = '', bob = ''] = base.members.map(({ userId }) => userId);
    return { roomId: draft.id, epoch: draft.epoch, alice, bob, carol: CAROL };
  };

  describe('a burn message', () => {
    it('is stored as one, with its picture and its own deadline', async () => {
      const pair = await bench.pair();
      const image = { filename: 'a.webp', holder: 'h', width: 3, height: 4 };
      const sent = await bench.send(pair, { burn: true, ttl: 60, image, type: 'image', clientId: 'c' });
      expect(sent).toMatchObject({ burn: true, image, type: 'image', expiresAt: sent.createdAt + 60_000 });
      expect(await bench.live(pair)).toEqual([sent]);
      expect((await bench.news(pair.roomId)).at(-1)).toMatchObject({ kind: 'message', message: sent });
      expect((await bench.send(pair)).burn).toBe(false);
    });

    it('goes to its recipient once, and is gone for all when the countdown has run out', async () => {
      const pair = await bench.pair();
      const sent = await bench.send(pair, { burn: true, content: 'needle' });
      await bench.news(pair.roomId);
      const before = await bench.kit.now();
      const revealed = await reveal(pair, sent, { socketId: 's1' });
      if (revealed?.outcome !== 'revealed') {
        throw new Error(`It was not revealed: ${revealed?.outcome}`);
      }
      const { message, expiresAt } = revealed;
      expect(message).toEqual({ ...sent, status: 'seen', expiresAt });
      expect(expiresAt - before).toBeGreaterThanOrEqual(SHORT_MS);
      expect(expiresAt).toBeLessThan(sent.expiresAt ?? 0);
      expect(await bench.news(pair.roomId)).toMatchObject([
        {
          kind: 'status',
          status: 'seen',
          userId: pair.bob,
          socketId: 's1',
          messages: [{ id: sent.id, seq: sent.seq, senderId: pair.alice, expiresAt }],
        },
      ]);
      expect(await reveal(pair, sent)).toEqual({ outcome: 'again' });
      expect(await bench.kit.messages.isRevealed(pair.roomId, pair.bob, sent.id)).toBe(true);
      expect(await bench.kit.messages.isRevealed(pair.roomId, pair.alice, sent.id)).toBe(false);
      expect(await bench.live(pair)).toEqual([message]);

      expect(await bench.kit.queue.nextDeadline()).toBeLessThanOrEqual(expiresAt);
      await bench.kit.advance(SHORT_MS);
      expect(await bench.live(pair)).toEqual([]);
      expect(await reveal(pair, sent)).toBeUndefined();
      expect(await sweep(pair)).toEqual({ erased: 1, waiting: 0 });
      expect(await bench.news(pair.roomId)).toMatchObject([
        { kind: 'expired', reason: 'burned', messageIds: [sent.id], userId: undefined },
      ]);
      expect(await bench.kit.messages.isRevealed(pair.roomId, pair.bob, sent.id)).toBe(false);
    });

    it('answers the same revealId the same way, and no other', async () => {
      const pair = await bench.pair();
      const sent = await bench.send(pair, { burn: true });
      const first = await reveal(pair, sent, { revealId: 'one two', delayMs: LONG_MS / 2 });
      expect(first).toMatchObject({ outcome: 'revealed', message: { content: 'hello' } });
      expect(await reveal(pair, sent, { revealId: 'one two' })).toEqual(first);
      expect(await reveal(pair, sent, { revealId: 'one' })).toEqual({ outcome: 'again' });
      expect(await reveal(pair, sent)).toEqual({ outcome: 'again' });
    });

    it('of a hundred reveals at once goes to one', async () => {
      const pair = await bench.pair();
      const sent = await bench.send(pair, { burn: true });
      const outcomes = await Promise.all(
        Array.from({ length: 100 }, (_, i) => reveal(pair, sent, { revealId: `r${i}`, delayMs: LONG_MS / 2 })),
      );
      expect(outcomes.filter((one) => one?.outcome === 'revealed')).toHaveLength(1);
      expect(outcomes.filter((one) => one?.outcome === 'again')).toHaveLength(99);
    });

    it('is not the sender’s, a stranger’s or an ordinary one to reveal', async () => {
      const pair = await bench.pair();
      const [sent, ordinary] = [await bench.send(pair, { burn: true }), await bench.send(pair)];
      expect(await reveal(pair, sent, { userId: pair.alice })).toEqual({ outcome: 'own' });
      expect(await reveal(pair, sent, { userId: CAROL })).toBeUndefined();
      expect(await reveal(pair, ordinary)).toEqual({ outcome: 'ordinary' });
      expect(await reveal(pair, { ...sent, id: `${sent.id.slice(0, -1)}x` })).toBeUndefined();
      expect(await reveal(pair, sent, { roomId: bench.draft().id })).toBeUndefined();
      expect(await reveal(pair, sent)).toMatchObject({ outcome: 'revealed' });
    });

    it('becomes delivered by a receipt, seen by its reveal alone', async () => {
      const pair = await bench.pair();
      const [burn, ordinary] = [await bench.send(pair, { burn: true }), await bench.send(pair)];
      await bench.news(pair.roomId);
      expect(await bench.raise(pair, 'seen', { upToSeq: 2 })).toEqual({ waiting: 0 });
      expect((await bench.live(pair)).map(({ status }) => status)).toEqual(['delivered', 'seen']);
      expect(await bench.news(pair.roomId)).toMatchObject([
        { kind: 'status', status: 'delivered', messages: [{ id: burn.id, expiresAt: undefined }] },
        { kind: 'status', status: 'seen', messages: [{ id: ordinary.id, expiresAt: undefined }] },
      ]);
      expect(await bench.raise(pair, 'seen', { messageId: burn.id })).toBeUndefined();
      const [summary] = await bench.kit.rooms.summariesOf(pair.bob);
      expect(summary?.unreadCount).toBe(1);
      await reveal(pair, burn, { delayMs: LONG_MS / 2 });
      expect((await bench.live(pair)).map(({ status }) => status)).toEqual(['seen', 'seen']);
      expect((await bench.kit.rooms.summariesOf(pair.bob))[0]?.unreadCount).toBe(0);
    });

    it('that nobody revealed expires at its ordinary deadline', async () => {
      const pair = await bench.pair();
      const sent = await bench.send(pair, { burn: true, ttl: SHORT_S });
      await bench.news(pair.roomId);
      await bench.kit.advance(SHORT_MS);
      expect(await reveal(pair, sent)).toBeUndefined();
      await sweep(pair);
      expect(await bench.news(pair.roomId)).toMatchObject([{ kind: 'expired', reason: 'expired' }]);
    });

    it('never outlives its ordinary deadline', async () => {
      const pair = await bench.pair();
      const sent = await bench.send(pair, { burn: true, ttl: SHORT_S });
      expect(await reveal(pair, sent, { delayMs: LONG_MS })).toMatchObject({ expiresAt: sent.expiresAt });
    });

    it('stands in resume as changed after its reveal', async () => {
      const pair = await bench.pair();
      const sent = await bench.send(pair, { burn: true });
      const sinceTime = await bench.kit.now();
      await reveal(pair, sent, { delayMs: LONG_MS / 2 });
      const from = { since: 1, epoch: pair.epoch, sinceTime };
      const taken = await bench.kit.messages.snapshot(pair.roomId, pair.bob, from, ALL);
      expect(taken).toMatchObject({ live: [[1, 1]], changed: [{ id: sent.id, status: 'seen' }] });
    });

    it('is remembered with the deadline that it had in the end', async () => {
      const pair = await bench.pair();
      const sent = await bench.send(pair, { burn: true, clientId: 'c' });
      const revealed = await reveal(pair, sent);
      const expiresAt = revealed?.outcome === 'revealed' ? revealed.expiresAt : 0;
      await bench.kit.advance(SHORT_MS);
      await sweep(pair);
      const again = await bench.append(bench.message(pair, { clientId: 'c', content: 'needle' }));
      expect(again).toMatchObject({ duplicate: true, message: { id: sent.id, content: '', expiresAt } });
    });

    it('goes with its room, and what was revealed of it with it', async () => {
      const pair = await bench.pair();
      const sent = await bench.send(pair, { burn: true });
      await reveal(pair, sent);
      expect(await bench.kit.feed.close(pair.roomId, 'deleted')).toBe(true);
      await bench.open(bench.draft({}, pair.alice, pair.bob));
      const next = await bench.send(pair, { burn: true });
      expect(await reveal(pair, next)).toMatchObject({ outcome: 'revealed' });
    });
  });

  describe('a burn message to several', () => {
    it('is gone for each when their countdown ends, and for all with the last one', async () => {
      const room = await trio();
      const sent = await bench.send(room, { burn: true });
      const other = await bench.send(room);
      await bench.news(room.roomId);
      expect(await reveal(room, sent)).toMatchObject({ outcome: 'revealed' });
      expect(await bench.news(room.roomId)).toEqual([]);
      await bench.kit.advance(SHORT_MS);

      const idsFor = async (viewer: string) =>
        idsOf((await bench.kit.messages.page(room.roomId, viewer, undefined, ALL)).messages);
      const resumed = async (viewer: string) => {
        const from = { since: 2, epoch: room.epoch, sinceTime: sent.createdAt };
        const taken = await bench.kit.messages.snapshot(room.roomId, viewer, from, ALL);
        return taken?.live;
      };
      for (const swept of [false, true]) {
        if (swept) {
          expect(await sweep(room)).toMatchObject({ erased: 0 });
        }
        expect(await idsFor(room.bob)).toEqual([other.id]);
        expect(await resumed(room.bob)).toEqual([[2, 2]]);
        expect(await bench.kit.messages.find(room.roomId, room.bob, sent.id)).toBeUndefined();
        expect(await reveal(room, sent)).toBeUndefined();
        for (const viewer of [room.alice, room.carol]) {
          expect(await idsFor(viewer)).toEqual([sent.id, other.id]);
          expect(await resumed(viewer)).toEqual([[1, 2]]);
        }
      }
      expect(await bench.news(room.roomId)).toMatchObject([
        { kind: 'expired', reason: 'burned', messageIds: [sent.id], userId: room.bob },
      ]);

      expect(await reveal(room, sent, { userId: room.carol })).toMatchObject({ outcome: 'revealed' });
      expect(await bench.news(room.roomId)).toMatchObject([{ kind: 'status', status: 'seen', userId: room.carol }]);
      await bench.kit.advance(SHORT_MS);
      expect(await sweep(room)).toMatchObject({ erased: 1 });
      expect(await bench.news(room.roomId)).toMatchObject([{ kind: 'expired', reason: 'burned', userId: undefined }]);
      expect(await idsFor(room.alice)).toEqual([other.id]);
    });
  });

  describe('burn', () => {
    it('starts the countdown for everyone, the first time', async () => {
      const pair = await bench.pair();
      const sent = await bench.send(pair, { burn: true });
      const started = await bench.kit.feed.burn(pair.roomId, sent.id, SHORT_MS);
      expect(started?.first).toBe(true);
      expect(started?.expiresAt).toBeLessThan(sent.expiresAt ?? 0);
      expect(await bench.kit.feed.burn(pair.roomId, sent.id, 0)).toEqual({ ...started, first: false });
      await bench.news(pair.roomId);
      await bench.kit.advance(SHORT_MS);
      expect(await bench.live(pair)).toEqual([]);
      await sweep(pair);
      expect(await bench.news(pair.roomId)).toMatchObject([{ kind: 'expired', reason: 'burned' }]);
    });

    it('is started by one of twenty at once', async () => {
      const pair = await bench.pair();
      const { id } = await bench.send(pair, { burn: true });
      const calls = Array.from({ length: 20 }, async () => bench.kit.feed.burn(pair.roomId, id, SHORT_MS));
      expect((await Promise.all(calls)).filter((one) => one?.first)).toHaveLength(1);
    });

    it('knows no ordinary message, and none that is gone', async () => {
      const pair = await bench.pair();
      const [ordinary, burn] = [await bench.send(pair), await bench.send(pair, { burn: true, ttl: SHORT_S })];
      expect(await bench.kit.feed.burn(pair.roomId, ordinary.id, 1)).toBeUndefined();
      await bench.kit.advance(SHORT_MS);
      expect(await bench.kit.feed.burn(pair.roomId, burn.id, 1)).toBeUndefined();
      expect(await bench.kit.feed.burn(bench.draft().id, burn.id, 1)).toBeUndefined();
    });
  });

  describe('ending a message', () => {
    it('takes it away at once, and the sweep tells', async () => {
      const pair = await bench.pair();
      const [one, two] = [await bench.send(pair), await bench.send(pair)];
      await bench.news(pair.roomId);
      expect(await bench.kit.feed.end(pair.roomId, one.id)).toBe(true);
      expect(await bench.kit.feed.end(pair.roomId, one.id)).toBe(false);
      expect((await bench.live(pair)).map(({ id }) => id)).toEqual([two.id]);
      expect(await bench.kit.messages.find(pair.roomId, pair.bob, one.id)).toBeUndefined();
      await sweep(pair);
      expect(await bench.news(pair.roomId)).toMatchObject([
        { kind: 'expired', messageIds: [one.id], reason: 'expired' },
      ]);
      expect((await bench.kit.rooms.life(pair.roomId))?.messageCount).toBe(1);
    });

    it('keeps the reason of one that burns', async () => {
      const pair = await bench.pair();
      const { id } = await bench.send(pair, { burn: true });
      await bench.kit.feed.burn(pair.roomId, id, LONG_MS);
      await bench.news(pair.roomId);
      expect(await bench.kit.feed.end(pair.roomId, id)).toBe(true);
      await sweep(pair);
      expect(await bench.news(pair.roomId)).toMatchObject([{ kind: 'expired', messageIds: [id], reason: 'burned' }]);
    });

    it('knows none that is gone, and no room that does not stand', async () => {
      const pair = await bench.pair();
      expect(await bench.kit.feed.end(pair.roomId, 'msg_1_none')).toBe(false);
      expect(await bench.kit.feed.end(bench.draft().id, 'msg_1_none')).toBe(false);
    });
  });

  describe('a lifetime that starts when seen', () => {
    it('is the longest there is until then, and only ever moves closer', async () => {
      const pair = await bench.pair();
      const draft = bench.message(pair, { expireFrom: 'seen', ttl: SHORT_S });
      const sent = (await bench.append(draft, { maxLifetimeMs: LONG_MS }))?.message;
      expect(sent?.expiresAt).toBe((sent?.createdAt ?? 0) + LONG_MS);
      await bench.news(pair.roomId);
      await bench.raise(pair, 'delivered', { upToSeq: 1 });
      expect((await bench.live(pair))[0]?.expiresAt).toBe(sent?.expiresAt);

      await bench.raise(pair, 'seen', { upToSeq: 1 });
      const [told, moved] = await bench.news(pair.roomId);
      expect(told).toMatchObject({ status: 'delivered', messages: [{ expiresAt: undefined }] });
      const expiresAt = (await bench.live(pair))[0]?.expiresAt ?? 0;
      expect(expiresAt).toBeLessThan(sent?.expiresAt ?? 0);
      expect(moved).toMatchObject({ status: 'seen', at: expiresAt - SHORT_MS, messages: [{ expiresAt }] });
      expect(await bench.kit.queue.nextDeadline()).toBeLessThanOrEqual(expiresAt);

      await bench.kit.advance(SHORT_MS);
      expect(await bench.live(pair)).toEqual([]);
      await sweep(pair);
      expect(await bench.news(pair.roomId)).toMatchObject([{ kind: 'expired', reason: 'expired' }]);
    });

    it('is the room’s without one of its own, and never longer than the longest', async () => {
      const pair = await bench.pair({ messageTtl: LONG_S });
      const limits = { maxLifetimeMs: SHORT_MS };
      const sent = (await bench.append(bench.message(pair, { expireFrom: 'seen' }), limits))?.message;
      await bench.raise(pair, 'seen', { upToSeq: 1 });
      expect((await bench.live(pair))[0]?.expiresAt).toBe(sent?.expiresAt);
      const long = await bench.send(pair, { expireFrom: 'seen' });
      await bench.raise(pair, 'seen', { upToSeq: 2 });
      const found = await bench.kit.messages.find(pair.roomId, pair.bob, long.id);
      expect(found?.expiresAt).toBeLessThanOrEqual((await bench.kit.now()) + LONG_MS);
      expect(found?.expiresAt).toBeLessThan(long.expiresAt ?? 0);
    });
  });
}
