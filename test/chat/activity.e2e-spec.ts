import { ChatApp, type Person, say } from '../support/chat-app';
import type { TestClient } from '../support/clients';

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
});
