import type { Member } from '../../src/chat/engine/room';
import type { Message, MessageStatus } from '../../src/chat/engine/message';
import type { RoomEvent } from '../../src/chat/engine/room-feed';
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

  it('who leaves needs not reveal what burns: it ends with the last countdown of the others', async () => {
    const sent = await bench.send(pair, { burn: true });
    const other = await bench.send(pair, { burn: true });
    const common = { roomId: group.id, revealId: undefined, socketId: undefined };
    const revealed = await bench.kit.feed.reveal({
      ...common,
      userId: bob.userId,
      messageId: sent.id,
      delayMs: SHORT_MS,
    });
    const expiresAt = revealed?.outcome === 'revealed' ? revealed.expiresAt : 0;
    await bench.news(group.id);
    await group.act(carol, { kind: 'leave' });
    expect(await statuses(sent, other)).toEqual(['seen', 'sent']);
    const [status] = (await bench.news(group.id)).filter(({ kind }) => kind === 'status');
    const messages = [{ id: sent.id, seq: sent.seq, senderId: group.alice.userId, expiresAt }];
    expect(status).toMatchObject({ status: 'seen', userId: carol.userId, messages });
    await bench.kit.advance(SHORT_MS);
    await bench.kit.feed.sweep(group.id, 100);
    const [expired] = (await bench.news(group.id)).filter(({ kind }) => kind === 'expired');
    expect(expired).toMatchObject({ messageIds: [sent.id], reason: 'burned', userId: undefined });
    expect(await find(sent, group.alice)).toBeUndefined();
    expect(await find(other, group.alice)).toBeDefined();
  });

  it('who leaves last of those who had not revealed what burns ends it at once, the others having long done so', async () => {
    const sent = await bench.send(pair, { burn: true });
    await bench.kit.feed.reveal({
      roomId: group.id,
      userId: bob.userId,
      messageId: sent.id,
      revealId: undefined,
      socketId: undefined,
      delayMs: SHORT_MS,
    });
    await bench.kit.advance(SHORT_MS);
    await bench.kit.feed.sweep(group.id, 100);
    expect(await find(sent, bob)).toBeUndefined();
    expect(await find(sent, group.alice)).toBeDefined();
    await group.act(carol, { kind: 'leave' });
    expect(await find(sent, group.alice)).toBeUndefined();
    expect(await bench.kit.feed.sweep(group.id, 100)).toMatchObject({ erased: 1 });
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
