import { createApp } from '../support/create-app';
import { describeRedis, uniquePrefix } from '../support/redis-server';
import { type Person, say, socketOf, TestNodes, told } from '../nodes/test-nodes';
import { until } from '../support/until';

/** Tests of a service of so many nodes; in memory where there is no Redis. */
function groupReceipts(redis: { readonly url: string } | undefined): void {
  let nodes: TestNodes;
  let alice: Person;
  let bob: Person;
  let carol: Person;
  let roomId: string;
  /** The node that bob and carol are on. */
  const far = redis ? 1 : 0;

  beforeEach(async () => {
    const shared = { SEED_DEMO_USERS: 'false', ...(redis && { REDIS_URL: redis.url, REDIS_PREFIX: uniquePrefix() }) };
    nodes = await TestNodes.of(Array.from({ length: far + 1 }, () => createApp({ settings: shared })));
    alice = await nodes.person('alice', 0, 0);
    bob = await nodes.person('bob', far, far);
    carol = await nodes.person('carol', far);
    const { body } = await nodes.api(alice, 0, 'post', 'chat/rooms').send({ type: 'public', name: 'Gardening' });
    roomId = body.roomId as string;
    for (const person of [bob, carol]) {
      await nodes.api(person, 0, 'post', `chat/rooms/${roomId}/join`).expect(200);
    }
    for (const client of [socketOf(alice), ...bob.clients, socketOf(carol)]) {
      expect(await client.emit('room:join', { roomId })).toMatchObject({ success: true });
    }
  });

  afterEach(() => nodes.close());

  const statuses = (person: Person, tab = 0) => told(socketOf(person, tab), 'message:statusUpdated', roomId);
  const unread = async (person: Person): Promise<unknown> =>
    (await nodes.api(person, 0, 'get', 'chat/rooms').expect(200)).body.rooms[0]?.unreadCount;
  const settle = () => Promise.all([alice, bob, carol].flatMap(({ clients }) => clients.map((one) => one.settle())));

  it('one receipt tells a sender of all their messages that rose, and the raiser elsewhere what they raised', async () => {
    for (const text of ['one', 'two', 'three']) {
      await say(socketOf(alice), roomId, text);
    }
    const { seq } = await say(socketOf(alice), roomId, 'four');
    expect([await unread(alice), await unread(bob)]).toEqual([0, 4]);
    expect(await socketOf(bob).emit('room:read', { roomId, upToSeq: seq })).toEqual({ success: true });
    const common = { roomId, upToSeq: seq, status: 'seen', at: expect.any(String) };
    expect(await socketOf(bob, 1).next('message:statusUpdated')).toEqual({ ...common, userId: bob.id });
    expect([await unread(bob), await unread(carol)]).toEqual([0, 4]);
    await nodes.api(carol, 0, 'post', `chat/rooms/${roomId}/read`).send({ upToSeq: seq }).expect(204);
    expect(await socketOf(alice).next('message:statusUpdated')).toEqual({ ...common, userId: carol.id });
    await until(() => statuses(carol).length === 1);
    await settle();
    expect([statuses(alice).length, statuses(alice, 1).length, statuses(bob).length]).toEqual([1, 0, 0]);
    const { body } = await nodes.api(carol, far, 'get', `chat/rooms/${roomId}/messages`).expect(200);
    const texts = (body.messages as { type: string; status: string }[]).filter(({ type }) => type === 'text');
    expect(texts.map(({ status }) => status)).toEqual(['seen', 'seen', 'seen', 'seen']);
    expect(await socketOf(alice, 1).emit('room:join', { roomId })).toMatchObject({
      watermarks: { delivered: seq, seen: seq },
    });
  });

  it('the sender, and nobody else, learns who has a message', async () => {
    const { messageId, seq } = await say(socketOf(alice), roomId, 'hello');
    await socketOf(bob).emit('message:status', { roomId, messageId, status: 'seen' });
    await socketOf(carol).emit('message:status', { roomId, upToSeq: seq, status: 'delivered' });
    const path = `chat/rooms/${roomId}/messages/${messageId}/receipts`;
    const { body } = await nodes.api(alice, far, 'get', path).expect(200);
    expect(body.receipts).toHaveLength(2);
    expect(body.receipts).toEqual(
      expect.arrayContaining([
        { userId: bob.id, deliveredAt: expect.any(String), seenAt: expect.any(String) },
        { userId: carol.id, deliveredAt: expect.any(String), seenAt: null },
      ]),
    );
    await nodes.api(bob, far, 'get', path).expect(403);
    const dave = await nodes.person('dave');
    await nodes.api(dave, 0, 'get', path).expect(403);
  });

  it('a moderator deletes what others wrote, for all of them', async () => {
    const { messageId } = await say(socketOf(carol), roomId, 'needle');
    const mine = { roomId, messageId };
    expect(await socketOf(bob).emit('message:delete', mine)).toMatchObject({ code: 'AuthorizationError' });
    expect(await socketOf(bob).emit('message:react', { ...mine, emoji: '👍' })).toEqual({ success: true });
    await socketOf(carol).next('message:reaction');
    expect(await socketOf(alice).emit('message:delete', mine)).toEqual({ success: true });
    for (const client of [socketOf(alice), socketOf(bob), socketOf(carol)]) {
      expect(await client.next('message:deleted')).toMatchObject({ ...mine, deletedBy: alice.id });
    }
    const { body } = await nodes.api(bob, far, 'get', `chat/rooms/${roomId}/messages`).expect(200);
    expect(JSON.stringify(body)).not.toContain('needle');
  });

  it('who leaves is waited for no more', async () => {
    const { seq } = await say(socketOf(alice), roomId, 'hello');
    await socketOf(bob).emit('room:read', { roomId, upToSeq: seq });
    await nodes.api(carol, far, 'post', `chat/rooms/${roomId}/leave`).expect(204);
    expect(await socketOf(alice).next('message:statusUpdated')).toMatchObject({ upToSeq: seq, status: 'seen' });
  });

  it('a burn message ends when the last who has not revealed it is kicked', async () => {
    const { messageId } = await say(socketOf(alice), roomId, 'needle', { burn: true, ttl: 600 });
    await socketOf(carol).next('message:new');
    const revealed = await socketOf(bob).emit('message:reveal', { roomId, messageId });
    expect(revealed).toMatchObject({ success: true, message: { content: 'needle' } });
    await nodes.api(alice, 0, 'delete', `chat/rooms/${roomId}/members/${carol.id}`).expect(204);
    const moved = { roomId, messageId, status: 'seen', userId: carol.id, expiresAt: revealed.expiresAt };
    expect(await socketOf(alice).next('message:statusUpdated')).toMatchObject(moved);
    expect(await socketOf(bob).next('message:statusUpdated')).toMatchObject(moved);
  });

  it('is for members', async () => {
    const dave = await nodes.person('dave', 0);
    expect(await socketOf(dave).emit('room:read', { roomId, upToSeq: 1 })).toMatchObject({
      code: 'AuthorizationError',
    });
    expect(await socketOf(bob).emit('room:read', { roomId, upToSeq: -1 })).toMatchObject({ code: 'ValidationError' });
    expect(await socketOf(bob).emit('room:read', { roomId })).toMatchObject({ code: 'ValidationError' });
  });
}

describe('Receipts in rooms of more than two, in memory', () => groupReceipts(undefined));

describeRedis('Receipts in rooms of more than two, on two nodes', (server) => groupReceipts(server));
