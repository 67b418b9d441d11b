import { DELETED_USER, type Message } from '../../src/chat/engine/message';
import type { Member } from '../../src/chat/engine/room';
import { ALL, LIMITS, LONG_S, type MakeChatKit, type Pair, SETTINGS, useChat } from './chat-kit';
import { Group } from './membership.suite';

const MEMBERSHIP = { roomsPerUser: 1000, membersPerRoom: 1000, messages: LIMITS };
/** A name with what names have to be taken literally for. */
const BOB = 'bob.$&_%1';

/** What every driver of the chat's stores promises of the names of users whose account goes. */
export function roomNamesContract(makeKit: MakeChatKit): void {
  const bench = useChat(makeKit);
  let group: Group;
  let bob: Member;

  beforeEach(async () => {
    group = await Group.open(bench);
    await bench.kit.feed.followRoom(group.id);
    bob = await group.join(BOB);
  });

  const pairOf = ({ id, alice }: Group): Pair => ({ roomId: id, epoch: '', alice: alice.userId, bob: bob.userId });
  const messages = async (of = group): Promise<Message[]> =>
    (await bench.kit.messages.page(of.id, of.alice.userId, undefined, ALL)).messages;
  const erase = async (who: Member): Promise<void> => {
    for (const roomId of await bench.kit.standings.tracesOf(who.userId)) {
      const { messages: shown } = await bench.kit.messages.page(roomId, who.userId, undefined, ALL);
      for (const { id: messageId } of shown.filter(({ senderId, system }) => senderId === who.userId && !system)) {
        await bench.kit.feed.delete({ roomId, userId: who.userId, messageId, erased: true });
      }
    }
    await bench.kit.memberships.forgetUser(who, MEMBERSHIP);
  };
  const served = async (of = group): Promise<string> => {
    const snapshot = await bench.kit.messages.snapshot(of.id, of.alice.userId, undefined, ALL);
    const summaries = await bench.kit.rooms.summariesOf(of.alice.userId);
    return JSON.stringify([snapshot, summaries, await bench.kit.standings.bans(of.id)]);
  };

  it('notes name whom they tell of, and say so in the feed too', async () => {
    const { alice } = group;
    await group.act(alice, { kind: 'role', target: bob, role: 'moderator' });
    await group.act(alice, { kind: 'configure', name: 'The $& \\ "new" one' });
    const until = (await bench.kit.now()) + LONG_S * 1000;
    await group.act(alice, { kind: 'mute', target: bob, until });
    await group.act(alice, { kind: 'kick', target: bob });
    const told = [
      'created: alice created Gardening',
      `joined: ${BOB} joined`,
      `role: ${BOB} is a moderator now`,
      'name: alice named the room The $& \\ "new" one',
      `muted: alice muted ${BOB}`,
      `kicked: alice removed ${BOB}`,
    ];
    expect(await group.notes()).toEqual(told);
    const events = (await bench.news(group.id)).flatMap((event) => (event.kind === 'message' ? [event.message] : []));
    expect(events.slice(-5)).toEqual((await messages()).slice(1));
    expect(events.slice(-5).map(({ senderUsername }) => senderUsername)).toEqual([BOB, ...Array(4).fill('alice')]);
  });

  it('an erased user is named by nothing that rooms serve, of what was said before either', async () => {
    const carol = await group.moderator('carol');
    const pair = pairOf(group);
    const of = { senderId: bob.userId, senderUsername: BOB };
    const sent = await bench.send(pair, of);
    await bench.send(pair, { replyTo: sent.id });
    const deleted = await bench.send(pair, of);
    await bench.send(pair, { replyTo: deleted.id });
    await bench.kit.feed.delete({ roomId: group.id, userId: carol.userId, messageId: deleted.id });
    const until = (await bench.kit.now()) + LONG_S * 1000;
    await group.act(carol, { kind: 'mute', target: bob, until });
    await group.act(carol, { kind: 'kick', target: bob });
    expect((await messages()).filter((message) => JSON.stringify(message).includes(BOB))).toHaveLength(7);
    await erase(bob);
    expect(await served()).not.toContain(BOB);
    expect(await group.notes()).toEqual([
      'created: alice created Gardening',
      `joined: ${DELETED_USER} joined`,
      'joined: carol joined',
      'role: carol is a moderator now',
      `muted: carol muted ${DELETED_USER}`,
      `kicked: carol removed ${DELETED_USER}`,
    ]);
    const others = (await messages()).filter(({ type }) => type !== 'system');
    expect(others).toMatchObject([
      { type: 'deleted', senderUsername: DELETED_USER },
      { replyTo: { senderId: bob.userId, senderUsername: DELETED_USER, preview: null } },
      { type: 'deleted', senderUsername: DELETED_USER },
      { replyTo: { senderUsername: DELETED_USER, preview: null } },
    ]);
    expect(await bench.kit.standings.tracesOf(bob.userId)).toEqual([]);
  });

  it('nor in rooms that they were in once, or were kept out of', async () => {
    const [left, banned] = [await Group.open(bench), await Group.open(bench)];
    await left.act(bob, { kind: 'join' });
    const { id } = (await left.send(bob)) as Message;
    await left.act(bob, { kind: 'leave' });
    await banned.act(banned.alice, { kind: 'ban', target: bob, reason: 'rude', until: null });
    await banned.act(banned.alice, { kind: 'unban', target: bob });
    expect((await bench.kit.standings.tracesOf(bob.userId)).sort()).toEqual([group.id, left.id, banned.id].sort());
    await erase(bob);
    for (const one of [group, left, banned]) {
      expect(await served(one)).not.toContain(BOB);
    }
    expect(await bench.kit.messages.find(left.id, left.alice.userId, id)).toMatchObject({ type: 'deleted' });
  });

  it('whose account goes need be no member to take back what is theirs, and nothing else', async () => {
    const { id } = (await group.send(group.alice)) as Message;
    const [own, burn] = [await group.send(bob), await bench.send(pairOf(group), { senderId: bob.userId, burn: true })];
    const change = { roomId: group.id, userId: bob.userId, messageId: id, emoji: '👍' };
    await bench.kit.feed.react({ ...change, action: 'added' });
    await group.act(bob, { kind: 'leave' });
    expect(await bench.kit.feed.react({ ...change, action: 'removed' })).toBeUndefined();
    expect(await bench.kit.feed.delete({ ...change, messageId: own?.id ?? '' })).toBeUndefined();
    expect(await bench.kit.feed.react({ ...change, action: 'removed', erased: true })).toEqual({ outcome: 'done' });
    expect((await bench.kit.messages.find(group.id, group.alice.userId, id))?.reactions).toBeUndefined();
    for (const messageId of [own?.id ?? '', burn.id]) {
      expect(await bench.kit.feed.delete({ ...change, messageId, erased: true })).toMatchObject({ outcome: 'deleted' });
    }
    expect(await bench.kit.feed.delete({ ...change, erased: true })).toEqual({ outcome: 'foreign' });
  });

  it('what an erased user wrote of those whom they banned is gone, the bans are not', async () => {
    const [carol, dave] = [await group.moderator('carol'), await group.join('dave')];
    await group.act(carol, { kind: 'ban', target: bob, reason: 'by carol', until: null });
    await group.act(group.alice, { kind: 'ban', target: dave, reason: 'by alice', until: null });
    await erase(carol);
    const bans = [...(await bench.kit.standings.bans(group.id))].sort((a, b) => a.username.localeCompare(b.username));
    expect(bans).toMatchObject([
      { username: BOB, reason: undefined, by: carol.userId, until: null },
      { username: 'dave', reason: 'by alice' },
    ]);
    await group.act(group.alice, { kind: 'unban', target: bob });
    expect(await group.notes()).toContain(`banned: ${DELETED_USER} banned ${BOB}`);
  });

  it('in a room that keeps its history as well', async () => {
    const settings = { ...SETTINGS, maxMembers: 10, messageTtl: null };
    const kept = await Group.open(bench, { settings });
    await kept.act(bob, { kind: 'join' });
    await kept.send(bob);
    await kept.act(bob, { kind: 'leave' });
    expect(await served(kept)).toContain(BOB);
    await erase(bob);
    expect(await served(kept)).not.toContain(BOB);
  });
}
