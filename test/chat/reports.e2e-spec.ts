import { createApp } from '../support/create-app';
import type { TestClient } from '../support/clients';
import { describeRedis, uniquePrefix } from '../support/redis-server';
import { type Person, roomOf, say, socketOf, TestNodes } from '../nodes/test-nodes';

/** Tests of a service of so many nodes; in memory where there is no Redis. */
function reporting(redis: { readonly url: string } | undefined): void {
  let nodes: TestNodes;
  let alice: Person;
  let bob: Person;
  let carol: Person;
  let roomId: string;
  let messageId: string;
  let inRooms: TestClient;
  /** The node that bob and carol are on; alice is on another too. */
  const far = redis ? 1 : 0;

  beforeEach(async () => {
    const shared = { SEED_DEMO_USERS: 'false', ...(redis && { REDIS_URL: redis.url, REDIS_PREFIX: uniquePrefix() }) };
    nodes = await TestNodes.of(Array.from({ length: far + 1 }, () => createApp({ settings: shared })));
    alice = await nodes.person('alice', 0, far);
    bob = await nodes.person('bob', far);
    carol = await nodes.person('carol', far);
    inRooms = await nodes.connect(alice, 0, '/rooms');
    const settings = { moderationEnabled: true };
    const room = { type: 'public', name: 'Gardening', settings };
    roomId = (await nodes.api(alice, 0, 'post', 'chat/rooms').send(room).expect(201)).body.roomId as string;
    for (const person of [bob, carol]) {
      await nodes.api(person, far, 'post', `chat/rooms/${roomId}/join`).expect(200);
      expect(await socketOf(person).emit('room:join', { roomId })).toMatchObject({ success: true });
    }
    ({ messageId } = await say(socketOf(carol), roomId, 'something bad'));
  });

  afterEach(() => nodes.close());

  const report = (person: Person, reason: unknown = 'insults', message = messageId) =>
    nodes.api(person, far, 'post', `chat/rooms/${roomId}/messages/${message}/report`).send({ reason });
  const list = (person: Person) => nodes.api(person, 0, 'get', `chat/rooms/${roomId}/reports`);
  const heard = (client: TestClient): unknown[] => [
    ...client.all('message:reported'),
    ...client.all('message-reported'),
  ];

  it('a report reaches the moderators in every namespace, joined or not, and nobody else', async () => {
    const { body } = await report(bob, ' insults\u0000 ').expect(201);
    const made = { id: expect.any(String), messageId, reporterId: bob.id, reason: 'insults' };
    expect(body).toEqual({ success: true, report: { ...made, createdAt: expect.stringMatching(/Z$/) } });
    const told = { roomId, report: body.report };
    for (const client of alice.clients) {
      expect(await client.next('message:reported')).toEqual(told);
    }
    expect(await inRooms.next('message-reported')).toEqual(told);
    for (const person of [bob, carol]) {
      await socketOf(person).settle();
      expect(heard(socketOf(person))).toEqual([]);
      await list(person).expect(403);
    }
    expect((await list(alice).expect(200)).body).toEqual({ reports: [body.report] });
  });

  it('the same member again makes no second one', async () => {
    const { body } = await report(bob).expect(201);
    expect((await report(bob, 'other').expect(201)).body).toEqual(body);
    await nodes
      .api(alice, 0, 'put', `chat/rooms/${roomId}/members/${carol.id}`)
      .send({ role: 'moderator' })
      .expect(204);
    await report(carol, 'mine').expect(400);
    const { body: second } = await nodes
      .api(
        carol,
        far,
        'post',
        `chat/rooms/${roomId}/messages/${(await say(socketOf(bob), roomId, 'no')).messageId}/report`,
      )
      .send({ reason: 'rude' })
      .expect(201);
    // Who moderates by now hears of it, of an own report too.
    expect(await socketOf(carol).next('message:reported')).toEqual({ roomId, report: second.report });
    for (const client of [...alice.clients, inRooms]) {
      await client.until(() => (heard(client).length === 2 ? true : undefined), 'two reports');
      expect(heard(client)).toEqual([
        { roomId, report: body.report },
        { roomId, report: second.report },
      ]);
    }
    expect((await list(carol).expect(200)).body).toEqual({ reports: [second.report, body.report] });
  });

  it('refuses what makes no sense with a clear error, and keeps nothing of it', async () => {
    for (const reason of ['', '  ', 5, null, 'x'.repeat(501), ['x'], {}]) {
      expect((await report(bob, reason).expect(400)).body.details).toMatchObject([{ field: 'reason' }]);
    }
    await report(bob, 'x', 'msg_1_none').expect(404);
    await report(bob, 'x', '%00').expect(404);
    await report(carol).expect(400);
    const dave = await nodes.person('dave');
    await report(dave).expect(403);
    await list(dave).expect(403);
    await nodes
      .api(bob, far, 'post', `chat/rooms/room_none/messages/${messageId}/report`)
      .send({ reason: 'x' })
      .expect(404);
    await nodes.api(bob, far, 'get', 'chat/rooms/room_none/reports').expect(404);
    expect((await list(alice).expect(200)).body).toEqual({ reports: [] });
    expect(heard(socketOf(alice))).toEqual([]);
  });

  it('goes with its message, which its author may delete', async () => {
    await report(bob).expect(201);
    await nodes.api(carol, far, 'delete', `chat/rooms/${roomId}/messages/${messageId}`).expect(204);
    expect((await list(alice).expect(200)).body).toEqual({ reports: [] });
    await report(bob).expect(404);
  });

  it('is a matter of rooms with moderation: the end of that is the end of reports', async () => {
    await report(bob).expect(201);
    const settings = (moderationEnabled: boolean) =>
      nodes.api(alice, 0, 'patch', `chat/rooms/${roomId}`).send({ settings: { moderationEnabled } }).expect(200);
    await settings(false);
    expect((await report(bob).expect(409)).body).toMatchObject({ code: 'ConflictError' });
    expect((await list(alice).expect(200)).body).toEqual({ reports: [] });
    await settings(true);
    expect((await list(alice).expect(200)).body).toEqual({ reports: [] });
    const direct = roomOf(bob, carol);
    const said = await say(socketOf(carol), direct, 'hello');
    await nodes
      .api(bob, far, 'post', `chat/rooms/${direct}/messages/${said.messageId}/report`)
      .send({ reason: 'x' })
      .expect(409);
  });

  it('goes with the account of its reporter, or of the author of the message', async () => {
    const { body } = await report(bob).expect(201);
    const { messageId: other } = await say(socketOf(bob), roomId, 'of bob');
    await report(carol, 'x', other).expect(201);
    await nodes.api(bob, far, 'delete', 'users/me').expect(204);
    expect(body.report.reporterId).toBe(bob.id);
    expect((await list(alice).expect(200)).body).toEqual({ reports: [] });
  });
}

describe('Reports, in memory', () => reporting(undefined));

describeRedis('Reports, over two nodes', (redis) => reporting(redis));
