import { type Person, socketOf, TestNodes } from '../nodes/test-nodes';
import { createApp } from '../support/create-app';
import type { TestClient } from '../support/clients';
import { describeRedis, uniquePrefix } from '../support/redis-server';

/** What cleaning would change: spaces around, control characters, CRLF, decomposed and compatibility characters. */
const OPAQUE = ' \u0000e\u0301\r\n\u0007x\u009f\u2028\ufeff 𝕏 \\u0000"\\"}\n{"replyTo":{"seq":1}} \t ';
const CLEAN = OPAQUE.replace(/[\u0000\u0007\u009f]/g, '')
  .replaceAll('\r\n', '\n')
  .normalize('NFC')
  .trim();

/** Of one node in memory, or of two over a Redis. */
function encryptedRooms(redis: { readonly url: string } | undefined): void {
  let nodes: TestNodes;
  let alice: Person;
  let bob: Person;
  let inRooms: TestClient;
  let encrypted: string;
  let plain: string;
  const far = redis ? 1 : 0;

  beforeEach(async () => {
    const shared = { SEED_DEMO_USERS: 'false', ...(redis && { REDIS_URL: redis.url, REDIS_PREFIX: uniquePrefix() }) };
    nodes = await TestNodes.of(Array.from({ length: far + 1 }, () => createApp({ settings: shared })));
    [alice, bob] = [await nodes.person('alice', 0), await nodes.person('bob', far)];
    [encrypted, plain] = [await room({ encrypted: true }), await room({})];
    inRooms = await nodes.connect(bob, far, '/rooms');
    expect(await inRooms.emit('join-rooms')).toMatchObject({ success: true });
  });

  afterEach(() => nodes.close());

  async function room(settings: object): Promise<string> {
    const { body } = await nodes
      .api(alice, 0, 'post', 'chat/rooms')
      .send({ type: 'public', name: 'Gardening', settings })
      .expect(201);
    await nodes.api(bob, far, 'post', `chat/rooms/${body.roomId}/join`).expect(200);
    expect(await socketOf(bob).emit('room:join', { roomId: body.roomId })).toMatchObject({ success: true });
    return body.roomId as string;
  }

  const post = (roomId: string, content: unknown) =>
    nodes.api(alice, 0, 'post', `chat/rooms/${roomId}/messages`).send({ content } as object);
  const emit = (roomId: string, content: unknown) => socketOf(alice).emit('message:send', { roomId, content });
  const inDialect = (roomId: string, content: unknown) => inRooms.emit('send-message', { roomId, content });
  const stored = async (roomId: string): Promise<unknown[]> => {
    const { body } = await nodes.api(bob, far, 'get', `chat/rooms/${roomId}/messages`).expect(200);
    return (body.messages as { type: string; content: string }[]).flatMap((one) =>
      one.type === 'text' ? one.content : [],
    );
  };

  it('serve what was sent as it came, by every way in and out', async () => {
    const { messageId } = await emit(encrypted, OPAQUE);
    expect(await socketOf(bob).next('message:new')).toMatchObject({ id: messageId, content: OPAQUE });
    expect(await inRooms.next('new-message')).toMatchObject({ _id: messageId, content: OPAQUE });
    expect((await post(encrypted, OPAQUE).expect(201)).body.message.content).toBe(OPAQUE);
    expect(await inDialect(encrypted, OPAQUE)).toMatchObject({ success: true });
    const edited = `\t${OPAQUE}`;
    const edit = { roomId: encrypted, messageId, content: edited };
    expect(await socketOf(alice).emit('message:edit', edit)).toEqual({ success: true });
    expect(await socketOf(bob).next('message:edited')).toMatchObject({ id: messageId, content: edited });
    const path = `chat/rooms/${encrypted}/messages/${messageId}`;
    const { body } = await nodes.api(alice, 0, 'patch', path).send({ content: OPAQUE }).expect(200);
    expect(body.message.content).toBe(OPAQUE);
    const { messageId: burn } = await socketOf(alice).emit('message:send', {
      roomId: encrypted,
      content: OPAQUE,
      burn: true,
    });
    expect(await socketOf(bob).emit('message:reveal', { roomId: encrypted, messageId: burn })).toMatchObject({
      message: { content: OPAQUE },
    });
    expect(await stored(encrypted)).toEqual([OPAQUE, OPAQUE, OPAQUE]);
    const joined = await socketOf(alice).emit('room:join', { roomId: encrypted });
    expect((joined.messages as { content: string }[]).filter(({ content }) => content === OPAQUE)).toHaveLength(4);
  });

  it('take what is nothing but space, and nothing that is not a text, or could not be served as it came', async () => {
    for (const send of [emit, inDialect]) {
      expect(await send(encrypted, ' ')).toMatchObject({ success: true });
      for (const content of ['', undefined, null, 7, {}, 'x'.repeat(20_001), 'a\ud800b', '\udc00']) {
        expect(await send(encrypted, content)).toMatchObject({ success: false, code: 'ValidationError' });
      }
    }
    await post(encrypted, '\ud800').expect(400);
    await post(encrypted, '').expect(400);
    expect(await inDialect(encrypted, `${'𝕏'.repeat(19_999)} `)).toMatchObject({ success: true });
    expect(await stored(encrypted)).toEqual([' ', ' ', `${'𝕏'.repeat(19_999)} `]);
  });

  it('are not for strangers to find out about', async () => {
    const carol = await nodes.person('carol', 0);
    for (const roomId of [encrypted, plain]) {
      for (const content of [OPAQUE, 'x'.repeat(5001)]) {
        expect(await socketOf(carol).emit('message:send', { roomId, content })).toMatchObject({
          code: 'AuthorizationError',
        });
      }
    }
  });

  it('are the only ones: elsewhere texts are cleaned', async () => {
    const direct = `dm_${[alice.id, bob.id].sort().join('_')}`;
    for (const roomId of [plain, direct]) {
      const { messageId } = await emit(roomId, OPAQUE);
      await post(roomId, `${OPAQUE}\ud800`).expect(201);
      expect(await inDialect(roomId, OPAQUE)).toMatchObject({ success: true });
      expect(await emit(roomId, ` \u0000 `)).toMatchObject({ success: false, code: 'ValidationError' });
      const edit = { roomId, messageId, content: `${OPAQUE}!${OPAQUE}` };
      expect(await socketOf(alice).emit('message:edit', edit)).toEqual({ success: true });
      expect(await socketOf(alice).emit('message:edit', { ...edit, content: ' \u0000' })).toMatchObject({
        code: 'ValidationError',
      });
      const [first, second, third] = await stored(roomId);
      expect([second, third]).toEqual([`${CLEAN} \t \ufffd`, CLEAN]);
      expect(first).toBe(`${CLEAN} \t ! ${CLEAN}`);
    }
  });
}

describe('Encrypted rooms, in memory', () => encryptedRooms(undefined));

describeRedis('Encrypted rooms, on two nodes', (server) => encryptedRooms(server));
