import { ChatApp, expectRefusal, roomEvents, roomOf, say, type Trio } from '../support/chat-app';

let chat: ChatApp;
let trio: Trio;

beforeEach(async () => {
  chat = await ChatApp.start();
  trio = await chat.trio();
});

afterEach(() => chat.close());

describe('rooms:join', () => {
  it('joins all rooms of the caller and tells where they are, newest activity first', async () => {
    const { alice, bob, carol, roomId } = trio;
    const other = roomOf(bob, carol);
    await say(alice, roomId, 'one');
    chat.clock.advance(1);
    await say(bob, other, 'two');
    const epochs = await Promise.all(
      [roomId, other].map(async (id) => (await bob.client.emit('room:join', { roomId: id })).epoch),
    );
    const bob2 = await chat.connect(bob);
    expect(await bob2.emit('rooms:join', {})).toEqual({
      success: true,
      rooms: [
        { roomId: other, lastSeq: 1, epoch: epochs[1], unreadCount: 0 },
        { roomId, lastSeq: 1, epoch: epochs[0], unreadCount: 1 },
      ],
    });
    await chat.leave(bob.client);
    const { activeUsers } = await alice.client.emit('room:join', { roomId });
    expect((activeUsers as string[]).sort()).toEqual([alice.id, bob.id].sort());
    expect(await alice.client.emit('rooms:join')).toMatchObject({ rooms: [{ roomId }] });
  });

  it('of somebody without rooms joins none', async () => {
    expect(await trio.carol.client.emit('rooms:join', null)).toEqual({ success: true, rooms: [] });
    expect(roomEvents(trio.carol.client)).toEqual([]);
  });

  it('undoes the leaves of this socket, and of no other', async () => {
    const { alice, bob, roomId } = trio;
    const bob2 = await chat.connect(bob);
    await say(alice, roomId, 'one');
    for (const client of [bob.client, bob2]) {
      await client.emit('room:leave', { roomId });
    }
    await bob2.emit('rooms:join', {});
    await say(alice, roomId, 'two');
    expect(await bob2.next('message:new', ({ content }) => content === 'two')).toBeDefined();
    await bob.client.settle();
    expect(bob.client.all('message:new')).toHaveLength(1);
    await bob2.emit('message:status', { roomId, upToSeq: 2, status: 'delivered' });
    await alice.client.emit('room:leave', { roomId });
    await chat.pass(100_000);
    expect((await chat.api(alice, 'get', `chat/rooms/${roomId}/messages`)).status).toBe(200);
    await chat.leave(bob2);
    await alice.client.next('room:closed');
  });

  it('is not for guests', async () => {
    const guest = await chat.connect(await chat.guest());
    expectRefusal(await guest.emit('rooms:join', {}), 'AuthorizationError');
  });
});
