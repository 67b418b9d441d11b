import type { RoomSummary } from '../../src/chat/engine/room.store';
import { type MakeChatKit, pairOf, useChat, VIEWER } from './chat-kit';

/** Enough for two times to differ by any clock. */
const A_MOMENT_MS = 5;

/** What every driver of `RoomStore` promises. */
export function roomStoreContract(makeKit: MakeChatKit): void {
  const bench = useChat(makeKit);

  it('knows nothing of a room that does not stand, and of a stranger', async () => {
    const { rooms } = bench.kit;
    const { id } = bench.draft();
    expect(await rooms.find(id)).toBeUndefined();
    expect(await rooms.life(id)).toBeUndefined();
    expect(await rooms.activeUsers(id)).toEqual([]);
    expect(await rooms.idsOf('stranger')).toEqual([]);
    expect(await rooms.summariesOf('stranger')).toEqual([]);
    expect(await rooms.totals()).toEqual({ rooms: 0, messages: 0, occupied: 0, participants: 0 });
  });

  it('lists the rooms of a user, newest activity first', async () => {
    const { feed, rooms } = bench.kit;
    const drafts = [bench.draft()];
    const { alice } = pairOf(drafts[0] ?? bench.draft());
    drafts.push(bench.draft({}, alice), bench.draft({}, alice));
    for (const draft of drafts) {
      await bench.open({ ...draft, createdAt: await bench.kit.now() });
      await bench.kit.advance(A_MOMENT_MS);
    }
    const [first, second, third] = drafts.map(pairOf);
    const order = async (): Promise<(string | undefined)[]> =>
      (await rooms.summariesOf(alice)).map(({ room }) => room.id);
    expect(new Set(await rooms.idsOf(alice))).toEqual(new Set(drafts.map(({ id }) => id)));
    expect(await order()).toEqual([third?.roomId, second?.roomId, first?.roomId]);
    await bench.send(first ?? pairOf(bench.draft()));
    await bench.kit.advance(A_MOMENT_MS);
    expect(await order()).toEqual([first?.roomId, third?.roomId, second?.roomId]);
    await feed.configure(second?.roomId ?? '', { messageTtl: 60 });
    expect(await order()).toEqual([second?.roomId, first?.roomId, third?.roomId]);
    expect(await rooms.idsOf(second?.bob ?? '')).toEqual([second?.roomId]);
  });

  it('sums a room up for each of its members, system messages not counted', async () => {
    const pair = await bench.pair();
    const { rooms } = bench.kit;
    const summary = async (userId: string): Promise<RoomSummary | undefined> => (await rooms.summariesOf(userId))[0];
    expect(await summary(pair.alice)).toEqual({
      room: await rooms.find(pair.roomId),
      activeUsers: [],
      messageCount: 0,
      unreadCount: 0,
      lastMessage: undefined,
    });
    await bench.send(pair);
    const last = await bench.send(pair, { senderId: pair.bob });
    await bench.send(pair, bench.systemMessage(pair));
    await bench.enter(pair, pair.bob, 'b1');
    const common = { activeUsers: [pair.bob], messageCount: 2, unreadCount: 1, lastMessage: last };
    expect(await summary(pair.alice)).toMatchObject(common);
    expect(await summary(pair.bob)).toMatchObject(common);
    expect((await summary(pair.bob))?.room).toEqual(await rooms.find(pair.roomId));
  });

  it('tells where a room stands in its life', async () => {
    const pair = await bench.pair();
    const { rooms, feed } = bench.kit;
    const opened = await rooms.life(pair.roomId);
    expect(opened).toMatchObject({ messageCount: 0, waiting: 0, activeUsers: [], leftSockets: new Map() });
    await bench.kit.advance(A_MOMENT_MS);
    const sent = await bench.send(pair);
    await bench.send(pair, bench.systemMessage(pair));
    const written = await rooms.life(pair.roomId);
    expect(written).toMatchObject({ messageCount: 1, waiting: 1, position: (opened?.position ?? NaN) + 2 });
    expect(written?.lastActivity).toBeGreaterThanOrEqual(sent.createdAt);
    await bench.kit.advance(A_MOMENT_MS);
    await bench.raise(pair, 'delivered', { upToSeq: 1 });
    const raised = await rooms.life(pair.roomId);
    expect(raised).toMatchObject({ messageCount: 1, waiting: 0, lastActivity: written?.lastActivity });
    expect(raised?.lastEvent).toBeGreaterThan(written?.lastEvent ?? Infinity);
    await bench.kit.advance(A_MOMENT_MS);
    await feed.configure(pair.roomId, { messageTtl: 60 });
    const configured = await rooms.life(pair.roomId);
    expect(configured?.lastActivity).toBeGreaterThan(written?.lastActivity ?? Infinity);
    expect(configured?.lastEvent).toBeGreaterThan(raised?.lastEvent ?? Infinity);
  });

  it('totals rooms, messages and who is where', async () => {
    const { rooms, feed } = bench.kit;
    const [one, two] = [await bench.pair(), await bench.pair()];
    await bench.pair();
    await bench.sendMany(2, one);
    await bench.send(two);
    await bench.send(two, bench.systemMessage(two));
    await bench.enter(one, one.alice, 'a1');
    await bench.enter(one, one.alice, 'a2');
    await bench.enter(one, one.bob, 'b1');
    await bench.enter(two, two.bob, 'b2');
    expect(await rooms.totals()).toEqual({ rooms: 3, messages: 3, occupied: 2, participants: 3 });
    await bench.leave(one, one.alice, 'a1');
    await bench.forget(two, two.bob, 'b2');
    expect(await rooms.totals()).toEqual({ rooms: 3, messages: 3, occupied: 1, participants: 2 });
    await feed.close(one.roomId, 'deleted');
    expect(await rooms.totals()).toEqual({ rooms: 2, messages: 1, occupied: 0, participants: 0 });
  });

  it('hands out copies: what is done to them is done to nothing else', async () => {
    const draft = structuredClone(bench.draft());
    const pair = pairOf(draft);
    await bench.open(draft);
    await bench.kit.feed.setPublicKey(pair.roomId, pair.alice, 'key');
    const { id } = await bench.send(pair, { content: 'hello' });
    const pristine = await bench.kit.rooms.find(pair.roomId);
    const before = JSON.stringify(pristine);
    const messageBefore = JSON.stringify(await bench.kit.messages.find(pair.roomId, VIEWER, id));
    const copies: unknown[] = [
      draft,
      await bench.kit.rooms.find(pair.roomId),
      (await bench.kit.rooms.summariesOf(pair.alice))[0],
      await bench.kit.messages.find(pair.roomId, VIEWER, id),
    ];
    copies.forEach(spoil);
    expect(JSON.stringify(await bench.kit.rooms.find(pair.roomId))).toBe(before);
    expect(JSON.stringify(await bench.kit.messages.find(pair.roomId, VIEWER, id))).toBe(messageBefore);
  });
}

/** Overwrites everything in an object that lets itself be overwritten. */
function spoil(value: unknown): void {
  if (typeof value !== 'object' || value === null) {
    return;
  }
  for (const key of Object.keys(value)) {
    spoil((value as Record<string, unknown>)[key]);
    Reflect.set(value, key, 'spoiled');
  }
}
