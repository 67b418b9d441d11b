import type { RoomEvent } from '../../src/chat/engine/room-event';
import { type MakeChatKit, type Pair, pairOf, SETTINGS, useChat, VIEWER } from './chat-kit';

/** What every driver of `RoomFeed` promises of who is there, of keys, of settings and of a room's end. */
export function roomOccupancyContract(makeKit: MakeChatKit): void {
  const bench = useChat(makeKit);

  /** What became known of who is there, the users in a known order. */
  const comings = async (pair: Pair): Promise<[RoomEvent['kind'], string, string[]][]> =>
    (await bench.news(pair.roomId)).flatMap((event) =>
      event.kind === 'joined' || event.kind === 'left'
        ? [[event.kind, event.userId, [...event.activeUsers].sort()]]
        : [],
    );
  const active = async (pair: Pair): Promise<string[]> => [...(await bench.kit.rooms.activeUsers(pair.roomId))].sort();
  const leftSockets = async (pair: Pair): Promise<Record<string, number>> =>
    Object.fromEntries((await bench.kit.rooms.life(pair.roomId))?.leftSockets ?? []);

  describe('who is there', () => {
    it('counts users, not sockets', async () => {
      const pair = await bench.pair();
      const { alice, bob } = pair;
      const both = [alice, bob].sort();
      await bench.enter(pair, alice, 'a1');
      await bench.enter(pair, alice, 'a1');
      await bench.enter(pair, alice, 'a2');
      await bench.enter(pair, bob, 'b1');
      expect(await comings(pair)).toEqual([
        ['joined', alice, [alice]],
        ['joined', bob, both],
      ]);
      expect(await active(pair)).toEqual(both);
      await bench.leave(pair, alice, 'a1');
      await bench.forget(pair, bob, 'another');
      expect(await comings(pair)).toEqual([]);
      expect(await active(pair)).toEqual(both);
      await bench.leave(pair, alice, 'a2');
      await bench.forget(pair, bob, 'b1');
      expect(await comings(pair)).toEqual([
        ['left', alice, [bob]],
        ['left', bob, []],
      ]);
      expect(await active(pair)).toEqual([]);
    });

    it('tells the same of the room in each of its views', async () => {
      const pair = await bench.pair();
      await bench.enter(pair, pair.bob, 'b1');
      const { rooms, messages } = bench.kit;
      expect((await rooms.life(pair.roomId))?.activeUsers).toEqual([pair.bob]);
      expect((await rooms.summariesOf(pair.alice))[0]?.activeUsers).toEqual([pair.bob]);
      expect((await messages.snapshot(pair.roomId, VIEWER, undefined, { count: 1, bytes: 1 }))?.activeUsers).toEqual([
        pair.bob,
      ]);
    });

    it('counts the connected sockets that left, whether they had joined or not', async () => {
      const pair = await bench.pair();
      const { alice, bob } = pair;
      await bench.enter(pair, alice, 'a1');
      await bench.leave(pair, alice, 'a1');
      await bench.leave(pair, alice, 'a1');
      await bench.leave(pair, alice, 'a2');
      await bench.leave(pair, bob, 'b1');
      expect(await leftSockets(pair)).toEqual({ [alice]: 2, [bob]: 1 });
      await bench.enter(pair, alice, 'a1');
      await bench.forget(pair, bob, 'b1');
      expect(await leftSockets(pair)).toEqual({ [alice]: 1 });
      await bench.forget(pair, alice, 'a2');
      expect(await leftSockets(pair)).toEqual({});
      expect(await comings(pair)).toEqual([
        ['joined', alice, [alice]],
        ['left', alice, []],
        ['joined', alice, [alice]],
      ]);
    });

    it('of a room that does not stand is nobody', async () => {
      const pair = pairOf(bench.draft());
      await bench.enter(pair, pair.alice, 'a1');
      await bench.leave(pair, pair.alice, 'a2');
      await bench.forget(pair, pair.alice, 'a1');
      expect(await active(pair)).toEqual([]);
      expect(await bench.kit.rooms.life(pair.roomId)).toBeUndefined();
      expect(bench.eventsOf(pair.roomId)).toEqual([]);
    });

    it('of twenty sockets of a user at once is told once', async () => {
      const pair = await bench.pair();
      const sockets = Array.from({ length: 20 }, (_, i) => `a${i}`);
      await Promise.all(sockets.map((socket) => bench.enter(pair, pair.alice, socket)));
      expect(await comings(pair)).toEqual([['joined', pair.alice, [pair.alice]]]);
      await Promise.all(sockets.map((socket) => bench.forget(pair, pair.alice, socket)));
      expect(await comings(pair)).toEqual([['left', pair.alice, []]]);
    });
  });

  describe('a public key', () => {
    it('is remembered for its user in the room, and told when it is another than before', async () => {
      const pair = await bench.pair();
      const { roomId, alice, bob } = pair;
      const { feed, rooms } = bench.kit;
      await bench.news(roomId);
      await feed.setPublicKey(roomId, alice, 'one');
      await feed.setPublicKey(roomId, alice, 'one');
      await feed.setPublicKey(roomId, bob, 'k'.repeat(8192));
      await feed.setPublicKey(roomId, alice, 'two');
      expect(await bench.news(roomId)).toMatchObject([
        { kind: 'key', userId: alice, publicKey: 'one' },
        { kind: 'key', userId: bob },
        { kind: 'key', userId: alice, publicKey: 'two' },
      ]);
      expect((await rooms.find(roomId))?.publicKeys).toEqual({ [alice]: 'two', [bob]: 'k'.repeat(8192) });
    });

    it('of a room that does not stand is forgotten', async () => {
      const draft = bench.draft();
      await bench.kit.feed.setPublicKey(draft.id, pairOf(draft).alice, 'key');
      expect((await bench.open(draft)).room.publicKeys).toEqual({});
    });
  });

  describe('settings', () => {
    it('change where they are named, which is told', async () => {
      const pair = await bench.pair();
      await bench.news(pair.roomId);
      const settings = { ...SETTINGS, messageTtl: 7, slowModeSeconds: 3 };
      const room = await bench.kit.feed.configure(pair.roomId, { messageTtl: 7, slowModeSeconds: 3 });
      expect(room).toMatchObject({ id: pair.roomId, epoch: pair.epoch, settings });
      expect(await bench.kit.rooms.find(pair.roomId)).toEqual(room);
      expect(await bench.news(pair.roomId)).toMatchObject([{ kind: 'updated', room: { settings } }]);
    });

    it('stay as they are where none is named', async () => {
      const pair = await bench.pair();
      const room = await bench.kit.feed.configure(pair.roomId, { messageTtl: undefined });
      expect(room?.settings).toEqual(SETTINGS);
      const { createdAt, expiresAt } = await bench.send(pair);
      expect(expiresAt).toBe(createdAt + (SETTINGS.messageTtl ?? NaN) * 1000);
    });

    it('of a room that does not stand are none', async () => {
      expect(await bench.kit.feed.configure(bench.draft().id, { messageTtl: 7 })).toBeUndefined();
    });
  });

  describe('closing a room', () => {
    it('erases everything in it, and tells why', async () => {
      const pair = await bench.pair();
      const { roomId, alice, bob } = pair;
      const { feed, rooms, messages } = bench.kit;
      await bench.enter(pair, alice, 'a1');
      await bench.leave(pair, bob, 'b1');
      await feed.setPublicKey(roomId, alice, 'key');
      const sent = await bench.send(pair, { clientId: 'c' });
      await bench.news(roomId);
      expect(await feed.close(roomId, 'erased')).toBe(true);
      expect(await bench.news(roomId)).toMatchObject([{ kind: 'closed', reason: 'erased' }]);

      expect(await rooms.find(roomId)).toBeUndefined();
      expect(await rooms.life(roomId)).toBeUndefined();
      expect(await rooms.activeUsers(roomId)).toEqual([]);
      expect(await rooms.idsOf(alice)).toEqual([]);
      expect(await rooms.summariesOf(bob)).toEqual([]);
      expect(await rooms.totals()).toEqual({ rooms: 0, messages: 0, occupied: 0, participants: 0 });
      expect(await messages.find(roomId, VIEWER, sent.id)).toBeUndefined();
      expect(await messages.page(roomId, VIEWER, undefined, { count: 1, bytes: 1 })).toEqual({
        messages: [],
        more: false,
      });
      expect(await messages.snapshot(roomId, VIEWER, undefined, { count: 1, bytes: 1 })).toBeUndefined();
      expect(await feed.sweep(roomId, 10)).toBeUndefined();
      expect(await feed.close(roomId, 'erased')).toBe(false);
    });

    it('lets it be opened anew: seq 1, nothing of what was, another epoch', async () => {
      const draft = bench.draft();
      const pair = pairOf(draft);
      await bench.open(draft);
      await bench.enter(pair, pair.alice, 'a1');
      await bench.leave(pair, pair.bob, 'b1');
      await bench.sendMany(3, pair, { clientId: undefined });
      await bench.kit.feed.close(draft.id, 'left');
      const { room, opened } = await bench.open({ ...draft, epoch: 'another' });
      expect(opened).toBe(true);
      expect(room).toMatchObject({ epoch: 'another', lastSeq: 0, publicKeys: {}, settings: SETTINGS });
      expect(await bench.kit.rooms.life(draft.id)).toMatchObject({
        messageCount: 0,
        waiting: 0,
        activeUsers: [],
        leftSockets: new Map(),
      });
      expect((await bench.send(pair)).seq).toBe(1);
      expect(await bench.live(pair)).toHaveLength(1);
    });

    it('at a position is done only while nothing has happened since', async () => {
      const pair = await bench.pair();
      const { feed, rooms } = bench.kit;
      const seen = (await rooms.life(pair.roomId))?.position ?? NaN;
      await bench.send(pair);
      await bench.news(pair.roomId);
      expect(await feed.close(pair.roomId, 'left', seen)).toBe(false);
      expect(await bench.live(pair)).toHaveLength(1);
      expect(await bench.news(pair.roomId)).toEqual([]);
      expect(await feed.close(pair.roomId, 'left', seen + 1)).toBe(true);
      expect(await bench.news(pair.roomId)).toMatchObject([{ kind: 'closed', reason: 'left', position: seen + 2 }]);
    });

    it('is done by one of twenty callers at once', async () => {
      const pair = await bench.pair();
      const closes = Array.from({ length: 20 }, async () => bench.kit.feed.close(pair.roomId, 'deleted'));
      expect((await Promise.all(closes)).filter(Boolean)).toHaveLength(1);
    });
  });
}
