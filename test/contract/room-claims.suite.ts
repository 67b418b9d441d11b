import type { Claim, Claimed } from '../../src/chat/engine/room-feed';
import { type MakeChatKit, type Pair, pairOf, repeat, useChat } from './chat-kit';

/** What every driver of `RoomFeed` promises where a user is whoever claims to be it. */
export function roomClaimsContract(makeKit: MakeChatKit): void {
  const bench = useChat(makeKit);

  const claim = async (pair: Pair, socketId: string, more: Partial<Claim> = {}): Promise<Claimed | undefined> =>
    bench.kit.feed.claim({
      ...{ roomId: pair.roomId, userId: 'Ghost-1', socketId, keyDigest: `key-of-${socketId}` },
      ...{ proof: undefined, gone: undefined },
      ...more,
    });
  const active = async (pair: Pair): Promise<string[]> => [...(await bench.kit.rooms.activeUsers(pair.roomId))].sort();
  const news = async ({ roomId }: Pair): Promise<object[]> =>
    (await bench.news(roomId)).flatMap((event) =>
      event.kind === 'joined' || event.kind === 'left' || event.kind === 'replaced'
        ? [{ kind: event.kind, userId: event.userId, ...('socketId' in event && { socketId: event.socketId }) }]
        : [],
    );
  const joined = { kind: 'joined', userId: 'Ghost-1' };
  const left = { kind: 'left', userId: 'Ghost-1' };

  it('is told once who came, and a repeat by the same socket changes nothing but the key', async () => {
    const pair = await bench.pair();
    expect(await claim(pair, 's1')).toEqual({ taken: false });
    expect(await claim(pair, 's1', { keyDigest: 'newer' })).toEqual({ taken: false });
    expect(await news(pair)).toEqual([joined]);
    expect(await claim(pair, 's2', { proof: 'key-of-s1' })).toMatchObject({ taken: true, socketId: 's1' });
    expect(await claim(pair, 's2', { proof: 'newer' })).toEqual({ taken: false });
    expect(await active(pair)).toEqual(['Ghost-1']);
  });

  it('is refused to a second socket without the key, who is told which one stands', async () => {
    const pair = await bench.pair();
    await claim(pair, 's1');
    for (const more of [{}, { proof: 'wrong' }, { proof: '' }, { gone: 's3' }]) {
      expect(await claim(pair, 's2', more)).toMatchObject({ taken: true, socketId: 's1' });
    }
    expect(await claim(pair, 's2', { userId: 'Ghost-2' })).toEqual({ taken: false });
    expect(await news(pair)).toEqual([joined, { ...joined, userId: 'Ghost-2' }]);
    expect((await bench.kit.rooms.totals()).participants).toBe(2);
  });

  it.each([
    ['with its key', { proof: 'key-of-s1' }],
    ['when it is gone', { gone: 's1' }],
  ])('replaces the socket before it %s: nobody leaves or comes', async (_how, more) => {
    const pair = await bench.pair();
    await claim(pair, 's1');
    expect(await claim(pair, 's2', more)).toEqual({ taken: false });
    expect(await news(pair)).toEqual([joined, { kind: 'replaced', userId: 'Ghost-1', socketId: 's1' }]);
    // The old socket's end is nobody's, and its key no more good.
    await bench.forget(pair, 'Ghost-1', 's1');
    expect(await claim(pair, 's3', more)).toMatchObject({ taken: true, socketId: 's2' });
    expect(await active(pair)).toEqual(['Ghost-1']);
    await bench.forget(pair, 'Ghost-1', 's2');
    expect(await news(pair)).toEqual([left]);
    expect(await bench.kit.rooms.totals()).toMatchObject({ occupied: 0, participants: 0 });
  });

  it('is free again once its socket has left, and the key of then is worth nothing', async () => {
    const pair = await bench.pair();
    await claim(pair, 's1');
    await bench.leave(pair, 'Ghost-1', 's1');
    expect(await claim(pair, 's2')).toEqual({ taken: false });
    expect(await claim(pair, 's3', { proof: 'key-of-s1' })).toMatchObject({ taken: true, socketId: 's2' });
  });

  it('is had by one of twenty at once', async () => {
    const pair = await bench.pair();
    const claims = await Promise.all(repeat(20, (i) => claim(pair, `s${i}`)));
    expect(claims.filter((one) => one?.taken === false)).toHaveLength(1);
    expect(await news(pair)).toEqual([joined]);
  });

  it('ends with the room, and of one that does not stand is none', async () => {
    const pair = await bench.pair();
    await claim(pair, 's1');
    await bench.kit.feed.close(pair.roomId, 'left');
    expect(await claim(pair, 's2')).toBeUndefined();
    expect(await claim(pairOf(bench.draft()), 's1')).toBeUndefined();
  });
}
