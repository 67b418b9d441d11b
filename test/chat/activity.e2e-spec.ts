import { ChatApp, type Person, say } from '../support/chat-app';
import { type Person as OnNodes, say as sayOn, socketOf, told as toldOn, useNodes } from '../nodes/test-nodes';
import { MembershipStore } from '../../src/chat/engine/membership.store';
import { RoomStore } from '../../src/chat/engine/room.store';
import type { TestClient } from '../support/clients';
import { describeRedis } from '../support/redis-server';
import { until } from '../support/until';

let chat: ChatApp;
let alice: Person;
let bob: Person;
let roomId: string;

const ACTIVITY = 'room:activity';

beforeEach(async () => {
  chat = await ChatApp.start();
  [alice, bob] = [await chat.person('alice'), await chat.person('bob')];
  const { body } = await chat.api(alice, 'post', 'chat/rooms').send({ type: 'public', name: 'Garden' }).expect(201);
  roomId = body.roomId as string;
  await chat.api(bob, 'post', `chat/rooms/${roomId}/join`).expect(200);
});

afterEach(() => chat.close());

async function told(client: TestClient): Promise<unknown[]> {
  await client.settle();
  await client.settle();
  return client.all(ACTIVITY);
}

describe('room:activity', () => {
  it('tells members who have not joined, at once, and the last of a burst a second later', async () => {
    const first = await say(alice, roomId, 'one');
    await bob.client.next(ACTIVITY);
    expect(await told(bob.client)).toEqual([{ roomId, lastSeq: first.seq, unreadCount: 1 }]);
    await say(alice, roomId, 'two');
    const last = await say(alice, roomId, 'three');
    expect(await told(bob.client)).toHaveLength(1);
    await chat.pass(1000);
    await bob.client.next(ACTIVITY, ({ lastSeq }) => lastSeq === last.seq);
    expect(await told(bob.client)).toEqual([expect.anything(), { roomId, lastSeq: last.seq, unreadCount: 3 }]);
    await chat.pass(5000);
    expect(await told(bob.client)).toHaveLength(2);
  });

  it('counts what the member has not seen', async () => {
    const { seq } = await say(alice, roomId, 'one');
    await bob.client.emit('message:status', { roomId, upToSeq: seq, status: 'seen' });
    await chat.pass(1000);
    await say(alice, roomId, 'two');
    await bob.client.next(ACTIVITY, ({ unreadCount, lastSeq }) => unreadCount === 1 && Number(lastSeq) > seq);
    expect(bob.client.all(ACTIVITY).at(-1)).toMatchObject({ unreadCount: 1 });
  });

  it('is not for sockets that joined, nor for strangers, nor told of direct rooms', async () => {
    const [bob2, carol] = [await chat.connect(bob), await chat.person('carol')];
    await bob2.emit('room:join', { roomId });
    await say(alice, roomId, 'one');
    await bob.client.next(ACTIVITY);
    await say(alice, `dm_${[alice.id, carol.id].sort().join('_')}`, 'hello');
    for (const client of [alice.client, bob2, carol.client]) {
      expect(await told(client)).toEqual([]);
    }
  });

  it('comes once where a send is repeated', async () => {
    await say(alice, roomId, 'one', { clientId: 'c' });
    await bob.client.next(ACTIVITY);
    await say(alice, roomId, 'one', { clientId: 'c' });
    await chat.pass(2000);
    expect(await told(bob.client)).toHaveLength(1);
  });

  it('costs nothing for members who are not there, or who listen', async () => {
    const [carol, bob2] = [await chat.register('carol'), await chat.connect(bob)];
    await chat.api(carol, 'post', `chat/rooms/${roomId}/join`).expect(200);
    const [listed, read] = [
      jest.spyOn(chat.get(MembershipStore), 'members'),
      jest.spyOn(chat.get(RoomStore), 'unread'),
    ];
    await say(alice, roomId, 'one');
    await bob.client.next(ACTIVITY);
    expect(read.mock.calls).toEqual([[roomId, [bob.id]]]);
    for (const client of [bob.client, bob2]) {
      await client.emit('room:join', { roomId });
    }
    listed.mockClear();
    await chat.pass(1000);
    await say(alice, roomId, 'two');
    await told(bob.client);
    expect([read.mock.calls.length, listed.mock.calls.length]).toEqual([1, 0]);
  });

  it('comes to who joins the room, or comes back, and to no one who is out', async () => {
    const carol = await chat.person('carol');
    await chat.api(carol, 'post', `chat/rooms/${roomId}/join`).expect(200);
    await chat.leave(bob.client);
    const back = await chat.connect(bob);
    await say(alice, roomId, 'one');
    for (const client of [carol.client, back]) {
      expect(await client.next(ACTIVITY)).toMatchObject({ roomId, unreadCount: 1 });
    }
    await chat.api(bob, 'post', `chat/rooms/${roomId}/leave`).expect(204);
    await chat.api(alice, 'delete', `chat/rooms/${roomId}/members/${carol.id}`).expect(204);
    await chat.pass(1000);
    await say(alice, roomId, 'two');
    await chat.pass(1000);
    expect([(await told(carol.client)).length, (await told(back)).length]).toEqual([1, 1]);
  });
});

describeRedis('room:activity on two nodes', (server) => {
  const nodes = useNodes(server, 2);
  let ann: OnNodes;
  let ben: OnNodes;
  let room: string;

  beforeEach(async () => {
    [ann, ben] = [await nodes().person('ann', 0), await nodes().person('ben', 1, 1)];
    const { body } = await nodes()
      .api(ann, 0, 'post', 'chat/rooms')
      .send({ type: 'public', name: 'Garden' })
      .expect(201);
    room = body.roomId as string;
  });

  const hints = (tab = 0) => toldOn(socketOf(ben, tab), ACTIVITY, room);
  const join = (node: number) => nodes().api(ben, node, 'post', `chat/rooms/${room}/join`).expect(200);

  it.each([0, 1])('tells who joined while connected elsewhere, by node %i', async (node) => {
    await join(node);
    const { seq } = await sayOn(socketOf(ann), room, 'one');
    await until(() => hints().length > 0 && hints(1).length > 0);
    expect(hints()).toEqual([{ roomId: room, lastSeq: seq, unreadCount: 1 }]);
  });

  it('tells the tab that does not listen, and who connects later, and none that is out', async () => {
    await join(0);
    await socketOf(ben, 1).emit('room:join', { roomId: room });
    await sayOn(socketOf(ann), room, 'one');
    await until(() => hints().length > 0);
    const later = await nodes().connect(ben, 0);
    const { seq } = await sayOn(socketOf(ann), room, 'two');
    await until(() => later.all(ACTIVITY).length > 0);
    await until(() => hints().at(-1)?.lastSeq === seq);
    expect(hints(1)).toEqual([]);
    await nodes().api(ann, 0, 'delete', `chat/rooms/${room}/members/${ben.id}`).expect(204);
    const carol = await nodes().person('carol', 1);
    await nodes().api(carol, 1, 'post', `chat/rooms/${room}/join`).expect(200);
    const before = hints().length;
    await sayOn(socketOf(ann), room, 'three');
    await until(() => socketOf(carol).all(ACTIVITY).length > 0);
    await socketOf(ben).settle();
    expect(hints()).toHaveLength(before);
  });
});
