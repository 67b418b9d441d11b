import { ChatApp, expectRefusal, roomEvents, roomOf, say, type Trio } from '../support/chat-app';
import type { TestClient } from '../support/clients';

let chat: ChatApp;
let trio: Trio;

beforeEach(async () => {
  chat = await ChatApp.start();
  trio = await chat.trio();
});

afterEach(() => chat.close());

const texts = (client: TestClient): unknown[] => client.all('message:new').map(({ content }) => content);

async function settled(...clients: TestClient[]): Promise<void> {
  await Promise.all(clients.map((client) => client.settle()));
}

describe('events of a direct room', () => {
  it('reach every socket of both users once, joined or not, and nobody else', async () => {
    const { alice, bob, carol, roomId } = trio;
    const [alice2, bob2] = [await chat.connect(alice), await chat.connect(bob)];
    await alice.client.emit('room:join', { roomId });
    await say(alice, roomId, 'from Alice');
    await chat.api(bob, 'post', `chat/rooms/${roomId}/messages`).send({ content: 'from Bob' }).expect(201);
    const theirs = [alice.client, alice2, bob.client, bob2];
    await settled(...theirs, carol.client);
    for (const client of theirs) {
      expect(texts(client)).toEqual(['from Alice', 'from Bob']);
    }
    expect(roomEvents(carol.client)).toEqual([]);
  });

  it('go to the room that they are of, though the third is in a room with each', async () => {
    const { alice, bob, carol, roomId } = trio;
    for (const other of [alice, bob]) {
      await carol.client.emit('room:join', { roomId: roomOf(carol, other) });
    }
    const before = roomEvents(carol.client).length;
    await say(alice, roomId, 'needle');
    await bob.client.emit('typing:start', { roomId });
    await bob.client.emit('message:status', { roomId, upToSeq: 1, status: 'seen' });
    await carol.client.settle();
    expect(roomEvents(carol.client)).toHaveLength(before);
  });

  it('cannot be heard by naming an internal room, a socket or another user', async () => {
    const { alice, bob, carol, roomId } = trio;
    for (const made of [`u:${bob.id}`, `r:${roomId}`, alice.client.socket.id, bob.id, roomId]) {
      expectRefusal(await carol.client.emit('room:join', { roomId: made }), 'NotFoundError');
    }
    await say(alice, roomId, 'needle');
    await carol.client.settle();
    expect(roomEvents(carol.client)).toEqual([]);
  });
});

describe('a socket that left', () => {
  let bob2: TestClient;

  beforeEach(async () => {
    const { alice, bob, roomId } = trio;
    bob2 = await chat.connect(bob);
    await say(alice, roomId, 'before', { ttl: 60 });
    await bob2.emit('message:status', { roomId, upToSeq: 1, status: 'delivered' });
    await bob2.emit('room:join', { roomId });
    expect(await bob2.emit('room:leave', { roomId })).toEqual({ success: true });
    await settled(bob2);
    bob2.received.length = 0;
  });

  it('hears nothing of the room, while its user’s other socket does', async () => {
    const { alice, bob, roomId } = trio;
    await say(alice, roomId, 'after');
    await alice.client.emit('typing:start', { roomId });
    await bob.client.emit('message:status', { roomId, upToSeq: 2, status: 'seen' });
    await chat
      .api(alice, 'patch', `chat/rooms/${roomId}`)
      .send({ settings: { messageTtl: 60 } })
      .expect(200);
    await alice.client.emit('room:join', { roomId, publicKey: 'key' });
    await settled(bob2, bob.client);
    expect(roomEvents(bob2)).toEqual([]);
    const heard = new Set(roomEvents(bob.client));
    for (const event of ['message:new', 'typing:indicator', 'room:updated', 'room:keys', 'user:joined']) {
      expect(heard).toContain(event);
    }
  });

  it('hears of what expires and of the end of the room nevertheless', async () => {
    const { alice, roomId } = trio;
    await chat.pass(60_000);
    expect(await bob2.next('message:expired')).toMatchObject({ roomId, reason: 'expired' });
    await say(alice, roomId, 'after');
    await chat.api(alice, 'delete', `chat/rooms/${roomId}`).expect(204);
    expect(await bob2.next('room:closed')).toEqual({ roomId, reason: 'deleted' });
    expect(roomEvents(bob2)).toEqual(['message:expired', 'room:closed']);
  });

  it('still hears other rooms', async () => {
    const { bob, carol } = trio;
    await say(carol, roomOf(bob, carol), 'elsewhere');
    await settled(bob2);
    expect(texts(bob2)).toEqual(['elsewhere']);
  });

  it('hears again after a join', async () => {
    const { alice, roomId } = trio;
    await bob2.emit('room:join', { roomId });
    await say(alice, roomId, 'after');
    await settled(bob2);
    expect(texts(bob2)).toEqual(['after']);
  });

  it('hears again from its own send on, which it gets itself', async () => {
    const { alice, bob, roomId } = trio;
    await say(alice, roomId, 'missed');
    await say({ ...bob, client: bob2 }, roomId, 'own');
    await say(alice, roomId, 'after');
    await settled(bob2);
    expect(texts(bob2)).toEqual(['own', 'after']);
  });

  it('keeps the order of its sends when it sends many at once', async () => {
    const { alice, roomId } = trio;
    const sent = ['1', '2', '3', '4', '5'];
    await Promise.all(sent.map((content) => bob2.emit('message:send', { roomId, content })));
    await settled(alice.client);
    expect(texts(alice.client).slice(-5)).toEqual(sent);
  });

  it('does not hear again because its user sends elsewhere', async () => {
    const { bob, roomId } = trio;
    await say(bob, roomId, 'on the other socket');
    await chat.api(bob, 'post', `chat/rooms/${roomId}/messages`).send({ content: 'by REST' }).expect(201);
    await settled(bob2);
    expect(texts(bob2)).toEqual([]);
  });
});

describe('room:leave', () => {
  it('of a room that never was, or is not one’s own, is a success without effect', async () => {
    const { alice, bob, carol, roomId } = trio;
    for (const room of [roomId, 'no room', '__proto__', `u:${bob.id}`]) {
      expect(await carol.client.emit('room:leave', { roomId: room })).toEqual({ success: true });
    }
    await say(alice, roomId, 'hello');
    await settled(carol.client, bob.client);
    expect(roomEvents(carol.client)).toEqual([]);
    expect(texts(bob.client)).toEqual(['hello']);
  });

  it.each([undefined, {}, { roomId: 7 }, { roomId: '' }, { roomId: 'x'.repeat(129) }])(
    'of %p is refused',
    async (payload) => {
      expectRefusal(await trio.alice.client.emit('room:leave', payload), 'ValidationError');
    },
  );

  it('before the room stands does not make deaf to it', async () => {
    const { alice, bob, roomId } = trio;
    await bob.client.emit('room:leave', { roomId });
    await say(alice, roomId, 'hello');
    await settled(bob.client);
    expect(roomEvents(bob.client)).toEqual(['room:created', 'message:new']);
  });
});
