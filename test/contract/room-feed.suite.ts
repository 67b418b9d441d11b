import type { RoomEvent } from '../../src/chat/engine/room-event';
import {
  failureOf,
  idsOf,
  LIMITS,
  LONG_S,
  type MakeChatKit,
  pairOf,
  repeat,
  seqsOf,
  SETTINGS,
  SHORT_MS,
  SHORT_S,
  useChat,
  VIEWER,
} from './chat-kit';

const MANY = 50;

/** What every driver of `RoomFeed` promises of opening rooms and appending messages. */
export function roomFeedContract(makeKit: MakeChatKit): void {
  const bench = useChat(makeKit);

  describe('opening a room', () => {
    it('makes it as drafted, a room of each member', async () => {
      const draft = bench.draft();
      const { room, opened } = await bench.open(draft);
      const { id, type, epoch, members, settings, createdAt } = draft;
      const asDrafted = { id, type, epoch, members, settings, createdAt, lastActivity: createdAt, lastSeq: 0 };
      expect(opened).toBe(true);
      expect(room).toMatchObject({ ...asDrafted, name: null, description: null, creatorId: null, publicKeys: {} });
      expect(await bench.kit.rooms.find(draft.id)).toEqual(room);
      for (const { userId } of members) {
        expect(await bench.kit.rooms.idsOf(userId)).toEqual([draft.id]);
      }
      expect(await bench.news(draft.id)).toMatchObject([
        { kind: 'opened', room: asDrafted, openedBy: draft.openedBy, position: room.position },
      ]);
    });

    it('is done by one of fifty callers at once, and all get that room', async () => {
      const draft = bench.draft();
      const drafts = repeat(MANY, (i) => ({ ...draft, epoch: `${draft.epoch}-${i}` }));
      const answers = await Promise.all(drafts.map((one) => bench.open(one)));
      expect(answers.filter(({ opened }) => opened)).toHaveLength(1);
      expect(new Set(answers.map(({ room }) => room.epoch)).size).toBe(1);
      expect(await bench.news(draft.id)).toHaveLength(1);
      expect(await bench.kit.rooms.totals()).toMatchObject({ rooms: 1 });
    });

    it('is refused where a member has as many rooms as they may, and makes nothing then', async () => {
      const first = bench.draft();
      const { alice } = pairOf(first);
      await bench.open(first, 1);
      const second = bench.draft({}, alice);
      expect(await failureOf(bench.open(second, 1))).toMatchObject({ code: 'CapacityError' });
      expect(await bench.kit.rooms.find(second.id)).toBeUndefined();
      expect(await bench.kit.rooms.idsOf(pairOf(second).bob)).toEqual([]);
      expect(await bench.kit.rooms.idsOf(alice)).toEqual([first.id]);
      expect(bench.eventsOf(second.id)).toEqual([]);
      expect(await bench.open(first, 1)).toMatchObject({ opened: false });
      await bench.kit.feed.close(first.id, 'deleted');
      expect(await bench.open(second, 1)).toMatchObject({ opened: true });
    });
  });

  describe('appending', () => {
    it('counts 1, 2, 3 and stores what it acks and publishes', async () => {
      const pair = await bench.pair();
      await bench.news(pair.roomId);
      const messages = await bench.sendMany(3, pair, { clientId: undefined });
      expect(seqsOf(messages)).toEqual([1, 2, 3]);
      expect(new Set(idsOf(messages)).size).toBe(3);
      expect(messages[0]).toMatchObject({
        id: expect.stringMatching(/^msg_\d+_[0-9a-f]{24}$/),
        roomId: pair.roomId,
        senderId: pair.alice,
        senderUsername: 'alice',
        type: 'text',
        content: 'message 1',
        status: 'sent',
      });
      for (const message of messages) {
        expect(await bench.kit.messages.find(pair.roomId, VIEWER, message.id)).toEqual(message);
      }
      const told = (await bench.news(pair.roomId)).map((event) => event.kind === 'message' && event.message);
      expect(told).toEqual(messages);
      expect(await bench.kit.rooms.find(pair.roomId)).toMatchObject({
        lastSeq: 3,
        lastActivity: messages[2]?.createdAt,
      });
    });

    it('gives fifty at once each a seq of their own, and tells them in that order', async () => {
      const pair = await bench.pair();
      const sends = repeat(MANY, (i) => bench.send(pair, { senderId: i % 2 ? pair.alice : pair.bob }));
      const sent = seqsOf(await Promise.all(sends)).sort((a, b) => a - b);
      const all = repeat(MANY, (i) => i + 1);
      expect(sent).toEqual(all);
      const told = (await bench.news(pair.roomId)).flatMap((event) => (event.kind === 'message' ? event.message : []));
      expect(seqsOf(told)).toEqual(all);
      expect(seqsOf(await bench.live(pair))).toEqual(all);
    });

    it('to a room that does not stand gives undefined and makes none', async () => {
      const pair = pairOf(bench.draft());
      expect(await bench.append(bench.message(pair))).toBeUndefined();
      expect(await bench.kit.rooms.find(pair.roomId)).toBeUndefined();
      expect(bench.eventsOf(pair.roomId)).toEqual([]);
    });

    it.each([
      ['with markup', '<b>&amp;</b> {"a":[1]}'],
      ['beyond ASCII', 'naïve 💬 \u{1F468}\u200d\u{1F469} e\u0301 \uffff'],
      ['with lines', 'a\n\tb\n'],
      ['that is empty', ''],
      ['that is long', '💬'.repeat(10_000)],
    ])('keeps text %s as it is', async (_what, content) => {
      const pair = await bench.pair();
      const { id } = await bench.send(pair, { content, clientId: 'ünï 💬' });
      expect(await bench.kit.messages.find(pair.roomId, VIEWER, id)).toMatchObject({ content, clientId: 'ünï 💬' });
    });

    it('keeps the note of a system message, which is delivered from the start', async () => {
      const pair = await bench.pair();
      const { id } = await bench.send(pair, bench.systemMessage(pair));
      expect(await bench.kit.messages.find(pair.roomId, VIEWER, id)).toMatchObject({
        type: 'system',
        status: 'delivered',
        system: { kind: 'settings', actorId: pair.alice },
      });
    });

    it('takes the lifetime of the message, else of the room, and neither past the longest', async () => {
      const pair = await bench.pair({ messageTtl: 60 });
      const lifetime = async (ttl: number | undefined, maxLifetimeMs = LIMITS.maxLifetimeMs): Promise<number> => {
        const { createdAt, expiresAt } = await bench.send(pair, { ttl }, { maxLifetimeMs });
        return (expiresAt ?? Infinity) - createdAt;
      };
      expect(await lifetime(undefined)).toBe(60_000);
      expect(await lifetime(5)).toBe(5000);
      expect(await lifetime(2_592_000)).toBe(2_592_000_000);
      expect(await lifetime(undefined, 7000)).toBe(7000);
      expect(await lifetime(600, 7000)).toBe(7000);
      await bench.kit.feed.configure(pair.roomId, { messageTtl: 90 });
      expect(await lifetime(undefined)).toBe(90_000);
    });

    it('keeps a message where the room does, unless it has a lifetime of its own', async () => {
      const pair = await bench.pair({ messageTtl: null });
      const kept = await bench.send(pair, { clientId: 'kept' });
      const mortal = await bench.send(pair, { ttl: SHORT_S });
      expect(kept.expiresAt).toBeNull();
      expect(mortal.expiresAt).toBe(mortal.createdAt + SHORT_MS);
      await bench.kit.advance(SHORT_MS);
      expect(await bench.kit.feed.sweep(pair.roomId, 10)).toMatchObject({ erased: 1 });
      expect(await bench.live(pair)).toEqual([kept]);
      expect(await bench.append(bench.message(pair, { clientId: 'kept' }))).toMatchObject({ duplicate: true });
    });
  });

  it('counts everything that happens in a room without a hole, in one order', async () => {
    const draft = bench.draft();
    const pair = pairOf(draft);
    const { roomId, alice, bob } = pair;
    const { feed, rooms, messages } = bench.kit;
    await bench.open(draft);
    await bench.enter(pair, alice, 'a1');
    await bench.send(pair, { ttl: SHORT_S });
    await bench.raise(pair, 'seen', { upToSeq: 1 });
    await feed.setPublicKey(roomId, bob, 'key');
    await feed.configure(roomId, { messageTtl: 60 });
    await bench.leave(pair, alice, 'a1');
    await bench.kit.advance(SHORT_MS);
    await feed.sweep(roomId, 10);
    const life = await rooms.life(roomId);
    expect(await rooms.find(roomId)).toMatchObject({ position: life?.position });
    expect((await messages.snapshot(roomId, VIEWER, undefined, { count: 1, bytes: 1 }))?.room.position).toBe(
      life?.position,
    );
    await feed.close(roomId, 'left', life?.position);
    const kinds: RoomEvent['kind'][] = [
      'opened',
      'joined',
      'message',
      'status',
      'key',
      'updated',
      'left',
      'expired',
      'closed',
    ];
    const events = await bench.news(roomId);
    expect(events.map(({ kind }) => kind)).toEqual(kinds);
    const first = events[0]?.position ?? NaN;
    expect(events.map(({ position }) => position)).toEqual(kinds.map((_, i) => first + i));
    expect(events.at(-2)?.position).toBe(life?.position);
  });

  it('keeps rooms apart', async () => {
    const [one, two] = [await bench.pair(), await bench.pair({ ...SETTINGS, messageTtl: LONG_S })];
    const sent = await bench.send(one);
    await bench.send(two);
    await bench.send(two);
    expect(await bench.kit.messages.find(two.roomId, VIEWER, sent.id)).toBeUndefined();
    await bench.kit.feed.close(one.roomId, 'deleted');
    expect(seqsOf(await bench.live(two))).toEqual([1, 2]);
    expect(await bench.live(one)).toEqual([]);
  });

  it('hands every event to every listener', async () => {
    const seen: RoomEvent[] = [];
    bench.kit.feed.subscribe((event) => seen.push(event));
    const pair = await bench.pair();
    await bench.send(pair);
    const news = await bench.news(pair.roomId);
    expect(news).toHaveLength(2);
    await bench.until(() => seen.length === 2, 'what the second listener is told');
    expect(seen).toEqual(news);
  });
}
