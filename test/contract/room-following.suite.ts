import { type MakeChatKit, pairOf, seqsOf, useChat } from './chat-kit';

/** What every driver of `RoomFeed` promises of rooms that a node follows one by one. */
export function roomFollowingContract(makeKit: MakeChatKit): void {
  const bench = useChat(makeKit);

  it('everything that happens in one is told, once and in order', async () => {
    const draft = bench.groupDraft();
    const pair = pairOf(draft);
    await bench.open(draft);
    await bench.enter(pair, pair.bob, 'b1');
    await bench.sendMany(3, pair);
    await bench.kit.feed.configure(pair.roomId, { messageTtl: 60 });
    await bench.leave(pair, pair.bob, 'b1');
    const events = await bench.news(pair.roomId);
    const kinds = ['opened', 'joined', 'message', 'message', 'message', 'updated', 'left'];
    expect(events.map(({ kind }) => kind)).toEqual(kinds);
    const first = events[0]?.position ?? 0;
    expect(events.map(({ position }) => position)).toEqual(kinds.map((_, i) => first + i));
  });

  it('one is told of as long as somebody here follows it', async () => {
    const draft = bench.groupDraft();
    const pair = pairOf(draft);
    await bench.open(draft);
    await bench.kit.feed.followRoom(pair.roomId);
    bench.kit.feed.unfollowRoom(pair.roomId);
    await bench.sendMany(2, pair);
    const events = await bench.news(pair.roomId);
    expect(seqsOf(events.flatMap((event) => (event.kind === 'message' ? event.message : [])))).toEqual([1, 2]);
  });

  it('the next life of one is told behind the end of the last, at positions that rise', async () => {
    const draft = bench.groupDraft();
    const pair = pairOf(draft);
    await bench.open(draft);
    await bench.send(pair);
    await bench.kit.feed.close(pair.roomId, 'deleted');
    await bench.kit.feed.open({ ...draft, epoch: 'next' }, 100);
    await bench.send(pair);
    const events = await bench.news(pair.roomId);
    expect(events.map(({ kind }) => kind)).toEqual(['opened', 'message', 'closed', 'opened', 'message']);
    const positions = events.map(({ position }) => position);
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
    expect(new Set(positions).size).toBe(positions.length);
  });
}
