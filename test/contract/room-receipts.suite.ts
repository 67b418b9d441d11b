import { idsOf, type MakeChatKit, type Pair, SHORT_MS, SHORT_S, useChat, VIEWER } from './chat-kit';

/** What every driver of `RoomFeed` promises of receipts. */
export function roomReceiptsContract(makeKit: MakeChatKit): void {
  const bench = useChat(makeKit);

  const statuses = async (pair: Pair): Promise<string[]> => (await bench.live(pair)).map(({ status }) => status);
  const unread = async (userId: string): Promise<number | undefined> =>
    (await bench.kit.rooms.summariesOf(userId))[0]?.unreadCount;

  it('raises one message, and tells who raised what of whom', async () => {
    const pair = await bench.pair();
    const [, second] = await bench.sendMany(3, pair);
    await bench.news(pair.roomId);
    const range = { messageId: second?.id ?? '' };
    expect(await bench.raise(pair, 'delivered', range, { socketId: 's1' })).toEqual({ waiting: 2 });
    expect(await statuses(pair)).toEqual(['sent', 'delivered', 'sent']);
    expect(await bench.news(pair.roomId)).toMatchObject([
      {
        kind: 'status',
        status: 'delivered',
        userId: pair.bob,
        socketId: 's1',
        at: expect.any(Number),
        messages: [{ id: second?.id, seq: 2, senderId: pair.alice }],
      },
    ]);
    expect(await bench.kit.messages.find(pair.roomId, VIEWER, range.messageId)).toEqual({
      ...second,
      status: 'delivered',
    });
  });

  it('raises all that rise up to a seq, in one event', async () => {
    const pair = await bench.pair();
    const [first, , third] = await bench.sendMany(4, pair);
    await bench.raise(pair, 'seen', { upToSeq: 2 });
    await bench.raise(pair, 'delivered', { messageId: third?.id ?? '' });
    await bench.news(pair.roomId);
    expect(await bench.raise(pair, 'seen', { upToSeq: 3 })).toEqual({ waiting: 1 });
    expect(await statuses(pair)).toEqual(['seen', 'seen', 'seen', 'sent']);
    const news = await bench.news(pair.roomId);
    expect(news).toMatchObject([{ kind: 'status', messages: [{ id: third?.id, seq: 3 }] }]);
    expect(news[0]).not.toHaveProperty('socketId', expect.any(String));
    expect(await bench.raise(pair, 'seen', { upToSeq: 1_000_000 })).toEqual({ waiting: 0 });
    expect((await bench.kit.messages.find(pair.roomId, VIEWER, first?.id ?? ''))?.status).toBe('seen');
  });

  it('never lowers, and tells nobody of a repeat or a lower one', async () => {
    const pair = await bench.pair();
    await bench.sendMany(2, pair);
    await bench.raise(pair, 'seen', { upToSeq: 2 });
    await bench.news(pair.roomId);
    expect(await bench.raise(pair, 'seen', { upToSeq: 2 })).toBeUndefined();
    expect(await bench.raise(pair, 'delivered', { upToSeq: 2 })).toBeUndefined();
    expect(await statuses(pair)).toEqual(['seen', 'seen']);
    expect(await bench.news(pair.roomId)).toEqual([]);
  });

  it('raises only what others sent, and only for a member', async () => {
    const pair = await bench.pair();
    const mine = await bench.send(pair, { senderId: pair.bob });
    await bench.send(pair);
    await bench.news(pair.roomId);
    expect(await bench.raise(pair, 'seen', { messageId: mine.id })).toBeUndefined();
    expect(await bench.raise(pair, 'seen', { upToSeq: 2 }, { userId: 'stranger' })).toBeUndefined();
    expect(await bench.news(pair.roomId)).toEqual([]);
    expect(await bench.raise(pair, 'seen', { upToSeq: 2 })).toEqual({ waiting: 1 });
    expect(await statuses(pair)).toEqual(['sent', 'seen']);
  });

  it('never raises a system message, which waits for nobody', async () => {
    const pair = await bench.pair();
    const note = await bench.send(pair, bench.systemMessage(pair));
    await bench.send(pair);
    expect(await bench.raise(pair, 'seen', { messageId: note.id })).toBeUndefined();
    expect(await bench.raise(pair, 'seen', { upToSeq: 2 })).toEqual({ waiting: 0 });
    expect(await statuses(pair)).toEqual(['delivered', 'seen']);
  });

  it('of what is gone, never was, or stands elsewhere has no effect', async () => {
    const [pair, other] = [await bench.pair(), await bench.pair()];
    const elsewhere = await bench.send(other);
    const due = await bench.send(pair, { ttl: SHORT_S });
    await bench.news(pair.roomId);
    await bench.kit.advance(SHORT_MS);
    for (const range of [
      { messageId: due.id },
      { messageId: elsewhere.id },
      { messageId: 'msg_1_0' },
      { messageId: '' },
      { upToSeq: 0 },
      { upToSeq: 5 },
    ]) {
      expect(await bench.raise(pair, 'seen', range)).toBeUndefined();
    }
    expect(await bench.news(pair.roomId)).toEqual([]);
    await bench.kit.feed.close(pair.roomId, 'deleted');
    expect(await bench.raise(pair, 'seen', { upToSeq: 5 })).toBeUndefined();
  });

  it('counts what a member has not seen', async () => {
    const pair = await bench.pair();
    await bench.sendMany(3, pair);
    await bench.send(pair, { senderId: pair.bob });
    await bench.send(pair, bench.systemMessage(pair));
    expect([await unread(pair.alice), await unread(pair.bob)]).toEqual([1, 3]);
    await bench.raise(pair, 'delivered', { upToSeq: 3 });
    expect(await unread(pair.bob)).toBe(3);
    await bench.raise(pair, 'seen', { upToSeq: 2 });
    expect([await unread(pair.alice), await unread(pair.bob)]).toEqual([1, 1]);
    expect(await bench.kit.rooms.life(pair.roomId)).toMatchObject({ waiting: 1, messageCount: 4 });
  });

  it('tells the sender since when the other has a message, each for itself', async () => {
    const pair = await bench.pair();
    const [first, second, third] = await bench.sendMany(3, pair);
    const receipts = async (id = '', userId = pair.alice) => bench.kit.messages.receipts(pair.roomId, userId, id);
    const nothing = { userId: pair.bob, deliveredAt: undefined, seenAt: undefined };
    expect(await receipts(first?.id)).toEqual([nothing]);
    const before = await bench.kit.now();
    await bench.raise(pair, 'delivered', { upToSeq: 2 });
    const [told] = (await bench.news(pair.roomId)).slice(-1);
    const deliveredAt = told?.kind === 'status' ? told.at : 0;
    expect(deliveredAt).toBeGreaterThanOrEqual(before);
    expect(await receipts(first?.id)).toEqual([{ ...nothing, deliveredAt }]);
    await bench.kit.advance(SHORT_MS);
    await bench.raise(pair, 'seen', { messageId: second?.id ?? '' });
    await bench.raise(pair, 'seen', { messageId: third?.id ?? '' });
    const [seen] = (await bench.news(pair.roomId)).slice(-1);
    const seenAt = seen?.kind === 'status' ? seen.at : 0;
    expect(seenAt).toBeGreaterThanOrEqual(deliveredAt + SHORT_MS);
    expect(await receipts(first?.id)).toEqual([{ ...nothing, deliveredAt }]);
    expect(await receipts(second?.id)).toEqual([{ ...nothing, deliveredAt, seenAt: expect.any(Number) }]);
    expect(await receipts(third?.id)).toEqual([{ ...nothing, deliveredAt: seenAt, seenAt }]);
  });

  it('tells nobody else, and nothing of what is gone or of the system', async () => {
    const pair = await bench.pair();
    const sent = await bench.send(pair);
    const note = await bench.send(pair, bench.systemMessage(pair));
    const due = await bench.send(pair, { ttl: SHORT_S });
    const deleted = await bench.send(pair);
    const receipts = async ({ id }: { id: string }, userId = pair.alice) =>
      bench.kit.messages.receipts(pair.roomId, userId, id);
    await bench.raise(pair, 'seen', { upToSeq: 4 });
    await bench.kit.feed.delete({ roomId: pair.roomId, userId: pair.alice, messageId: deleted.id });
    expect(await receipts(sent, pair.bob)).toBe('foreign');
    expect(await receipts(note)).toBe('foreign');
    expect(await receipts(sent, 'stranger')).toBeUndefined();
    expect(await receipts(deleted)).toBeUndefined();
    expect(await receipts({ id: 'msg_1_none' })).toBeUndefined();
    await bench.kit.advance(SHORT_MS);
    expect(await receipts(due)).toBeUndefined();
  });

  it('of a burn message tells when it was revealed', async () => {
    const pair = await bench.pair();
    const { id } = await bench.send(pair, { burn: true });
    const receipts = async () => bench.kit.messages.receipts(pair.roomId, pair.alice, id);
    await bench.raise(pair, 'seen', { upToSeq: 1 });
    expect(await receipts()).toEqual([{ userId: pair.bob, deliveredAt: expect.any(Number), seenAt: undefined }]);
    const { roomId, bob: userId } = pair;
    const request = { roomId, userId, messageId: id, revealId: undefined, socketId: undefined, delayMs: SHORT_MS };
    await bench.kit.feed.reveal(request);
    expect(await receipts()).toEqual([{ userId, deliveredAt: expect.any(Number), seenAt: expect.any(Number) }]);
  });

  it('keeps its times through an edit', async () => {
    const pair = await bench.pair();
    const { id } = await bench.send(pair);
    await bench.raise(pair, 'seen', { upToSeq: 1 });
    const receipts = async () => bench.kit.messages.receipts(pair.roomId, pair.alice, id);
    const before = await receipts();
    expect(before).toEqual([{ userId: pair.bob, deliveredAt: expect.any(Number), seenAt: expect.any(Number) }]);
    const edit = { roomId: pair.roomId, userId: pair.alice, messageId: id, content: 'x'.repeat(500) };
    expect(await bench.kit.feed.edit(edit, Infinity)).toMatchObject({ outcome: 'edited' });
    expect(await receipts()).toEqual(before);
  });

  it('of fifty callers at once lets one raise', async () => {
    const pair = await bench.pair();
    const messages = await bench.sendMany(3, pair);
    await bench.news(pair.roomId);
    const calls = Array.from({ length: 50 }, () => bench.raise(pair, 'seen', { upToSeq: 3 }));
    expect((await Promise.all(calls)).filter((raised) => raised !== undefined)).toEqual([{ waiting: 0 }]);
    const news = await bench.news(pair.roomId);
    expect(news).toHaveLength(1);
    expect(news.flatMap((event) => (event.kind === 'status' ? idsOf(event.messages) : []))).toEqual(idsOf(messages));
  });
}
