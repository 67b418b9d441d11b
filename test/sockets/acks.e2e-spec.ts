import { ChatApp, expectRefusal, roomEvents, say, type Trio } from '../support/chat-app';
import type { AckBody, TestClient } from '../support/clients';
import { RawSocket } from '../support/raw-socket';

let chat: ChatApp;
let trio: Trio;

beforeEach(async () => {
  chat = await ChatApp.start();
  trio = await chat.trio();
});

afterEach(() => chat.close());

/** Emits these arguments, then an ack. */
const emitRaw = (client: TestClient, event: string, ...args: unknown[]): Promise<AckBody> =>
  client.socket.timeout(4000).emitWithAck(event, ...args) as Promise<AckBody>;

describe('an ack', () => {
  it('of an event that there is not is a NotFoundError', async () => {
    for (const event of ['no such event', 'connection', 'message:new', '', 'constructor', '__proto__', 'toString']) {
      expectRefusal(await trio.alice.client.emit(event, {}), 'NotFoundError', 'There is no such event');
    }
  });

  it('takes the place of the payload, or comes after more arguments than there should be', async () => {
    const { alice, bob, roomId } = trio;
    expectRefusal(await emitRaw(alice.client, 'message:send'), 'ValidationError');
    const payload = { roomId, content: 'hello' };
    expect(await emitRaw(alice.client, 'message:send', payload, 'extra', [1])).toMatchObject({ success: true });
    expect(await bob.client.next('message:new')).toMatchObject({ content: 'hello' });
  });

  it('names the fields of a payload that is not valid, and echoes nothing of it', async () => {
    const ack = await trio.alice.client.emit('message:send', { roomId: 7, content: ['needle'], ttl: 'needle' });
    expect(ack).toMatchObject({ success: false, code: 'ValidationError' });
    const fields = (ack.details as { field: string }[]).map(({ field }) => field);
    expect(fields.sort()).toEqual(['content', 'roomId', 'ttl']);
    expect(JSON.stringify(ack)).not.toContain('needle');
  });

  it.each([null, 7, 'text', true, [], [{}], ''])('says that %p is no payload', async (payload) => {
    const ack = await trio.alice.client.emit('message:send', payload);
    expect(ack).toMatchObject({ success: false, code: 'ValidationError' });
  });

  it('says so of binary, too', async () => {
    const { alice, roomId } = trio;
    expectRefusal(await alice.client.emit('message:send', Buffer.from('x')), 'ValidationError');
    expectRefusal(await alice.client.emit('message:send', { roomId, content: Buffer.from('x') }), 'ValidationError');
    expectRefusal(await alice.client.emit('room:join', { roomId: new Uint8Array(8) }), 'ValidationError');
  });
});

describe('without an ack', () => {
  it('a failure comes as the event error, to that socket alone', async () => {
    const { alice, carol, roomId } = trio;
    const carol2 = await chat.connect(carol);
    carol.client.socket.emit('room:join', { roomId });
    expect(await carol.client.next('error')).toEqual({
      message: 'There is no such room',
      code: 'NotFoundError',
      event: 'room:join',
    });
    carol.client.socket.emit('message:send', { roomId: 7 });
    await carol.client.next('error', ({ code }) => code === 'ValidationError');
    for (const client of [carol2, alice.client]) {
      await client.settle();
      expect(client.all('error')).toEqual([]);
    }
  });

  it('a success is silent', async () => {
    const { alice, bob, roomId } = trio;
    alice.client.socket.emit('message:send', { roomId, content: 'hello' });
    await bob.client.next('message:new');
    await alice.client.settle();
    expect(roomEvents(alice.client)).toEqual(['message:new']);
  });

  it('an event that there is not is ignored', async () => {
    const { alice } = trio;
    for (const event of ['guest:register', 'presence:online', 'presence:heartbeat', '__proto__']) {
      alice.client.socket.emit(event, {});
    }
    await alice.client.settle();
    expect(roomEvents(alice.client)).toEqual([]);
  });
});

describe('events of one socket', () => {
  it('take effect in the order in which they came; those after a join wait for it', async () => {
    const { alice, bob, roomId } = trio;
    await say(bob, roomId, 'first');
    const acked: string[] = [];
    const emit = async (event: string, payload: object): Promise<AckBody> => {
      const ack = await alice.client.emit(event, { roomId, ...payload });
      acked.push(event);
      return ack;
    };
    const [, joined, , left, , again] = await Promise.all([
      emit('message:send', { content: 'a' }),
      emit('room:join', {}),
      emit('message:status', { upToSeq: 1, status: 'seen' }),
      emit('room:leave', {}),
      emit('message:send', { content: 'b' }),
      emit('room:join', {}),
      emit('typing:start', {}),
    ]);
    expect(acked).toEqual([
      'message:send',
      'room:join',
      'message:status',
      'room:leave',
      'message:send',
      'room:join',
      'typing:start',
    ]);
    expect(joined).toMatchObject({ messages: [{ content: 'first', status: 'sent' }, { content: 'a' }] });
    expect(left).toEqual({ success: true });
    expect(again).toMatchObject({
      messages: [{ content: 'first', status: 'seen' }, { content: 'a' }, { content: 'b' }],
    });
  });

  it('go on after one that was refused', async () => {
    const { alice, carol, roomId } = trio;
    const acks = await Promise.all([
      carol.client.emit('room:join', { roomId }),
      carol.client.emit('message:send', { roomId, content: 'x' }),
      carol.client.emit('room:join', { roomId: `dm_${[alice.id, carol.id].sort().join('_')}` }),
    ]);
    expect(acks.map(({ success }) => success)).toEqual([false, false, true]);
  });
});

describe('bad packets', () => {
  const bad = (client: TestClient) => client.emit('message:send', { roomId: 7 });

  it('end their socket at the fortieth in ten seconds, after it was told; nobody else is hurt', async () => {
    const { alice, bob, roomId } = trio;
    const alice2 = await chat.connect(alice);
    await Promise.all(Array.from({ length: 39 }, () => bad(alice.client)));
    expect(alice.client.socket.connected).toBe(true);
    expectRefusal(await bad(alice.client), 'ValidationError');
    expect(await alice.client.closed()).toBe('io server disconnect');
    expect(alice.client.all('error')).toEqual([expect.objectContaining({ code: 'RateLimitError' })]);
    await say({ client: alice2 }, roomId, 'still here');
    expect(await bob.client.next('message:new')).toMatchObject({ content: 'still here' });
    const again = await chat.connect(alice);
    await say({ client: again }, roomId, 'back');
  });

  it('count without an ack as well', async () => {
    const { alice } = trio;
    for (let i = 0; i < 40; i++) {
      alice.client.socket.emit('room:join', i);
    }
    expect(await alice.client.closed()).toBe('io server disconnect');
    expect(alice.client.all('error')).toHaveLength(41);
  });

  it('do not count when they come slowly: the ten seconds slide', async () => {
    const { alice } = trio;
    for (let round = 0; round < 4; round++) {
      await Promise.all(Array.from({ length: 19 }, () => bad(alice.client)));
      chat.clock.advance(5001);
    }
    await Promise.all(Array.from({ length: 20 }, () => bad(alice.client)));
    await alice.client.settle();
    await bad(alice.client);
    expect(await alice.client.closed()).toBe('io server disconnect');
  });

  it('are not what is refused for other reasons', async () => {
    const { carol, roomId } = trio;
    await Promise.all(Array.from({ length: 60 }, () => carol.client.emit('room:join', { roomId })));
    await carol.client.settle();
    expect(carol.client.socket.connected).toBe(true);
  });

  it('of a socket that is ended take no effect any more', async () => {
    const { alice, bob, roomId } = trio;
    for (let i = 0; i < 40; i++) {
      alice.client.socket.emit('room:join', i);
    }
    alice.client.socket.emit('message:send', { roomId, content: 'too late' });
    await alice.client.closed();
    await bob.client.settle();
    expect(roomEvents(bob.client)).toEqual([]);
  });
});

describe('an event name', () => {
  it('that is `error`, a number or nonsense ends nothing', async () => {
    const { alice } = trio;
    const raw = await RawSocket.connect(chat.url, alice.token);
    const packets = ['42["error",{}]', '42["error"]', '42[7,{}]', '42[-1]', '42[""]', '42["\\ud800"]', '42'];
    packets.forEach((packet) => raw.send(packet));
    raw.send('421[7,{}]');
    expect(await raw.next((packet) => packet.startsWith('431'))).toContain('NotFoundError');
    raw.send('422["error",{}]');
    expect(await raw.next((packet) => packet.startsWith('432'))).toContain('NotFoundError');
    raw.close();
    await alice.client.settle();
  });

  it.each(['42["disconnect"]', '42["connect"]', '42["newListener",1]', '42[null]', '42[{}]', '42[]', '42{}', '4'])(
    'as in %s ends that connection alone',
    async (packet) => {
      const { alice } = trio;
      const raw = await RawSocket.connect(chat.url, alice.token);
      raw.send(packet);
      await raw.closed;
      await alice.client.settle();
    },
  );
});
