import { ChatApp, expectRefusal, say, type Trio } from '../support/chat-app';
import type { TestClient } from '../support/clients';

let chat: ChatApp;
let trio: Trio;

const DELAY_MS = 5000;

beforeEach(async () => {
  chat = await ChatApp.start({ BURN_DELAY_MS: String(DELAY_MS) });
  trio = await chat.trio();
});

afterEach(() => chat.close());

const burn = (content = 'needle', more: object = {}) => say(trio.alice, trio.roomId, content, { burn: true, ...more });
const reveal = (client: TestClient, messageId: string, more: object = {}) =>
  client.emit('message:reveal', { roomId: trio.roomId, messageId, ...more });

async function told(client: TestClient, event: string): Promise<unknown[]> {
  await client.settle();
  return client.all(event);
}

/** Everything that a client was told and can ask for. */
async function everything(person: Trio['bob'], roomId: string): Promise<string> {
  await person.client.settle();
  const ack = await person.client.emit('room:join', { roomId });
  const reads = await Promise.all(
    ['chat/rooms', `chat/rooms/${roomId}/messages`].map((path) => chat.api(person, 'get', path)),
  );
  await person.client.settle();
  return JSON.stringify([person.client.received, ack, reads.map(({ body }) => body as unknown)]);
}

describe('a burn message', () => {
  it('comes concealed to its recipient, and whole to all sockets of its sender', async () => {
    const { alice, bob } = trio;
    const alice2 = await chat.connect(alice);
    const { messageId, expiresAt } = await burn();
    const [whole] = (await told(alice.client, 'message:new')) as object[];
    expect(whole).toMatchObject({ id: messageId, content: 'needle', burn: true, expiresAt });
    expect(whole).not.toHaveProperty('concealed');
    expect(await told(alice2, 'message:new')).toEqual([whole]);
    const [concealed] = await told(bob.client, 'message:new');
    const { content: _, ...rest } = whole as Record<string, unknown>;
    expect(concealed).toEqual({ ...rest, concealed: true });
    expect(expiresAt).toBe(chat.iso(3_600_000));
  });

  it.each([{ ttl: 0 }, { burn: true, ttl: 60 }, { burn: true, ttl: 0 }])('is sent by %p too', async (how) => {
    const { alice, bob, roomId } = trio;
    const ack = await say(alice, roomId, 'needle', how);
    expect(ack.expiresAt).toBe(chat.iso(how.ttl ? 60_000 : 3_600_000));
    expect(await told(bob.client, 'message:new')).toMatchObject([{ concealed: true }]);
  });

  it('is in nothing that its recipient reads, before the reveal and after', async () => {
    const { alice, bob, roomId } = trio;
    const { messageId } = await burn();
    expect(await everything(alice, roomId)).toContain('needle');
    expect(await everything(bob, roomId)).not.toContain('needle');
    const { body } = await chat.api(bob, 'get', 'chat/rooms');
    expect(body.rooms[0].lastMessage).toMatchObject({ id: messageId, content: null });
    expect((await chat.api(alice, 'get', 'chat/rooms')).body.rooms[0].lastMessage.content).toBeNull();
    expect(await reveal(bob.client, messageId)).toMatchObject({ success: true, message: { content: 'needle' } });
    bob.client.received.length = 0;
    expect(await everything(bob, roomId)).not.toContain('needle');
  });

  it('is revealed once, told as seen with its deadline, and erased when the countdown has run out', async () => {
    const { alice, bob, roomId } = trio;
    const bob2 = await chat.connect(bob);
    const { messageId, seq } = await burn();
    const expiresAt = chat.iso(DELAY_MS);
    const ack = await reveal(bob.client, messageId);
    expect(ack).toEqual({
      success: true,
      expiresAt,
      message: expect.objectContaining({
        id: messageId,
        seq,
        content: 'needle',
        status: 'seen',
        expiresAt,
        burn: true,
      }),
    });
    expect(ack.message).not.toHaveProperty('concealed');
    const raised = { roomId, messageId, status: 'seen', userId: bob.id, at: chat.iso(), expiresAt };
    for (const client of [alice.client, bob2]) {
      expect(await told(client, 'message:statusUpdated')).toEqual([raised]);
    }
    expectRefusal(await reveal(bob2, messageId), 'ConflictError');

    await chat.pass(DELAY_MS - 1);
    expect(await told(alice.client, 'message:expired')).toEqual([]);
    await chat.pass(1);
    const gone = { roomId, messageIds: [messageId], reason: 'burned' };
    for (const client of [alice.client, bob.client, bob2]) {
      expect(await told(client, 'message:expired')).toEqual([gone]);
    }
    expectRefusal(await reveal(bob.client, messageId), 'NotFoundError');
    alice.client.received.length = 0;
    expect(await everything(alice, roomId)).not.toContain('needle');
  });

  it('gives the same answer to the same revealId while the countdown runs', async () => {
    const { bob } = trio;
    const { messageId } = await burn();
    const first = await reveal(bob.client, messageId, { revealId: 'r1' });
    await chat.pass(1000);
    expect(await reveal(bob.client, messageId, { revealId: 'r1' })).toEqual(first);
    expectRefusal(await reveal(bob.client, messageId, { revealId: 'r2' }), 'ConflictError');
    expectRefusal(await reveal(bob.client, messageId), 'ConflictError');
  });

  it('is revealed by REST as by socket', async () => {
    const { alice, bob, carol, roomId } = trio;
    const { messageId } = await burn();
    const path = `chat/rooms/${roomId}/messages/${messageId}/reveal`;
    await chat.api(carol, 'post', path).expect(404);
    await chat.api(alice, 'post', path).expect(403);
    const { body } = await chat.api(bob, 'post', path).send({ revealId: 'r1' }).expect(200);
    expect(body).toMatchObject({ success: true, expiresAt: chat.iso(DELAY_MS), message: { content: 'needle' } });
    await chat.api(bob, 'post', path).expect(409);
    await chat.api(bob, 'post', path).send({ revealId: 'r1' }).expect(200, body);
    await chat
      .api(bob, 'post', path)
      .send({ revealId: 'x'.repeat(65) })
      .expect(400);
  });

  it('nobody reveals expires at its ordinary deadline', async () => {
    const { alice, roomId } = trio;
    const { messageId } = await burn('needle', { ttl: 60 });
    await chat.pass(60_000);
    expect(await told(alice.client, 'message:expired')).toEqual([
      { roomId, messageIds: [messageId], reason: 'expired' },
    ]);
  });

  it('becomes delivered by a receipt that says seen', async () => {
    const { alice, bob, roomId } = trio;
    const { messageId } = await burn();
    await bob.client.emit('message:status', { roomId, messageId, status: 'seen' });
    expect(await told(alice.client, 'message:statusUpdated')).toMatchObject([{ messageId, status: 'delivered' }]);
  });

  it('lets its room go once it was revealed and both have left', async () => {
    const { alice, bob, roomId } = trio;
    const { messageId } = await burn();
    await alice.client.emit('room:leave', { roomId });
    await bob.client.emit('room:leave', { roomId });
    expect(await told(bob.client, 'room:closed')).toEqual([]);
    await reveal(bob.client, messageId);
    expect(await told(bob.client, 'room:closed')).toEqual([{ roomId, reason: 'left' }]);
  });

  it.each([
    ['own', 'AuthorizationError'],
    ['ordinary', 'ValidationError'],
    ['nobody’s', 'NotFoundError'],
  ])('that is %s is not revealed', async (which, code) => {
    const { alice, bob, roomId } = trio;
    const { messageId } = await burn();
    const { messageId: ordinary } = await say(alice, roomId, 'x');
    const [client, id] =
      which === 'own' ? [alice.client, messageId] : [bob.client, which === 'ordinary' ? ordinary : 'msg_1_0'];
    expectRefusal(await reveal(client, id), code);
    expect(await reveal(bob.client, messageId)).toMatchObject({ success: true });
  });

  it('does not go with expireFrom', async () => {
    const { alice, roomId } = trio;
    for (const how of [{ burn: true }, { ttl: 0 }]) {
      const ack = await alice.client.emit('message:send', { roomId, content: 'x', expireFrom: 'seen', ...how });
      expectRefusal(ack, 'ValidationError');
    }
    expectRefusal(await alice.client.emit('message:send', { roomId, content: 'x', burn: 'yes' }), 'ValidationError');
    expectRefusal(
      await alice.client.emit('message:send', { roomId, content: 'x', expireFrom: 'now' }),
      'ValidationError',
    );
  });
});

describe('expireFrom: seen', () => {
  it('starts the lifetime when the recipient has seen the message, and tells both', async () => {
    const { alice, bob, roomId } = trio;
    const sent = await say(alice, roomId, 'needle', { expireFrom: 'seen', ttl: 10 });
    expect(sent.expiresAt).toBe(chat.iso(2_592_000_000));
    const { messageId } = sent;
    await chat.pass(60_000);
    await bob.client.emit('message:status', { roomId, messageId, status: 'delivered' });
    await bob.client.emit('message:status', { roomId, messageId, status: 'seen' });
    const moved = { roomId, messageId, status: 'seen', userId: bob.id, at: chat.iso(), expiresAt: chat.iso(10_000) };
    expect(await told(alice.client, 'message:statusUpdated')).toEqual([
      expect.not.objectContaining({ expiresAt: expect.anything() }),
      moved,
    ]);
    expect(await told(bob.client, 'message:statusUpdated')).toEqual([moved]);
    await bob.client.emit('message:status', { roomId, messageId, status: 'seen' });
    await chat.pass(9999);
    expect(await told(bob.client, 'message:expired')).toEqual([]);
    await chat.pass(1);
    for (const { client } of [alice, bob]) {
      expect(await told(client, 'message:expired')).toEqual([{ roomId, messageIds: [messageId], reason: 'expired' }]);
    }
  });

  it('is told message by message, also where more than 50 are seen at once', async () => {
    const { alice, bob, roomId } = trio;
    await Promise.all(Array.from({ length: 51 }, () => say(alice, roomId, 'x', { ttl: 60 })));
    const { messageId } = await say(alice, roomId, 'x', { expireFrom: 'seen', ttl: 60 });
    await bob.client.emit('message:status', { roomId, upToSeq: 52, status: 'seen' });
    const single = { messageId, expiresAt: chat.iso(60_000) };
    expect(await told(alice.client, 'message:statusUpdated')).toMatchObject([single, { upToSeq: 51 }]);
    expect(await told(bob.client, 'message:statusUpdated')).toMatchObject([single]);
  });

  it('sent is what holds without it', async () => {
    const { alice, roomId } = trio;
    const sent = await say(alice, roomId, 'x', { expireFrom: 'sent', ttl: 10 });
    expect(sent.expiresAt).toBe(chat.iso(10_000));
  });
});
