import type { MessageDraft } from '../../src/chat/engine/message';
import { MAX_REPORTS_PER_MEMBER, MAX_REPORTS_PER_ROOM, type Report } from '../../src/chat/engine/report';
import type { Member } from '../../src/chat/engine/room';
import { LIMITS, LONG_S, type MakeChatKit, type Pair, repeat, SETTINGS, SHORT_MS, SHORT_S, useChat } from './chat-kit';
import { Group } from './membership.suite';

const MEMBERSHIP = { roomsPerUser: 1000, membersPerRoom: 1000, messages: LIMITS };
const MODERATED = { ...SETTINGS, maxMembers: 1000, moderationEnabled: true };

/** What every driver of the chat's stores promises of reports. */
export function roomReportsContract(makeKit: MakeChatKit): void {
  const bench = useChat(makeKit);
  let group: Group;
  let bob: Member;
  let carol: Member;
  let pair: Pair;

  beforeEach(async () => {
    group = await Group.open(bench, { settings: MODERATED });
    [bob, carol] = [await group.join('bob'), await group.join('carol')];
    pair = { roomId: group.id, epoch: '', alice: group.alice.userId, bob: bob.userId };
  });

  const send = (changes: Partial<MessageDraft> = {}) => bench.send(pair, changes);
  const report = async (messageId: string, who = bob, reason = 'insults', roomId = group.id) =>
    bench.kit.feed.report({ roomId, userId: who.userId, messageId, reason });
  const reports = async (): Promise<Report[]> => bench.kit.messages.reports(group.id);
  const reasons = async (): Promise<string[]> => (await reports()).map(({ reason }) => reason).sort();
  const configure = async (settings: object) => group.act(group.alice, { kind: 'configure', settings });

  it('a report stands as long as its message, and names who is to be told', async () => {
    const dave = await group.moderator('dave');
    const { id } = await send();
    const reason = 'he said: "no",\nand ünïcödé';
    const from = await bench.kit.now();
    const result = await report(id, bob, reason);
    const made = { id: expect.any(String), messageId: id, reporterId: bob.userId, reason };
    expect(result).toEqual({
      outcome: 'reported',
      report: { ...made, createdAt: expect.any(Number) },
      moderators: expect.arrayContaining([group.alice.userId, dave.userId]),
    });
    const [standing] = await reports();
    expect(result).toMatchObject({ report: standing, moderators: { length: 2 } });
    expect(standing?.createdAt).toBeGreaterThanOrEqual(from - 1);
  });

  it('the same member again changes nothing, and nobody is to be told', async () => {
    const { id } = await send();
    const first = await report(id, bob, 'first');
    const again = await Promise.all(repeat(3, () => report(id, bob, 'second')));
    again.forEach((one) => expect(one).toEqual({ ...first, moderators: [] }));
    await report(id, carol, 'third');
    expect(await reasons()).toEqual(['first', 'third']);
  });

  it('of many at once one is the first', async () => {
    const { id } = await send();
    const results = await Promise.all(repeat(10, () => report(id)));
    const told = results.filter((one) => one?.outcome === 'reported' && one.moderators.length > 0);
    expect([told.length, (await reports()).length]).toEqual([1, 1]);
  });

  it('is for members, and for messages of others that stand', async () => {
    const { id } = await send();
    const deleted = await send();
    await bench.kit.feed.delete({ roomId: group.id, userId: pair.alice, messageId: deleted.id });
    const system = (await bench.append(bench.systemMessage(pair)))?.message.id ?? '';
    expect(await report(id, { userId: 'stranger', username: 'x' })).toBeUndefined();
    expect(await report(id, bob, 'x', 'room_none')).toBeUndefined();
    expect(await report('msg_1_none')).toBeUndefined();
    expect(await report(deleted.id)).toBeUndefined();
    expect(await report(id, group.alice)).toEqual({ outcome: 'own' });
    expect(await report(system)).toEqual({ outcome: 'fixed' });
    expect(await reports()).toEqual([]);
  });

  it('a muted member may; a banned one is none', async () => {
    const { id } = await send();
    await group.act(group.alice, { kind: 'mute', target: bob, until: (await bench.kit.now()) + LONG_S * 1000 });
    expect(await report(id)).toMatchObject({ outcome: 'reported' });
    await group.act(group.alice, { kind: 'ban', target: carol, reason: undefined, until: null });
    expect(await report(id, carol)).toBeUndefined();
    expect(await reports()).toHaveLength(1);
  });

  it('is served until the deadline of its message, and not from then on', async () => {
    const lasting = await send();
    const { id } = await send({ ttl: SHORT_S });
    await report(id, bob, 'gone');
    await report(lasting.id, bob, 'stays');
    expect(await reasons()).toEqual(['gone', 'stays']);
    await bench.kit.advance(SHORT_MS);
    expect(await reasons()).toEqual(['stays']);
    expect(await report(id, carol)).toBeUndefined();
    await bench.kit.feed.sweep(group.id, 100);
    expect(await reasons()).toEqual(['stays']);
  });

  it('goes with its message where that is deleted', async () => {
    const { id } = await send();
    await report(id);
    await bench.kit.feed.delete({ roomId: group.id, userId: pair.alice, messageId: id });
    expect(await reports()).toEqual([]);
  });

  it('goes when a burn message has burned for all', async () => {
    const { id } = await send({ burn: true });
    await report(id);
    for (const { userId } of [bob, carol]) {
      const request = { roomId: group.id, userId, messageId: id, revealId: undefined, socketId: undefined };
      expect(await bench.kit.feed.reveal({ ...request, delayMs: SHORT_MS })).toMatchObject({ outcome: 'revealed' });
    }
    expect(await reports()).toHaveLength(1);
    await bench.kit.advance(SHORT_MS);
    expect(await reports()).toEqual([]);
    expect(await report(id)).toBeUndefined();
  });

  it('goes with the oldest message of a history that is full, and with its end', async () => {
    await configure({ messageTtl: null });
    const first = await send();
    await report(first.id, bob, 'oldest');
    const last = await send();
    await report(last.id, bob, 'last');
    // What came before the setting has a deadline, and goes first.
    const older = (await bench.live(pair)).findIndex(({ id }) => id === first.id);
    const messagesPerRoom = older + 2;
    await bench.sendMany(older + 1, pair, {});
    for (let i = 0; i <= older; i++) {
      await bench.send(pair, {}, { messagesPerRoom });
    }
    expect(await reasons()).toEqual(['last']);
    await configure({ messageTtl: SHORT_S });
    await bench.kit.feed.sweep(group.id, 1000);
    expect(await reasons()).toEqual(['last']);
    await bench.kit.advance(SHORT_MS);
    expect(await reasons()).toEqual([]);
  });

  it('is taken back when its reporter is erased', async () => {
    const { id } = await send();
    await report(id, bob, 'by bob');
    await report(id, carol, 'by carol');
    await bench.kit.memberships.forgetUser(bob, MEMBERSHIP);
    expect(await reasons()).toEqual(['by carol']);
  });

  it('goes when the room has no moderation any more, where none is made either', async () => {
    const { id } = await send();
    await report(id);
    await configure({ slowModeSeconds: 0 });
    expect(await reports()).toHaveLength(1);
    await configure({ moderationEnabled: false });
    expect(await reports()).toEqual([]);
    expect(await report(id)).toEqual({ outcome: 'off' });
    await configure({ moderationEnabled: true });
    expect(await reports()).toEqual([]);
    expect(await report(id)).toMatchObject({ outcome: 'reported' });
    const direct = await bench.pair({ moderationEnabled: true });
    const { id: other } = await bench.send(direct);
    expect(await report(other, { userId: direct.bob, username: 'bob' }, 'x', direct.roomId)).toEqual({
      outcome: 'off',
    });
  });

  it('goes with the room', async () => {
    const { id } = await send();
    await report(id);
    await group.act(group.alice, { kind: 'close' });
    expect(await reports()).toEqual([]);
  });

  it('a member has so many reports at most, and so has a room', async () => {
    const perMember = repeat(MAX_REPORTS_PER_MEMBER, (i) => i);
    const sent = [];
    for (const _ of perMember) {
      sent.push((await send()).id);
    }
    const reporters = [bob];
    for (const i of repeat(MAX_REPORTS_PER_ROOM / MAX_REPORTS_PER_MEMBER - 1, (n) => n)) {
      const user = { userId: `reporter-${i}`, username: `reporter-${i}` };
      await group.act(user, { kind: 'join' }, { membersPerRoom: 1000 });
      reporters.push(user);
    }
    for (const who of reporters) {
      await Promise.all(sent.map((id) => report(id, who)));
    }
    const { id } = await send();
    expect(await reports()).toHaveLength(MAX_REPORTS_PER_ROOM);
    expect(await report(id, carol)).toEqual({ outcome: 'full' });
    await bench.kit.feed.delete({ roomId: group.id, userId: pair.alice, messageId: sent[0] ?? '' });
    expect(await report(id, carol)).toMatchObject({ outcome: 'reported' });
    expect(await report(id, bob)).toMatchObject({ outcome: 'reported' });
    expect(await report((await send()).id, bob)).toEqual({ outcome: 'spent' });
  });
}
