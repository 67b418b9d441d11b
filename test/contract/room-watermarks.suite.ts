import type { Member } from '../../src/chat/engine/room';
import type { Message, MessageStatus } from '../../src/chat/engine/message';
import type { RoomEvent } from '../../src/chat/engine/room-event';
import { ALL, LONG_S, type MakeChatKit, type Pair, SHORT_MS, useChat } from './chat-kit';
import { Group } from './membership.suite';

/** What every driver of the chat's stores promises of messages in rooms of more than two. */
export function roomWatermarksContract(makeKit: MakeChatKit): void {
  const bench = useChat(makeKit);
  let group: Group;
  let bob: Member;
  let carol: Member;
  /** Alice and bob, as the bench names those of a direct room. */
  let pair: Pair;

  beforeEach(async () => {
    group = await Group.open(bench);
    await bench.kit.feed.followRoom(group.id);
    [bob, carol] = [await group.join('bob'), await group.join('carol')];
    pair = { roomId: group.id, epoch: '', alice: group.alice.userId, bob: bob.userId };
  });

  const raise = async (who: Member, status: 'delivered' | 'seen', upToSeq: number, socketId?: string) =>
    bench.kit.feed.raise({ roomId: group.id, userId: who.userId, status, range: { upToSeq }, socketId });
  const find = async ({ id }: Message, viewer = bob): Promise<Message | undefined> =>
    bench.kit.messages.find(group.id, viewer.userId, id);
  const statuses = async (...messages: Message[]): Promise<(MessageStatus | undefined)[]> =>
    Promise.all(messages.map(async (message) => (await find(message, group.alice))?.status));
  const unread = async ({ userId }: Member): Promise<number | undefined> =>
    (await bench.kit.rooms.summariesOf(userId))[0]?.unreadCount;
  const receipts = async ({ id }: Message, who = group.alice) => bench.kit.messages.receipts(group.id, who.userId, id);
  const from = ({ userId, username }: Member) => ({ senderId: userId, senderUsername: username });
  const told = async (): Promise<object[]> =>
    (await bench.news(group.id)).flatMap((event: RoomEvent) => {
      if (event.kind !== 'status') {
        return [];
      }
      const { status, userId, upToSeq, messages } = event;
      return [{ status, userId, upToSeq, seqs: messages.map(({ seq }) => seq) }];
    });

  it('a message rises when the last of its recipients has it, and those before it too', async () => {
    const [first, second] = [await bench.send(pair), await bench.send(pair)];
    await bench.news(group.id);
    await raise(bob, 'seen', second.seq, 's1');
    expect(await statuses(first, second)).toEqual(['sent', 'sent']);
    await raise(carol, 'delivered', second.seq);
    expect(await statuses(first, second)).toEqual(['delivered', 'delivered']);
    await raise(carol, 'seen', first.seq);
    expect(await statuses(first, second)).toEqual(['seen', 'delivered']);
    expect(await told()).toEqual([
      { status: 'seen', userId: bob.userId, upToSeq: second.seq, seqs: [] },
      { status: 'delivered', userId: carol.userId, upToSeq: second.seq, seqs: [first.seq, second.seq] },
      { status: 'seen', userId: carol.userId, upToSeq: first.seq, seqs: [first.seq] },
    ]);
    expect(await raise(carol, 'seen', first.seq)).toBeUndefined();
    expect(await raise(carol, 'delivered', second.seq)).toBeUndefined();
    expect(await told()).toEqual([]);
  });

  it('who has sent is no recipient of their own', async () => {
    const [ofAlice, ofBob] = [await bench.send(pair), await bench.send(pair, from(bob))];
    await raise(carol, 'seen', ofBob.seq);
    await raise(group.alice, 'seen', ofBob.seq);
    expect(await statuses(ofAlice, ofBob)).toEqual(['sent', 'seen']);
    await raise(bob, 'seen', ofBob.seq);
    expect(await statuses(ofAlice, ofBob)).toEqual(['seen', 'seen']);
  });

  it('goes at once from sent to seen where the last recipient tells so', async () => {
    const sent = await bench.send(pair);
    await raise(carol, 'seen', sent.seq);
    await bench.news(group.id);
    await raise(bob, 'seen', 999);
    expect(await statuses(sent)).toEqual(['seen']);
    const lastSeq = sent.seq;
    expect(await told()).toEqual([{ status: 'seen', userId: bob.userId, upToSeq: lastSeq, seqs: [sent.seq] }]);
  });

  it('who leaves counts no more, and what rises by that is told', async () => {
    const sent = await bench.send(pair);
    await raise(bob, 'seen', sent.seq);
    await bench.news(group.id);
    await group.act(carol, { kind: 'leave' });
    expect(await statuses(sent)).toEqual(['seen']);
    expect(await told()).toEqual([{ status: 'seen', userId: carol.userId, upToSeq: undefined, seqs: [sent.seq] }]);
  });

  it('who comes later does not count, and has nothing unread', async () => {
    const sent = await bench.send(pair);
    const dave = await group.join('dave');
    expect(await unread(dave)).toBe(0);
    await raise(bob, 'seen', sent.seq);
    await raise(carol, 'seen', sent.seq);
    expect(await statuses(sent)).toEqual(['seen']);
    expect(await receipts(sent)).toHaveLength(2);
    await bench.send(pair);
    expect(await unread(dave)).toBe(1);
  });

  it('a message without recipients stays sent, whoever comes and goes', async () => {
    await group.act(bob, { kind: 'leave' });
    await group.act(carol, { kind: 'leave' });
    const sent = await bench.send(pair);
    const dave = await group.join('dave');
    await raise(dave, 'seen', 999);
    await group.act(dave, { kind: 'leave' });
    expect(await statuses(sent)).toEqual(['sent']);
  });

  it('unread are messages of others that count, behind what the member has seen', async () => {
    const first = await bench.send(pair);
    await bench.send(pair, from(bob));
    const deleted = await bench.send(pair);
    const short = await bench.send(pair, { ttl: 1 });
    expect([await unread(group.alice), await unread(bob), await unread(carol)]).toEqual([1, 3, 4]);
    await bench.kit.feed.delete({ roomId: group.id, userId: pair.alice, messageId: deleted.id });
    expect([await unread(group.alice), await unread(bob), await unread(carol)]).toEqual([1, 2, 3]);
    await raise(carol, 'delivered', short.seq);
    await raise(bob, 'seen', first.seq);
    expect([await unread(bob), await unread(carol)]).toEqual([1, 3]);
    await bench.kit.advance(SHORT_MS);
    expect([await unread(bob), await unread(carol)]).toEqual([0, 2]);
    await bench.kit.feed.sweep(group.id, 100);
    expect([await unread(group.alice), await unread(bob), await unread(carol)]).toEqual([1, 0, 2]);
    await group.act(group.alice, { kind: 'configure', name: 'Potting' });
    expect([await unread(group.alice), await unread(bob), await unread(carol)]).toEqual([1, 0, 2]);
  });

  it('a burn message is unread until it is revealed, and not once it is gone', async () => {
    const burn = await bench.send(pair, { burn: true });
    const own = await bench.send(pair, { burn: true, ...from(bob) });
    const dave = await group.join('dave');
    const reveal = async (who: Member, { id }: Message) => {
      const request = { roomId: group.id, messageId: id, revealId: undefined, socketId: undefined };
      return bench.kit.feed.reveal({ ...request, userId: who.userId, delayMs: SHORT_MS });
    };
    expect([await unread(bob), await unread(carol), await unread(dave)]).toEqual([1, 2, 0]);
    await raise(bob, 'seen', 999);
    await raise(carol, 'seen', burn.seq);
    expect([await unread(bob), await unread(carol)]).toEqual([1, 2]);
    await reveal(bob, burn);
    await reveal(carol, own);
    expect([await unread(bob), await unread(carol)]).toEqual([0, 1]);
    await bench.kit.advance(SHORT_MS);
    await bench.kit.feed.sweep(group.id, 100);
    expect([await unread(group.alice), await unread(bob), await unread(carol)]).toEqual([1, 0, 1]);
    await bench.kit.feed.delete({ roomId: group.id, userId: pair.alice, messageId: burn.id });
    expect([await unread(bob), await unread(carol)]).toEqual([0, 0]);
  });

  it('unread are the same however many messages there are, asked for one or for all', async () => {
    const people = [group.alice, bob, carol];
    const [seen, sent] = [new Map<string, number>(), [] as Message[]];
    let random = 7;
    const draw = (below: number): number => (random = (random * 48_271) % 2_147_483_647) % below;
    const count = async (userIds: string[]) => bench.kit.rooms.unread(group.id, userIds);
    const ids = people.map(({ userId }) => userId);
    for (let i = 0; i < 400; i++) {
      const who = people[draw(3)] ?? bob;
      sent.push(await bench.send(pair, { ...from(who), ...(draw(9) === 0 && { ttl: 1 }) }));
      if (draw(8) === 0) {
        const { id, senderId } = sent[draw(sent.length)] ?? sent[0] ?? { id: '', senderId: '' };
        await bench.kit.feed.delete({ roomId: group.id, userId: senderId, messageId: id });
      }
      if (draw(40) === 0) {
        const upTo = draw((sent.at(-1)?.seq ?? 0) + 1);
        await raise(who, 'seen', upTo);
        seen.set(who.userId, Math.max(upTo, seen.get(who.userId) ?? 0));
      }
      if (i === 200) {
        await count(ids);
      }
    }
    const compare = async () => {
      const { messages } = await bench.kit.messages.page(group.id, group.alice.userId, undefined, ALL);
      const expected = ids.map(
        (userId) =>
          messages.filter(
            ({ seq, senderId, type }) => type === 'text' && senderId !== userId && seq > (seen.get(userId) ?? 0),
          ).length,
      );
      const { unreadCounts, lastSeq } = (await count([...ids, 'stranger'])) ?? { unreadCounts: [] };
      expect([lastSeq, unreadCounts]).toEqual([sent.at(-1)?.seq, [...expected, undefined]]);
      expect([await unread(group.alice), await unread(bob), await unread(carol)]).toEqual(expected);
      return expected;
    };
    const before = await compare();
    await bench.kit.advance(SHORT_MS);
    const overdue = await compare();
    expect(overdue).not.toEqual(before);
    await bench.kit.feed.sweep(group.id, 1000);
    expect(await compare()).toEqual(overdue);
    expect(Math.min(...overdue)).toBeGreaterThan(10);
    expect(await bench.kit.rooms.unread('room_none', ids)).toBeUndefined();
  });

  it('the sender learns who has a message, and since when', async () => {
    const sent = await bench.send(pair);
    await raise(bob, 'seen', sent.seq);
    await raise(carol, 'delivered', sent.seq);
    const known = await receipts(sent);
    expect(known).toHaveLength(2);
    expect(known).toEqual(
      expect.arrayContaining([
        { userId: bob.userId, deliveredAt: expect.any(Number), seenAt: expect.any(Number) },
        { userId: carol.userId, deliveredAt: expect.any(Number), seenAt: undefined },
      ]),
    );
    expect(await receipts(sent, bob)).toBe('foreign');
    expect(await receipts({ ...sent, id: 'msg_1_none' })).toBeUndefined();
    expect(await receipts(sent, { userId: 'stranger', username: 'x' })).toBeUndefined();
    const next = await bench.send(pair);
    expect(await receipts(next)).toEqual(
      expect.arrayContaining([{ userId: bob.userId, deliveredAt: undefined, seenAt: undefined }]),
    );
  });

  it('a join tells up to where all others have come', async () => {
    const sent = await bench.send(pair);
    await raise(bob, 'seen', sent.seq);
    await raise(carol, 'delivered', sent.seq);
    const marks = async ({ userId }: Member) =>
      (await bench.kit.messages.snapshot(group.id, userId, undefined, ALL))?.watermarks;
    expect((await marks(group.alice))?.delivered).toBe(sent.seq);
    expect((await marks(group.alice))?.seen).toBeLessThan(sent.seq);
    const direct = await bench.pair();
    const snapshot = await bench.kit.messages.snapshot(direct.roomId, direct.alice, undefined, ALL);
    expect(snapshot?.watermarks).toBeUndefined();
  });

  it('a lifetime that starts when seen starts with the last recipient', async () => {
    const sent = await bench.send(pair, { expireFrom: 'seen', ttl: LONG_S });
    expect(sent.expiresAt ?? 0).toBeGreaterThan(sent.createdAt + LONG_S * 1000);
    await raise(bob, 'seen', sent.seq);
    expect((await find(sent))?.expiresAt).toBe(sent.expiresAt);
    const before = await bench.kit.now();
    await raise(carol, 'seen', sent.seq);
    const moved = (await find(sent))?.expiresAt ?? 0;
    expect(moved).toBeGreaterThanOrEqual(before + LONG_S * 1000);
    expect(moved).toBeLessThan(sent.expiresAt ?? 0);
    const events = await bench.news(group.id);
    expect(events.at(-1)).toMatchObject({ kind: 'status', messages: [{ id: sent.id, expiresAt: moved }] });
  });

  it('a burn message is for those who were there, and gone when the last of them has revealed it', async () => {
    const sent = await bench.send(pair, { burn: true });
    const dave = await group.join('dave');
    expect(await find(sent, dave)).toBeUndefined();
    expect(await find(sent, bob)).toMatchObject({ id: sent.id });
    const reveal = async ({ userId }: Member) => {
      const request = { roomId: group.id, messageId: sent.id, revealId: undefined, socketId: undefined };
      return (await bench.kit.feed.reveal({ ...request, userId, delayMs: SHORT_MS }))?.outcome;
    };
    expect(await reveal(dave)).toBeUndefined();
    expect(await reveal(bob)).toBe('revealed');
    await raise(carol, 'seen', sent.seq);
    await raise(bob, 'seen', sent.seq);
    expect(await statuses(sent)).toEqual(['delivered']);
    expect(await reveal(carol)).toBe('revealed');
    expect(await statuses(sent)).toEqual(['seen']);
    await bench.kit.advance(SHORT_MS);
    expect(await statuses(sent)).toEqual([undefined]);
  });

  describe('a burn message whose recipients go', () => {
    const reveal = async ({ userId }: Member, { id }: Message, delayMs = LONG_S * 1000) => {
      const request = { roomId: group.id, messageId: id, revealId: undefined, socketId: undefined };
      const revealed = await bench.kit.feed.reveal({ ...request, userId, delayMs });
      return revealed?.outcome === 'revealed' ? revealed.expiresAt : revealed?.outcome;
    };
    const statusNews = async (): Promise<RoomEvent[]> =>
      (await bench.news(group.id)).filter(({ kind }) => kind === 'status');
    const ttl = 2 * LONG_S;

    const ways: [string, () => Promise<unknown>][] = [
      ['leaves', () => group.act(carol, { kind: 'leave' })],
      ['is kicked', () => group.act(group.alice, { kind: 'kick', target: carol })],
      ['is banned', () => group.act(group.alice, { kind: 'ban', target: carol, reason: undefined, until: null })],
      ['is erased', () => group.forget(carol)],
    ];
    it.each(ways)('ends when the last who has not revealed it %s', async (_, go) => {
      const sent = await bench.send(pair, { burn: true, ttl });
      const until = await reveal(bob, sent);
      await bench.news(group.id);
      await go();
      expect(await find(sent, group.alice)).toMatchObject({ status: 'seen', expiresAt: until });
      expect(await statusNews()).toMatchObject([
        {
          status: 'seen',
          userId: carol.userId,
          messages: [{ id: sent.id, seq: sent.seq, senderId: pair.alice, expiresAt: until }],
        },
      ]);
      expect(await bench.kit.queue.nextDeadline()).toBeLessThanOrEqual(Number(until));
    });

    it('is burned for all when the countdowns of those who are left have run out', async () => {
      const sent = await bench.send(pair, { burn: true, ttl });
      await reveal(bob, sent, SHORT_MS);
      await bench.kit.advance(SHORT_MS);
      await bench.kit.feed.sweep(group.id, 100);
      expect(await statuses(sent)).toEqual(['sent']);
      await group.act(carol, { kind: 'leave' });
      await bench.news(group.id);
      await bench.kit.advance(1);
      expect(await find(sent, group.alice)).toBeUndefined();
      expect(await bench.kit.feed.sweep(group.id, 100)).toMatchObject({ erased: 1 });
      expect(await bench.news(group.id)).toMatchObject([
        { kind: 'expired', messageIds: [sent.id], reason: 'burned', userId: undefined },
      ]);
    });

    it('ends sooner when the one whose countdown is the last goes', async () => {
      const sent = await bench.send(pair, { burn: true, ttl });
      const until = await reveal(bob, sent, LONG_S * 500);
      await reveal(carol, sent);
      await group.act(carol, { kind: 'leave' });
      expect((await find(sent, group.alice))?.expiresAt).toBe(until);
    });

    it('is not live for who came back after it', async () => {
      const sent = await bench.send(pair, { burn: true, ttl });
      const own = await bench.send(pair, { burn: true, ttl, ...from(carol) });
      const other = await bench.send(pair, { ttl });
      await group.act(carol, { kind: 'leave' });
      await group.act(carol, { kind: 'join' });
      const epoch = (await bench.kit.rooms.find(group.id))?.epoch ?? '';
      const live = async ({ userId }: Member): Promise<number[]> => {
        const point = { since: other.seq, epoch, sinceTime: sent.createdAt };
        const taken = await bench.kit.messages.snapshot(group.id, userId, point, ALL);
        const seqs = [sent, own, other].map(({ seq }) => seq);
        return seqs.filter((seq) => taken?.live.some(([first, last]) => first <= seq && seq <= last));
      };
      expect(await live(carol)).toEqual([own.seq, other.seq]);
      expect(await live(bob)).toEqual([sent.seq, own.seq, other.seq]);
    });

    it('waits on while another has not revealed it', async () => {
      const sent = await bench.send(pair, { burn: true, ttl });
      const dave = await group.join('dave');
      await bench.news(group.id);
      await group.act(carol, { kind: 'leave' });
      await group.act(dave, { kind: 'leave' });
      expect(await statusNews()).toEqual([]);
      expect(await find(sent)).toMatchObject({ status: 'sent', expiresAt: sent.expiresAt });
      expect(await reveal(bob, sent)).toEqual(expect.any(Number));
      expect(await statuses(sent)).toEqual(['seen']);
    });

    it('stays for its sender to its ordinary deadline where nobody is left', async () => {
      const sent = await bench.send(pair, { burn: true, ttl });
      await group.act(bob, { kind: 'leave' });
      await bench.news(group.id);
      await group.act(carol, { kind: 'leave' });
      expect(await statusNews()).toEqual([]);
      expect(await find(sent, group.alice)).toMatchObject({ status: 'sent', expiresAt: sent.expiresAt });
      await group.act(carol, { kind: 'join' });
      expect(await find(sent, carol)).toBeUndefined();
      expect(await reveal(carol, sent)).toBeUndefined();
      const alone = await bench.send(pair, { burn: true, ttl, senderId: carol.userId, senderUsername: 'carol' });
      expect(await reveal(group.alice, alone)).toEqual(expect.any(Number));
    });

    it('is told what it was revealed to, in receipts', async () => {
      const sent = await bench.send(pair, { burn: true, ttl });
      await raise(bob, 'seen', sent.seq);
      await reveal(carol, sent);
      expect(await receipts(sent)).toEqual(
        expect.arrayContaining([
          { userId: bob.userId, deliveredAt: expect.any(Number), seenAt: undefined },
          { userId: carol.userId, deliveredAt: expect.any(Number), seenAt: expect.any(Number) },
        ]),
      );
    });
  });

  describe('a lifetime that starts when seen, and recipients who go', () => {
    it('starts when the last who has not seen the message goes', async () => {
      const sent = await bench.send(pair, { expireFrom: 'seen', ttl: LONG_S });
      await raise(bob, 'seen', sent.seq);
      await bench.news(group.id);
      const before = await bench.kit.now();
      await group.act(group.alice, { kind: 'kick', target: carol });
      const moved = (await find(sent))?.expiresAt ?? 0;
      expect(moved).toBeGreaterThanOrEqual(before + LONG_S * 1000);
      expect(moved).toBeLessThan(sent.expiresAt ?? 0);
      expect((await bench.news(group.id))[0]).toMatchObject({
        kind: 'status',
        status: 'seen',
        messages: [{ id: sent.id, expiresAt: moved }],
      });
    });

    it('counts from the send where no recipient is left, and the status stays', async () => {
      const ttl = LONG_S;
      const [first, second] = [
        await bench.send(pair, { expireFrom: 'seen', ttl }),
        await bench.send(pair, { expireFrom: 'seen', ttl }),
      ];
      const ordinary = await bench.send(pair);
      await raise(bob, 'delivered', first.seq);
      await group.act(carol, { kind: 'leave' });
      expect(await statuses(first, second)).toEqual(['delivered', 'sent']);
      await bench.news(group.id);
      await group.act(bob, { kind: 'leave' });
      const [one, two] = [first.createdAt + ttl * 1000, second.createdAt + ttl * 1000];
      expect(await find(first, group.alice)).toMatchObject({ status: 'delivered', expiresAt: one });
      expect(await find(second, group.alice)).toMatchObject({ status: 'sent', expiresAt: two });
      expect(await find(ordinary, group.alice)).toMatchObject({ expiresAt: ordinary.expiresAt });
      expect((await bench.news(group.id)).filter(({ kind }) => kind === 'status')).toMatchObject([
        { status: 'delivered', userId: bob.userId, messages: [{ id: first.id, expiresAt: one }] },
        { status: 'sent', userId: bob.userId, messages: [{ id: second.id, expiresAt: two }] },
      ]);
      expect(await bench.kit.queue.nextDeadline()).toBeLessThanOrEqual(one);
      const dave = await group.join('dave');
      await raise(dave, 'seen', 999);
      await group.act(dave, { kind: 'leave' });
      expect(await find(second, group.alice)).toMatchObject({ status: 'sent', expiresAt: two });
    });

    it('that is over by then ends at once', async () => {
      const sent = await bench.send(pair, { expireFrom: 'seen', ttl: 1 });
      await group.act(bob, { kind: 'leave' });
      await bench.kit.advance(SHORT_MS);
      expect(await statuses(sent)).toEqual(['sent']);
      await group.act(carol, { kind: 'leave' });
      await bench.kit.advance(1);
      expect(await statuses(sent)).toEqual([undefined]);
      expect(await bench.kit.feed.sweep(group.id, 100)).toMatchObject({ erased: 1 });
    });
  });

  it('a moderator deletes messages of others, a member does not', async () => {
    const sent = await bench.send(pair);
    const erase = async ({ userId }: Member) =>
      (await bench.kit.feed.delete({ roomId: group.id, userId, messageId: sent.id }))?.outcome;
    expect(await erase(bob)).toBe('foreign');
    await group.act(group.alice, { kind: 'role', target: carol, role: 'moderator' });
    expect(await erase(carol)).toBe('deleted');
    expect(await find(sent)).toMatchObject({ type: 'deleted' });
    expect(await erase(carol)).toBe('deleted');
  });
}
