import { ChatApp, roomOf, say } from '../support/chat-app';

let chat: ChatApp;

beforeEach(async () => {
  chat = await ChatApp.start();
});

afterEach(() => chat.close());

it('a client that polls sends and hears like any other', async () => {
  const [alice, bob] = [await chat.person('alice'), await chat.register('bob')];
  const polling = await chat.connect(bob, { transports: ['polling'] });
  const roomId = roomOf(alice, bob);
  await say(alice, roomId, 'to a poller');
  expect(await polling.next('message:new')).toMatchObject({ content: 'to a poller' });
  await say({ client: polling }, roomId, 'from a poller');
  await alice.client.next('message:new', ({ content }) => content === 'from a poller');
  expect(polling.socket.io.engine.transport.name).toBe('polling');
});

it('a client that begins by polling is upgraded, and loses and doubles nothing on the way', async () => {
  const [alice, bob] = [await chat.person('alice'), await chat.register('bob')];
  const roomId = roomOf(alice, bob);
  let last = 0;
  let upgraded = false;
  const talk = async (): Promise<void> => {
    do {
      await say(alice, roomId, `${++last}`);
    } while (!upgraded);
  };
  const talking = talk();
  const client = await chat.connect(bob, { transports: ['polling', 'websocket'] });
  while (client.socket.io.engine.transport.name !== 'websocket') {
    await client.settle();
  }
  upgraded = true;
  await talking;
  await client.next('message:new', ({ seq }) => seq === last);
  const seqs = client.all('message:new').map(({ seq }) => seq as number);
  const [first = 0] = seqs;
  expect(seqs).toEqual(Array.from({ length: last - first + 1 }, (_, i) => first + i));
});
