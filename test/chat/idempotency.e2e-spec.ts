import { ChatApp, roomEvents, roomOf, say, type Trio } from '../support/chat-app';

let chat: ChatApp;
let trio: Trio;

beforeEach(async () => {
  chat = await ChatApp.start();
  trio = await chat.trio();
});

afterEach(() => chat.close());

const MINUTE_MS = 60_000;

it('acks a repeated send with the first id, and nobody sees it twice', async () => {
  const { alice, bob, carol, roomId } = trio;
  const first = await say(alice, roomId, 'hello', { clientId: 'c-1' });
  expect(first).not.toHaveProperty('duplicate');
  const { messageId, seq, timestamp, expiresAt } = first;
  for (const content of ['hello', 'another text']) {
    expect(await say(alice, roomId, content, { clientId: 'c-1' })).toEqual({
      success: true,
      messageId,
      seq,
      timestamp,
      expiresAt,
      serverTime: chat.iso(),
      duplicate: true,
    });
  }
  for (const { client } of [alice, bob]) {
    await client.settle();
    expect(client.all('message:new')).toMatchObject([{ content: 'hello' }]);
  }
  await carol.client.settle();
  expect(roomEvents(carol.client)).toEqual([]);
});

it('knows a repeat on another socket, by REST, and after a reconnect', async () => {
  const { alice, bob, roomId } = trio;
  const { messageId } = await say(alice, roomId, 'hello', { clientId: 'c-1' });
  alice.client.close();
  const again = { ...alice, client: await chat.connect(alice) };
  expect(await say(again, roomId, 'hello', { clientId: 'c-1' })).toMatchObject({ messageId, duplicate: true });
  const { body } = await chat
    .api(alice, 'post', `chat/rooms/${roomId}/messages`)
    .send({ content: 'hello', clientId: 'c-1' })
    .expect(201);
  expect(body.message.id).toBe(messageId);
  await bob.client.settle();
  expect(bob.client.all('message:new')).toHaveLength(1);
});

it('is of one sender in one room: the same clientId elsewhere is another message', async () => {
  const { alice, bob, carol, roomId } = trio;
  const one = await say(alice, roomId, 'a', { clientId: 'same' });
  const ofBob = await say(bob, roomId, 'b', { clientId: 'same' });
  const elsewhere = await say(alice, roomOf(alice, carol), 'c', { clientId: 'same' });
  const withoutOne = [await say(alice, roomId, 'd'), await say(alice, roomId, 'd')];
  const ids = [one, ofBob, elsewhere, ...withoutOne].map(({ messageId }) => messageId);
  expect(new Set(ids).size).toBe(5);
});

it('stores repeats that are sent at once a single time', async () => {
  const { alice, bob, roomId } = trio;
  const second = await chat.connect(alice);
  const send = { roomId, content: 'hello', clientId: 'c-1' };
  const acks = await Promise.all([alice.client, second, alice.client, second].map((s) => s.emit('message:send', send)));
  expect(new Set(acks.map(({ messageId }) => messageId)).size).toBe(1);
  expect(acks.filter(({ duplicate }) => duplicate)).toHaveLength(3);
  await bob.client.settle();
  expect(bob.client.all('message:new')).toHaveLength(1);
});

it('remembers for ten minutes though the message be gone, and hands nothing of it out', async () => {
  const { alice, bob, roomId } = trio;
  const first = await say(alice, roomId, 'needle', { clientId: 'c-1', ttl: 1 });
  await say(bob, roomId, 'keeps the room');
  await chat.pass(1000);
  await bob.client.next('message:expired');
  await chat.pass(10 * MINUTE_MS - 1001);
  const repeat = await say(alice, roomId, 'needle', { clientId: 'c-1', ttl: 1 });
  expect(repeat).toMatchObject({ messageId: first.messageId, seq: 1, duplicate: true, expiresAt: first.expiresAt });
  await bob.client.settle();
  expect(bob.client.all('message:new')).toHaveLength(2);
  await chat.pass(1);
  expect(await say(alice, roomId, 'anew', { clientId: 'c-1' })).toMatchObject({ seq: 3 });
});

it('serves no text of an expired message to a repeat by REST, swept or not', async () => {
  const { alice, bob, roomId } = trio;
  const repeat = () =>
    chat.api(alice, 'post', `chat/rooms/${roomId}/messages`).send({ content: 'another', clientId: 'c-1' }).expect(201);
  await say(alice, roomId, 'needle', { clientId: 'c-1', ttl: 1 });
  await say(bob, roomId, 'keeps the room');
  chat.stopSweeping();
  chat.clock.advance(1000);
  expect((await repeat()).text).not.toContain('needle');
  jest.restoreAllMocks();
  await chat.pass(0);
  await bob.client.next('message:expired');
  expect((await repeat()).text).not.toContain('needle');
});

it('remembers as long as the message lives', async () => {
  const { alice, roomId } = trio;
  const { messageId } = await say(alice, roomId, 'hello', { clientId: 'c-1', ttl: 3600 });
  await chat.pass(59 * MINUTE_MS);
  expect(await say(alice, roomId, 'hello', { clientId: 'c-1' })).toMatchObject({ messageId, duplicate: true });
  await chat.pass(MINUTE_MS);
  expect(await say(alice, roomId, 'hello', { clientId: 'c-1' })).not.toHaveProperty('duplicate');
});

it('forgets with the room', async () => {
  const { alice, roomId } = trio;
  const { messageId } = await say(alice, roomId, 'hello', { clientId: 'c-1' });
  await chat.api(alice, 'delete', `chat/rooms/${roomId}`).expect(204);
  const anew = await say(alice, roomId, 'hello', { clientId: 'c-1' });
  expect(anew).toMatchObject({ seq: 1 });
  expect(anew.messageId).not.toBe(messageId);
});
