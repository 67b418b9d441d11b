import { FloodGuard } from '../../src/realtime/flood-guard';
import { SessionRegistry } from '../../src/realtime/session-registry';
import { ChatApp, expectRefusal, type Person, roomEvents, roomOf, say } from '../support/chat-app';
import type { Account, TestClient } from '../support/clients';
import { RawSocket, StalledReader } from '../support/raw-socket';
import { until } from '../support/until';

let chat: ChatApp;

const start = async (settings: Record<string, string>): Promise<void> => {
  chat = await ChatApp.start(settings);
};

afterEach(() => chat.close());

/** Connects as often at once; how many were let in, and what the others were told. */
async function connectAll(person: Account, times: number): Promise<{ clients: TestClient[]; refusals: unknown[] }> {
  const attempts = await Promise.allSettled(Array.from({ length: times }, () => chat.connect(person)));
  const clients = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
  const refusals = attempts.flatMap((attempt) => (attempt.status === 'rejected' ? [attempt.reason.data] : []));
  return { clients, refusals };
}

describe('connections', () => {
  it('of a user are limited: the newest is refused, until one goes', async () => {
    await start({ MAX_SOCKETS_PER_USER: '2' });
    const [alice, bob] = [await chat.register('alice'), await chat.register('bob')];
    const [first] = [await chat.connect(alice), await chat.connect(alice)];
    await expect(chat.connect(alice)).rejects.toMatchObject({ data: { code: 'CapacityError' } });
    await chat.connect(bob);
    await chat.leave(first);
    await chat.connect(alice);
  });

  it('of a user are limited when all come at once', async () => {
    await start({ MAX_SOCKETS_PER_USER: '2' });
    const { clients, refusals } = await connectAll(await chat.register('alice'), 6);
    expect(clients).toHaveLength(2);
    expect(refusals).toEqual(Array(4).fill({ code: 'CapacityError' }));
  });

  it('of a user are limited when one connection enters the namespace many times at once', async () => {
    await start({ MAX_SOCKETS_PER_USER: '2' });
    const alice = await chat.register('alice');
    const raw = await RawSocket.open(chat.url);
    for (let i = 0; i < 10; i++) {
      raw.send(`40${JSON.stringify({ token: alice.token })}`);
    }
    await Promise.race([raw.closed, raw.next((packet) => packet.startsWith('42'))]);
    expect(chat.get(SessionRegistry).count(alice.id)).toBeLessThanOrEqual(2);
    raw.close();
  });

  it('of an address are limited, whoever they are', async () => {
    await start({ MAX_SOCKETS_PER_IP: '2' });
    const [alice, bob] = [await chat.person('alice'), await chat.person('bob')];
    const carol = await chat.register('carol');
    await expect(chat.connect(carol)).rejects.toMatchObject({ data: { code: 'CapacityError' } });
    await chat.leave(alice.client);
    const client = await chat.connect(carol);
    await client.settle();
    await bob.client.settle();
  });

  it('that never authenticate are closed, by whatever they said; others stay', async () => {
    await start({ SOCKET_CONNECT_TIMEOUT_MS: '100' });
    const alice = await chat.person('alice');
    const silent = await RawSocket.open(chat.url);
    const refused = await RawSocket.open(chat.url);
    refused.send('40{"token":"x"}');
    const elsewhere = await RawSocket.open(chat.url);
    elsewhere.send('40/nowhere,{}');
    await Promise.all([silent.closed, refused.closed, elsewhere.closed]);
    await alice.client.settle();
  });
});

describe('a connection that is closed', () => {
  it('is gone though its client says no goodbye', async () => {
    await start({ SOCKET_CONNECT_TIMEOUT_MS: '100' });
    // `ws` would wait for half a minute, longer than this test.
    await Promise.all([StalledReader.mute(chat.url), StalledReader.mute(chat.url)]);
  });
});

describe('events that create something', () => {
  beforeEach(() => start({ SOCKET_EVENTS_PER_MINUTE: '60', SOCKET_EVENTS_BURST: '3' }));

  it('are limited by user, over all sockets and REST, and the bucket refills', async () => {
    const [alice, bob] = [await chat.person('alice'), await chat.person('bob')];
    const [second, roomId] = [await chat.connect(alice), roomOf(alice, bob)];
    const send = { roomId, content: 'x' };
    await say(alice, roomId, '1');
    await say({ client: second }, roomId, '2');
    await chat.api(alice, 'post', `chat/rooms/${roomId}/messages`).send({ content: '3' }).expect(201);
    expectRefusal(await alice.client.emit('message:send', send), 'RateLimitError');
    expectRefusal(await second.emit('message:send', send), 'RateLimitError');
    const { headers, body } = await chat.api(alice, 'post', `chat/rooms/${roomId}/messages`).send(send).expect(429);
    expect(headers['retry-after']).toBe('1');
    expect(body).toMatchObject({ code: 'RateLimitError', statusCode: 429 });
    await chat.api(alice, 'post', 'chat/rooms').send({ otherUserId: bob.id }).expect(429);
    await say(bob, roomId, '4');
    chat.clock.advance(1000);
    await say(alice, roomId, '5');
    expectRefusal(await alice.client.emit('message:send', send), 'RateLimitError');
    await bob.client.settle();
    expect(bob.client.all('message:new').map(({ content }) => content)).toEqual(['1', '2', '3', '4', '5']);
  });

  it('that are malformed cost nothing', async () => {
    const [alice, bob] = [await chat.person('alice'), await chat.person('bob')];
    for (let i = 0; i < 5; i++) {
      expectRefusal(await alice.client.emit('message:send', { roomId: 7 }), 'ValidationError');
    }
    await say(alice, roomOf(alice, bob), 'hello');
  });

  it('tell without an ack, too, that there were too many', async () => {
    const [alice, bob] = [await chat.person('alice'), await chat.person('bob')];
    for (let i = 0; i < 4; i++) {
      alice.client.socket.emit('message:send', { roomId: roomOf(alice, bob), content: 'x' });
    }
    expect(await alice.client.next('error')).toMatchObject({ code: 'RateLimitError', event: 'message:send' });
  });
});

describe('other events', () => {
  beforeEach(() => start({ SOCKET_OTHER_EVENTS_PER_MINUTE: '60' }));

  it('have a bucket of their own, of a hundred', async () => {
    const [alice, bob] = [await chat.person('alice'), await chat.person('bob')];
    const roomId = roomOf(alice, bob);
    await Promise.all(Array.from({ length: 100 }, () => alice.client.emit('room:leave', { roomId })));
    expectRefusal(await alice.client.emit('room:leave', { roomId }), 'RateLimitError');
    await say(alice, roomId, 'hello');
    chat.clock.advance(1000);
    expect(await alice.client.emit('room:leave', { roomId })).toEqual({ success: true });
  });

  it('that are signals fail in their ack only', async () => {
    const [alice, bob] = [await chat.person('alice'), await chat.person('bob')];
    const roomId = roomOf(alice, bob);
    await Promise.all(Array.from({ length: 100 }, () => alice.client.emit('typing:start', { roomId })));
    expectRefusal(await alice.client.emit('typing:start', { roomId }), 'RateLimitError');
    alice.client.socket.emit('typing:start', { roomId });
    alice.client.socket.emit('typing:stop', { roomId });
    await alice.client.settle();
    expect(alice.client.all('error')).toEqual([]);
    alice.client.socket.emit('room:join', { roomId });
    expect(await alice.client.next('error')).toMatchObject({ code: 'RateLimitError', event: 'room:join' });
    alice.client.socket.emit('typing:start', { roomId: 7 });
    await alice.client.next('error', ({ code }) => code === 'ValidationError');
    await bob.client.settle();
    expect(roomEvents(bob.client)).toEqual(['typing:indicator']);
  });
});

describe('a connection that floods', () => {
  const FLOOD = 20_000;

  it('is not read for a while, so that others are served; everything is answered in the end', async () => {
    await start({ SOCKET_EVENTS_PER_MINUTE: '6000', SOCKET_EVENTS_BURST: '20' });
    const [alice, bob] = [await chat.person('alice'), await chat.person('bob')];
    let answered = 0;
    for (let i = 0; i < FLOOD; i++) {
      alice.client.socket.emit('no such event', { i }, () => answered++);
    }
    await until(() => chat.get(FloodGuard)['paused'].size === 1);
    for (let i = 0; i < 10; i++) {
      await say(bob, roomOf(alice, bob), 'served');
    }
    expect(answered).toBeLessThan(FLOOD);
    await until(async () => {
      await chat.pass(1000);
      return answered === FLOOD;
    }, 15_000);
    expect(alice.client.all('message:new')).toHaveLength(10);
    expect(alice.client.socket.connected).toBe(true);
  });

  it('has one event a turn handled, however many were read in one go', async () => {
    await start({ SOCKET_EVENTS_BURST: '20' });
    const alice = await chat.person('alice');
    const [socket] = chat.get(SessionRegistry).socketsOf(alice.id);
    let [inThisTurn, inOneTurn, handled] = [0, 0, 0];
    socket?.conn.on('message', () => {
      if (++inThisTurn === 1) {
        setImmediate(() => (inThisTurn = 0));
      }
      // What a client may do at once it may do in one turn; see FloodGuard.
      inOneTurn = ++handled > 600 ? Math.max(inOneTurn, inThisTurn) : 0;
    });
    for (let i = 0; i < 1000; i++) {
      alice.client.socket.emit('no such event', {});
    }
    await until(async () => {
      await chat.pass(1000);
      return handled >= 1000;
    });
    expect(inOneTurn).toBe(1);
  });

  it('is let go when it closes meanwhile', async () => {
    await start({ SOCKET_EVENTS_BURST: '20' });
    const alice = await chat.person('alice');
    for (let i = 0; i < FLOOD; i++) {
      alice.client.socket.emit('no such event', {});
    }
    const [socket] = chat.get(SessionRegistry).socketsOf(alice.id);
    await until(() => chat.get(FloodGuard)['paused'].size === 1);
    socket?.conn.close(true);
    await until(() => chat.get(FloodGuard)['paused'].size === 0);
    await chat.pass(10_000);
  });
});

describe('a connection that floods by long polling', () => {
  const POLLING = { transports: ['polling'], upgrade: false };
  const ROUNDS = 8;
  /** Of one body: as many as are taken at once, and some less. */
  const EACH = 900;
  const paused = (): number => chat.get(FloodGuard)['paused'].size;

  beforeEach(() => start({ SOCKET_EVENTS_PER_MINUTE: '600', SOCKET_EVENTS_BURST: '20' }));

  /** Opens a session as somebody and gives what sends bodies to it. */
  async function session({ token }: Account): Promise<(body: string, signal?: AbortSignal) => Promise<Response>> {
    const path = `${chat.url}/socket.io/?EIO=4&transport=polling`;
    const { sid } = JSON.parse((await (await fetch(path)).text()).slice(1)) as { sid: string };
    const post = (body: string, signal?: AbortSignal): Promise<Response> =>
      fetch(`${path}&sid=${sid}`, { method: 'POST', body, ...(signal && { signal }) });
    await post(`40${JSON.stringify({ token })}`);
    return post;
  }

  const packets = (count: number): string => Array<string>(count).fill('42["no such event",{}]').join('\u001e');
  /** Whether somebody has no socket any more. */
  const isGone = async ({ id }: Account): Promise<void> => until(() => chat.get(SessionRegistry).count(id) === 0);

  it('is not read for a while, so that others are served; everything is answered in the end', async () => {
    const [account, bob] = [await chat.register('alice'), await chat.person('bob')];
    const alice = { ...account, client: await chat.connect(account, POLLING) };
    let answered = 0;
    const flood = async (): Promise<void> => {
      for (let round = 0; round < ROUNDS; round++) {
        const events = Array.from({ length: EACH }, () => alice.client.socket.emitWithAck('no such event', {}));
        await Promise.all(events);
        answered += EACH;
      }
    };
    const flooding = flood();
    await until(() => paused() === 1);
    for (let i = 0; i < 10; i++) {
      await say(bob, roomOf(alice, bob), 'served');
    }
    expect(answered).toBeLessThan(ROUNDS * EACH);
    await until(async () => {
      await chat.pass(5000);
      return answered === ROUNDS * EACH;
    }, 15_000);
    await flooding;
    await alice.client.until(() => alice.client.all('message:new')[9], 'All messages');
    expect(alice.client.socket.connected).toBe(true);
  });

  it('is closed where one body has more than may be taken at once; nobody waits for it', async () => {
    const [alice, bob] = [await chat.register('alice'), await chat.person('bob')];
    for (const body of [packets(1001), Array<string>(4_000_000).fill('3').join('\u001e')]) {
      const post = await session(alice);
      const posting = post(body).catch(() => undefined);
      await say(bob, roomOf(alice, bob), 'served');
      await isGone(alice);
      await posting;
      expect((await post('3')).status).toBe(400);
    }
  });

  it('has one body wait, no more, and is closed when that is broken off', async () => {
    const alice = await chat.register('alice');
    const tooMany = await session(alice);
    expect((await tooMany(packets(1000))).status).toBe(200);
    await until(() => paused() === 1);
    const bodies = [tooMany('3'), tooMany('3'), tooMany('3')].map((body) => body.then(({ status }) => status));
    expect(await Promise.all(bodies)).toEqual([400, 400, 400]);
    await isGone(alice);

    const brokenOff = await session(alice);
    await brokenOff(packets(1000));
    await until(() => paused() === 1);
    const gone = new AbortController();
    const waiting = brokenOff('3', gone.signal).catch(() => undefined);
    await until(() => [...chat.get(FloodGuard)['paused'].values()].some(({ admit }) => admit !== undefined));
    gone.abort();
    await waiting;
    await isGone(alice);
    expect(paused()).toBe(0);
  });

  it('is not read as a WebSocket either, where it becomes one meanwhile', async () => {
    const alice = await chat.register('alice');
    const client = await chat.connect(alice, { transports: ['polling', 'websocket'] });
    const { engine } = client.socket.io;
    await new Promise((resolve) =>
      engine.transport.name === 'websocket' ? resolve(0) : engine.once('upgrade', resolve),
    );
    const [socket] = chat.get(SessionRegistry).socketsOf(alice.id);
    const guard = chat.get(FloodGuard);
    // As if it had been paused while it polled.
    guard['paused'].set(String(socket?.conn['id' as never]), { connection: socket?.conn as never });
    let answered = 0;
    for (let i = 0; i < 20_000; i++) {
      client.socket.emit('no such event', { i }, () => answered++);
    }
    const webSocket = () => (socket?.conn.transport as unknown as { socket?: { isPaused: boolean } }).socket;
    await until(() => webSocket()?.isPaused === true);
    expect(answered).toBeLessThan(20_000);
    await chat.pass(5000);
    await until(() => answered > 0);
  });
});

describe('a reader that does not read', () => {
  /** Far more than the buffers of the system hold. */
  const MOST = 1000;

  beforeEach(() => start({ SOCKET_MAX_BUFFERED: '2097152', MAX_MESSAGE_LENGTH: '20000' }));

  /** Sends to Bob until he has no more than so many sockets; how many messages that took. */
  async function flood(alice: Person, bob: Account, text: string, sockets: number): Promise<number> {
    const sessions = chat.get(SessionRegistry);
    for (let sent = 1; sent <= MOST; sent++) {
      await say(alice, roomOf(alice, bob), text);
      if (sessions.count(bob.id) <= sockets) {
        return sent;
      }
    }
    throw new Error('The connection stayed');
  }

  it('is closed, others hear everything, and it comes back to what it missed', async () => {
    const [alice, bob] = [await chat.person('alice'), await chat.register('bob')];
    const stalled = await StalledReader.connect(chat.url, bob.token);
    const reading = await chat.connect(bob);
    const text = '€'.repeat(20_000);
    const sent = await flood(alice, bob, text, 1);
    expect(await stalled.drain()).toBeLessThan(sent * Buffer.byteLength(text));
    await reading.settle();
    expect(reading.all('message:new')).toHaveLength(sent);
    const back = await chat.connect(bob);
    expect(await back.emit('room:join', { roomId: roomOf(alice, bob) })).toMatchObject({ lastSeq: sent });
  });

  it('is closed when it polls no more, as well', async () => {
    const [alice, bob] = [await chat.person('alice'), await chat.register('bob')];
    const path = `${chat.url}/socket.io/?EIO=4&transport=polling`;
    const { sid } = JSON.parse((await (await fetch(path)).text()).slice(1)) as { sid: string };
    await fetch(`${path}&sid=${sid}`, { method: 'POST', body: `40${JSON.stringify({ token: bob.token })}` });
    await alice.client.next('user:online', ({ userId }) => userId === bob.id);
    expect(await flood(alice, bob, 'x'.repeat(20_000), 0)).toBeLessThan(110);
    expect((await fetch(`${path}&sid=${sid}`)).status).toBe(400);
  });
});
