import { EXPIRY_KIND } from '../../src/chat/engine/room-feed';
import { ALL, idsOf, LONG_S, type MakeChatKit, type Pair, SHORT_MS, SHORT_S, useChat, VIEWER } from './chat-kit';

/** What every driver of the chat stores promises of messages whose deadline has come. */
export function roomExpiryContract(makeKit: MakeChatKit): void {
  const bench = useChat(makeKit);
  const sweep = async ({ roomId }: Pair, limit = 1000) => bench.kit.feed.sweep(roomId, limit);

  it('serves nothing from its deadline on by any path, swept or not', async () => {
    const pair = await bench.pair();
    const { roomId, epoch } = pair;
    const { messages, rooms, feed } = bench.kit;
    const alive = await bench.send(pair, { content: 'alive' });
    const needle = await bench.send(pair, { content: 'needle', ttl: SHORT_S, clientId: 'c' });
    const note = await bench.send(pair, { ...bench.systemMessage(pair), content: 'needle', ttl: SHORT_S });
    const sinceTime = alive.createdAt;
    await bench.raise(pair, 'delivered', { upToSeq: 3 });
    const everyRead = async (): Promise<unknown[]> => [
      await messages.find(roomId, VIEWER, needle.id),
      await messages.find(roomId, VIEWER, note.id),
      await messages.page(roomId, VIEWER, undefined, ALL),
      await messages.page(roomId, VIEWER, 4, ALL),
      await messages.snapshot(roomId, VIEWER, undefined, ALL),
      await messages.snapshot(roomId, VIEWER, { since: 1, epoch, sinceTime }, ALL),
      await messages.snapshot(roomId, VIEWER, { since: 3, epoch, sinceTime }, ALL),
      await messages.snapshot(roomId, VIEWER, { since: 3, epoch: 'another', sinceTime }, ALL),
      await rooms.summariesOf(pair.alice),
      await rooms.summariesOf(pair.bob),
      await rooms.find(roomId),
      await feed.raise({
        roomId,
        userId: pair.bob,
        status: 'seen',
        range: { messageId: needle.id },
        socketId: undefined,
      }),
    ];
    expect(JSON.stringify(await bench.live(pair))).toContain('needle');
    expect((await rooms.summariesOf(pair.bob))[0]).toMatchObject({ lastMessage: { id: needle.id }, unreadCount: 2 });

    await bench.kit.advance(SHORT_MS);
    for (const swept of [false, true]) {
      if (swept) {
        await sweep(pair);
      }
      expect(JSON.stringify(await everyRead())).not.toMatch(/needle/);
      expect(await messages.find(roomId, VIEWER, needle.id)).toBeUndefined();
      expect(idsOf(await bench.live(pair))).toEqual([alive.id]);
      expect((await messages.snapshot(roomId, VIEWER, { since: 3, epoch, sinceTime }, ALL))?.live).toEqual([[1, 1]]);
      for (const userId of [pair.alice, pair.bob]) {
        expect((await rooms.summariesOf(userId))[0]).toMatchObject({
          messageCount: 1,
          unreadCount: userId === pair.bob ? 1 : 0,
          lastMessage: { id: alive.id },
        });
      }
    }
  });

  it('erases what is due and nothing else, and tells all ids', async () => {
    const pair = await bench.pair();
    const dying = await bench.sendMany(3, pair, { ttl: SHORT_S });
    const alive = await bench.send(pair);
    const seen = await bench.send(pair, { senderId: pair.bob });
    await bench.raise(pair, 'seen', { messageId: seen.id }, { userId: pair.alice });
    await bench.news(pair.roomId);
    expect(await sweep(pair)).toEqual({ erased: 0, waiting: 4 });
    expect(await bench.news(pair.roomId)).toEqual([]);

    await bench.kit.advance(SHORT_MS);
    expect(await sweep(pair)).toEqual({ erased: 3, waiting: 1 });
    const news = await bench.news(pair.roomId);
    expect(news).toMatchObject([{ kind: 'expired', reason: 'expired' }]);
    expect(news.flatMap((event) => (event.kind === 'expired' ? event.messageIds : [])).sort()).toEqual(
      idsOf(dying).sort(),
    );
    expect(await bench.kit.rooms.life(pair.roomId)).toMatchObject({ messageCount: 2, waiting: 1 });
    expect(await bench.kit.rooms.totals()).toMatchObject({ rooms: 1, messages: 2 });
    expect(idsOf(await bench.live(pair))).toEqual([alive.id, seen.id]);
    expect(await sweep(pair)).toEqual({ erased: 0, waiting: 1 });
    expect(await bench.news(pair.roomId)).toEqual([]);
  });

  it('erases no more at once than it is asked to, and each message once', async () => {
    const pair = await bench.pair();
    const dying = await bench.sendMany(5, pair, { ttl: SHORT_S });
    await bench.news(pair.roomId);
    await bench.kit.advance(SHORT_MS);
    const erased: (number | undefined)[] = [];
    for (let i = 0; i < 4; i++) {
      erased.push((await sweep(pair, 2))?.erased);
    }
    expect(erased).toEqual([2, 2, 1, 0]);
    const told = (await bench.news(pair.roomId)).map((event) => (event.kind === 'expired' ? event.messageIds : []));
    expect(told.map((ids) => ids.length)).toEqual([2, 2, 1]);
    expect(told.flat().sort()).toEqual(idsOf(dying).sort());
    expect(await bench.kit.rooms.life(pair.roomId)).toMatchObject({ messageCount: 0, waiting: 0 });
  });

  it('of ten sweeps at once erases each message in one', async () => {
    const pair = await bench.pair();
    const dying = await bench.sendMany(20, pair, { ttl: SHORT_S });
    await bench.news(pair.roomId);
    await bench.kit.advance(SHORT_MS);
    const swept = await Promise.all(Array.from({ length: 10 }, () => sweep(pair, 3)));
    expect(swept.reduce((sum, one) => sum + (one?.erased ?? 0), 0)).toBe(20);
    const told = (await bench.news(pair.roomId)).flatMap((event) => (event.kind === 'expired' ? event.messageIds : []));
    expect([...told].sort()).toEqual(idsOf(dying).sort());
  });

  it('puts the earliest deadline of a room on the queue, and after a sweep the next', async () => {
    const pair = await bench.pair();
    const { queue } = bench.kit;
    const claimed = async (): Promise<unknown[]> =>
      (await queue.claim(100)).map(({ kind, key }) => [kind, key]).filter(([kind]) => kind === EXPIRY_KIND);
    const late = await bench.send(pair, { ttl: LONG_S });
    const soon = await bench.send(pair, { ttl: 2 * SHORT_S });
    const first = await bench.send(pair, { ttl: SHORT_S });
    expect(await queue.nextDeadline()).toBeLessThanOrEqual(first.expiresAt ?? NaN);
    expect(await claimed()).toEqual([]);

    await bench.kit.advance(SHORT_MS);
    expect(await claimed()).toEqual([[EXPIRY_KIND, pair.roomId]]);
    expect(await sweep(pair)).toMatchObject({ erased: 1 });
    expect(await queue.nextDeadline()).toBeLessThanOrEqual(soon.expiresAt ?? NaN);
    expect(await claimed()).toEqual([]);

    await bench.kit.advance(SHORT_MS);
    expect(await claimed()).toEqual([[EXPIRY_KIND, pair.roomId]]);
    expect(await sweep(pair)).toMatchObject({ erased: 1 });
    expect(await queue.nextDeadline()).toBeLessThanOrEqual(late.expiresAt ?? NaN);
    expect(await claimed()).toEqual([]);
    expect(idsOf(await bench.live(pair))).toEqual([late.id]);
  });

  it('leaves what a sweep could not take in one go to the next claim', async () => {
    const pair = await bench.pair();
    const { queue } = bench.kit;
    await bench.sendMany(3, pair, { ttl: SHORT_S });
    await bench.kit.advance(SHORT_MS);
    for (const left of [2, 1, 0]) {
      expect(await queue.claim(100)).toMatchObject([{ kind: EXPIRY_KIND, key: pair.roomId }]);
      await sweep(pair, 1);
      expect(await bench.kit.rooms.life(pair.roomId)).toMatchObject({ messageCount: left });
    }
  });
}
