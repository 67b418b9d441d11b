import { createApp } from '../support/create-app';
import { describeRedis, uniquePrefix } from '../support/redis-server';
import { contents, type Person, say, socketOf, TestNodes, told } from '../nodes/test-nodes';
import { until } from '../support/until';

/** How soon somebody is out, everywhere (guarantees). */
const SOON_MS = 1000;

/** Tests of a service of so many nodes; in memory where there is no Redis. */
function moderation(redis: { readonly url: string } | undefined): void {
  let nodes: TestNodes;
  let alice: Person;
  let bob: Person;
  let carol: Person;
  let roomId: string;
  /** The node that bob and carol are on; alice acts on another. */
  const far = redis ? 1 : 0;

  beforeEach(async () => {
    const shared = { SEED_DEMO_USERS: 'false', ...(redis && { REDIS_URL: redis.url, REDIS_PREFIX: uniquePrefix() }) };
    nodes = await TestNodes.of(Array.from({ length: far + 1 }, () => createApp({ settings: shared })));
    alice = await nodes.person('alice', 0);
    bob = await nodes.person('bob', far, far);
    carol = await nodes.person('carol', far);
    const { body } = await nodes.api(alice, 0, 'post', 'chat/rooms').send({ type: 'public', name: 'Gardening' });
    roomId = body.roomId as string;
    for (const person of [bob, carol]) {
      await nodes.api(person, 0, 'post', `chat/rooms/${roomId}/join`).expect(200);
    }
    for (const client of [socketOf(alice), socketOf(bob), socketOf(carol)]) {
      expect(await client.emit('room:join', { roomId })).toMatchObject({ success: true });
    }
  });

  afterEach(() => nodes.close());

  const act = (method: 'put' | 'delete', rest: string, body: object = {}) =>
    nodes.api(alice, 0, method, `chat/rooms/${roomId}/${rest}`).send(body).expect(204);
  const kinds = (person: Person): unknown[] =>
    told(socketOf(person), 'message:new', roomId).flatMap(({ system }) =>
      system ? [(system as { kind: string }).kind] : [],
    );
  /** Bob hears nothing of the room any more; carol does. */
  const bobIsOut = async (): Promise<void> => {
    const heard = socketOf(bob).received.length;
    await say(socketOf(alice), roomId, 'not for bob');
    await until(() => contents(socketOf(carol), roomId).includes('not for bob'));
    await socketOf(bob).settle();
    expect(
      socketOf(bob)
        .received.slice(heard)
        .map(({ event }) => event),
    ).toEqual([]);
  };

  it('a kick takes every socket out at once, and lets the user join again', async () => {
    const from = performance.now();
    await act('delete', `members/${bob.id}`);
    for (const client of bob.clients) {
      expect(await client.next('room:kicked')).toEqual({ roomId, reason: 'kicked' });
    }
    expect(performance.now() - from).toBeLessThan(SOON_MS);
    await until(() => kinds(carol).includes('kicked'));
    await bobIsOut();
    expect(kinds(bob)).not.toContain('kicked');
    const { lastSeq, epoch } = (await socketOf(carol).emit('room:join', { roomId })) as Record<string, unknown>;
    for (const [event, payload] of [
      ['room:join', { since: lastSeq, epoch }],
      ['room:join', {}],
      ['message:send', { content: 'x' }],
      ['typing:start', {}],
    ] as const) {
      const ack = await socketOf(bob).emit(event, { roomId, ...payload });
      expect(ack).toEqual({ success: false, code: 'AuthorizationError', error: expect.any(String) });
    }
    await nodes.api(bob, far, 'get', `chat/rooms/${roomId}/messages`).expect(403);
    await nodes.api(bob, far, 'post', `chat/rooms/${roomId}/join`).expect(200);
    expect(await socketOf(bob).emit('room:join', { roomId })).toMatchObject({ success: true });
  });

  it('a ban keeps the user out until it is lifted', async () => {
    await act('put', `bans/${bob.id}`, { reason: 'Spam' });
    expect(await socketOf(bob).next('room:kicked')).toEqual({ roomId, reason: 'Spam' });
    await until(() => kinds(carol).includes('banned'));
    expect(kinds(carol)).not.toContain('kicked');
    await bobIsOut();
    await nodes.api(bob, far, 'post', `chat/rooms/${roomId}/join`).expect(403);
    const { bans } = (await nodes.api(alice, far, 'get', `chat/rooms/${roomId}/bans`).expect(200)).body;
    expect(bans).toMatchObject([{ userId: bob.id, reason: 'Spam', bannedBy: alice.id, until: null }]);
    await nodes.api(carol, far, 'get', `chat/rooms/${roomId}/bans`).expect(403);
    await act('delete', `bans/${bob.id}`);
    await nodes.api(bob, far, 'post', `chat/rooms/${roomId}/join`).expect(200);
  });

  it('a mute lets the user hear and not send', async () => {
    await act('put', `mutes/${bob.id}`, { minutes: 10 });
    expect(await socketOf(bob).emit('message:send', { roomId, content: 'x' })).toMatchObject({
      code: 'AuthorizationError',
    });
    await say(socketOf(alice), roomId, 'for bob too');
    await until(() => contents(socketOf(bob), roomId).includes('for bob too'));
    await act('delete', `mutes/${bob.id}`);
    await say(socketOf(bob), roomId, 'thanks');
    await until(() => contents(socketOf(alice), roomId).includes('thanks'));
    await until(() => kinds(carol).length === 2);
    expect(kinds(carol)).toEqual(['muted', 'unmuted']);
  });

  it('a kick while the user sends loses no acked message and lets none in after it', async () => {
    const sent: string[] = [];
    const sending = (async () => {
      for (let i = 0; ; i++) {
        const ack = await socketOf(bob).emit('message:send', { roomId, content: `${i}` });
        if (!ack.success) {
          return ack.code;
        }
        sent.push(`${i}`);
      }
    })();
    await until(() => sent.length > 2);
    await act('delete', `members/${bob.id}`);
    expect(['AuthorizationError', 'RateLimitError']).toContain(await sending);
    await say(socketOf(alice), roomId, 'last');
    await until(() => contents(socketOf(carol), roomId).includes('last'));
    const stream = told(socketOf(carol), 'message:new', roomId);
    const kickedAt = stream.findIndex(({ system }) => (system as { kind?: string } | undefined)?.kind === 'kicked');
    const ofBob = stream.flatMap(({ senderId, content, type }, i) =>
      senderId === bob.id && type === 'text' ? [{ content, i }] : [],
    );
    expect(ofBob.map(({ content }) => content)).toEqual(sent);
    expect(ofBob.every(({ i }) => i < kickedAt)).toBe(true);
  });

  it('an invite reaches the user wherever they are', async () => {
    const { body } = await nodes.api(alice, 0, 'post', 'chat/rooms').send({ type: 'private', name: 'A few' });
    await nodes.api(alice, 0, 'post', `chat/rooms/${body.roomId}/invites`).send({ userId: bob.id }).expect(201);
    for (const client of bob.clients) {
      expect(await client.next('room:invited')).toMatchObject({ room: { id: body.roomId }, from: { id: alice.id } });
    }
    await nodes.api(bob, far, 'post', `chat/rooms/${body.roomId}/join`).expect(200);
    expect(await socketOf(bob).emit('room:join', { roomId: body.roomId })).toMatchObject({ success: true });
  });
}

describe('Moderation, in memory', () => moderation(undefined));

describeRedis('Moderation, over two nodes', (redis) => moderation(redis));
