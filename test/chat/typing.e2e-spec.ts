import { ChatApp, expectRefusal, roomEvents, roomOf, say, type Trio } from '../support/chat-app';
import type { TestClient } from '../support/clients';

let chat: ChatApp;
let trio: Trio;

beforeEach(async () => {
  chat = await ChatApp.start({ TYPING_TIMEOUT_MS: '3000' });
  trio = await chat.trio();
});

afterEach(() => chat.close());

async function marks(client: TestClient): Promise<unknown[]> {
  await client.settle();
  return client.all('typing:indicator').map(({ isTyping }) => isTyping);
}

const begin = (client: TestClient) => client.emit('typing:start', { roomId: trio.roomId, isTyping: true });

describe('typing', () => {
  it('is told to all sockets of the other user, never to the typist, and to nobody else', async () => {
    const { alice, bob, carol, roomId } = trio;
    const [alice2, bob2] = [await chat.connect(alice), await chat.connect(bob)];
    expect(await begin(alice.client)).toEqual({ success: true });
    const told = { roomId, userId: alice.id, username: alice.username, isTyping: true };
    expect(await bob.client.next('typing:indicator')).toEqual(told);
    expect(await bob2.next('typing:indicator')).toEqual(told);
    expect(await alice.client.emit('typing:stop', { roomId })).toEqual({ success: true });
    expect(await bob.client.next('typing:indicator', ({ isTyping }) => !isTyping)).toEqual({
      ...told,
      isTyping: false,
    });
    expect(await marks(alice.client)).toEqual([]);
    expect(await marks(alice2)).toEqual([]);
    await carol.client.settle();
    expect(roomEvents(carol.client)).toEqual([]);
  });

  it('is told once however often the keys are pressed, and ends TYPING_TIMEOUT_MS after the last', async () => {
    const { alice, bob } = trio;
    await begin(alice.client);
    await chat.pass(2999);
    await begin(alice.client);
    await chat.pass(2999);
    expect(await marks(bob.client)).toEqual([true]);
    await chat.pass(1);
    await bob.client.next('typing:indicator', ({ isTyping }) => !isTyping);
    await begin(alice.client);
    expect(await marks(bob.client)).toEqual([true, false, true]);
  });

  it('ends with a send, by whichever way, before the message comes', async () => {
    const { alice, bob, roomId } = trio;
    await begin(alice.client);
    await say(alice, roomId, 'done');
    await begin(alice.client);
    await chat.api(alice, 'post', `chat/rooms/${roomId}/messages`).send({ content: 'done again' }).expect(201);
    expect(await marks(bob.client)).toEqual([true, false, true, false]);
    const order = roomEvents(bob.client).filter((event) => event !== 'room:created');
    expect(order).toEqual([
      ...['typing:indicator', 'typing:indicator', 'message:new'],
      ...['typing:indicator', 'typing:indicator', 'message:new'],
    ]);
  });

  it('ends with a leave', async () => {
    const { alice, bob, roomId } = trio;
    await begin(alice.client);
    await alice.client.emit('room:leave', { roomId });
    expect(await marks(bob.client)).toEqual([true, false]);
  });

  it('ends when the typing socket is gone, not when another of its user is', async () => {
    const { alice, bob } = trio;
    const alice2 = await chat.connect(alice);
    await begin(alice.client);
    await chat.leave(alice2);
    expect(await marks(bob.client)).toEqual([true]);
    alice.client.close();
    await bob.client.next('typing:indicator', ({ isTyping }) => !isTyping);
  });

  it('in several rooms at once is kept apart', async () => {
    const { alice, bob, carol, roomId } = trio;
    await begin(alice.client);
    await alice.client.emit('typing:start', { roomId: roomOf(alice, carol) });
    await alice.client.emit('typing:stop', { roomId });
    expect(await marks(bob.client)).toEqual([true, false]);
    expect(await marks(carol.client)).toEqual([true]);
  });
});

describe('typing:start and typing:stop', () => {
  it.each([undefined, {}, { roomId: 7 }, { roomId: '' }, { roomId: null }, { roomId: 'x'.repeat(129) }])(
    'refuse %p',
    async (payload) => {
      for (const event of ['typing:start', 'typing:stop']) {
        expectRefusal(await trio.alice.client.emit(event, payload), 'ValidationError');
      }
    },
  );

  it('are nobody else’s business: a start elsewhere is refused, a stop has no effect', async () => {
    const { alice, bob, carol, roomId } = trio;
    await begin(alice.client);
    expectRefusal(await begin(carol.client), 'NotFoundError');
    expect(await carol.client.emit('typing:stop', { roomId })).toEqual({ success: true });
    const guest = await chat.guest();
    const guestClient = await chat.connect(guest);
    expectRefusal(await guestClient.emit('typing:start', { roomId: roomOf(guest, bob) }), 'AuthorizationError');
    expect(await guestClient.emit('typing:stop', { roomId })).toEqual({ success: true });
    expect(await marks(bob.client)).toEqual([true]);
  });

  it('of a stop without a start says nothing to anybody', async () => {
    const { alice, bob, roomId } = trio;
    expect(await alice.client.emit('typing:stop', { roomId })).toEqual({ success: true });
    expect(await marks(bob.client)).toEqual([]);
  });
});
