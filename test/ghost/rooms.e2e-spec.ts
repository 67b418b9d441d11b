import request from 'supertest';
import { ChatApp, expectRefusal } from '../support/chat-app';
import { until } from '../support/until';
import { enter, enterBy, freshToken, type Ghost, ghostSocket, heard, history, whisper } from '../support/ghosts';

let chat: ChatApp;
let token: string;

const start = async (settings: Record<string, string> = {}): Promise<void> => {
  chat = await ChatApp.start(settings);
  token = freshToken(chat);
};
const join = (agentId: string, more: object = {}): Promise<Ghost> => enter(chat.url, token, agentId, more);
const get = (path: string) => request(chat.url).get(`/api/room/${path}`);
/** From now on the client's connection stands, and nobody answers on it. */
const silence = ({ client }: Ghost): void => {
  jest.spyOn(client.socket.io.engine as unknown as { _sendPacket(): void }, '_sendPacket').mockImplementation();
};

afterEach(() => chat.close());

describe('coming into an anonymous room', () => {
  beforeEach(() => start());

  it('needs no account, tells who is there, and the others who came, once', async () => {
    const one = await join('Ghost-1');
    expect(one.participants).toEqual(['Ghost-1']);
    const two = await join('Ghost-2');
    expect([...two.participants].sort()).toEqual(['Ghost-1', 'Ghost-2']);
    expect(await one.client.next('participant-joined')).toEqual({ agentId: 'Ghost-2' });
    expect(await two.client.next('room-joined')).toEqual({
      roomToken: token,
      participants: two.participants,
      rejoinKey: two.rejoinKey,
    });
    await enterBy(two.client, token, 'Ghost-2');
    await Promise.all([one.client.settle(), two.client.settle()]);
    expect(heard(one)).toEqual([
      ['room-joined', ['Ghost-1']],
      ['participant-joined', 'Ghost-2'],
    ]);
    expect(heard(two).map(([event]) => event)).toEqual(['room-joined', 'room-joined']);
  });

  it('without an ack works as well: the answer is an event', async () => {
    const client = await ghostSocket(chat.url);
    client.socket.emit('join-room', { roomToken: token, agentId: 'Ghost-1' });
    expect(await client.next('room-joined')).toMatchObject({ roomToken: token, participants: ['Ghost-1'] });
  });

  it.each([
    [{}],
    [{ roomToken: 'ABC-123-XYZ' }],
    [{ agentId: 'Ghost-1' }],
    [{ roomToken: 'abc-123-xyz', agentId: 'Ghost-1' }],
    [{ roomToken: 'ABC', agentId: 'Ghost-1' }],
    [{ roomToken: 'ABC--123-XYZ', agentId: 'Ghost-1' }],
    [{ roomToken: '-TEAM-2024', agentId: 'Ghost-1' }],
    [{ roomToken: 'ABC-123-XYZ\n', agentId: 'Ghost-1' }],
    [{ roomToken: 'ABCD-123-XYZ', agentId: 'Ghost-1' }],
    [{ roomToken: 'ABCDEFGHIJ', agentId: 'Ghost-1' }],
    [{ roomToken: ['ABC-123-XYZ'], agentId: 'Ghost-1' }],
    [{ roomToken: 'ABC-123-XYZ', agentId: '' }],
    [{ roomToken: 'ABC-123-XYZ', agentId: '   ' }],
    [{ roomToken: 'ABC-123-XYZ', agentId: 'x'.repeat(33) }],
    [{ roomToken: 'ABC-123-XYZ', agentId: '<b>Ghost</b>' }],
    [{ roomToken: 'ABC-123-XYZ', agentId: 'Gh\u202eost' }],
    [{ roomToken: 'ABC-123-XYZ', agentId: { toString: 'x' } }],
    [{ roomToken: 'ABC-123-XYZ', agentId: 'Ghost-1', rejoinKey: 7 }],
    [null],
    ['ABC-123-XYZ'],
  ])('with %j is refused in the words that pages know', async (payload) => {
    const client = await ghostSocket(chat.url);
    expectRefusal(await client.emit('join-room', payload), 'ValidationError', 'Invalid room token or agent ID');
    client.socket.emit('join-room', payload);
    expect(await client.next('error')).toEqual({
      message: 'Invalid room token or agent ID',
      code: 'ValidationError',
      event: 'join-room',
    });
  });

  it.each(['ABC-123-XYZ', 'A-B-C', 'AB-1-XYZ', 'TEAM-2024', 'TEAM2024', 'A-B-C-D-E-F', '123456', 'ABCDEFGHI'])(
    'takes %s for a token',
    async (roomToken) => {
      expect((await enter(chat.url, roomToken, 'Ghost-1')).participants).toEqual(['Ghost-1']);
    },
  );

  it('takes tokens as they are written: another spelling is another room', async () => {
    await enter(chat.url, 'ABC-123-XYZ', 'Ghost-1');
    expect((await enter(chat.url, 'ABC123XYZ', 'Ghost-2')).participants).toEqual(['Ghost-2']);
  });

  it('takes any printable name', async () => {
    for (const agentId of ['Jos\u00e9, 7:8/9 %{x}', '\u5e7d\u970a', "O'Brien", '👻']) {
      await join(agentId);
    }
    const { participants } = await join('Ghost-1');
    expect(participants).toHaveLength(5);
    expect(participants).toEqual(expect.arrayContaining(['Jos\u00e9, 7:8/9 %{x}', '👻']));
  });

  it('is for twenty rooms a socket, one name in each', async () => {
    const client = await ghostSocket(chat.url);
    for (let i = 0; i < 20; i++) {
      await enterBy(client, freshToken(chat), `Ghost-${i}`);
    }
    const payload = { roomToken: token, agentId: 'Ghost-1' };
    expectRefusal(await client.emit('join-room', payload), 'CapacityError');
    const one = await join('Ghost-1');
    expectRefusal(await one.client.emit('join-room', { ...payload, agentId: 'Ghost-2' }), 'ConflictError');
    expect((await join('Ghost-2')).participants).toHaveLength(2);
  });

  it('of two hundred tells each of them all', async () => {
    await chat.close();
    await start({ MAX_SOCKETS_PER_IP: '300' });
    const ghosts = await Promise.all(Array.from({ length: 200 }, (_, i) => join(`Ghost-${i}`)));
    const late = await join('late');
    expect(new Set(late.participants).size).toBe(201);
    for (const ghost of ghosts) {
      await ghost.client.settle();
      const known = [...ghost.participants, ...ghost.client.all('participant-joined').map(({ agentId }) => agentId)];
      expect(known).toHaveLength(201);
      expect(new Set(known).size).toBe(201);
    }
  });
});

describe('a name in a room', () => {
  beforeEach(() => start());

  it('is not for a second one while the first answers', async () => {
    const one = await join('Ghost-1');
    const thief = await ghostSocket(chat.url);
    for (const more of [{}, { rejoinKey: 'made up' }]) {
      const ack = await thief.emit('join-room', { roomToken: token, agentId: 'Ghost-1', ...more });
      expectRefusal(ack, 'ConflictError', 'Somebody in the room has this name: choose another');
    }
    expectRefusal(
      await thief.emit('send-message', { roomToken: token, message: 'x', sender: 'Ghost-1' }),
      'AuthorizationError',
    );
    await whisper(one, 'still me');
    await thief.settle();
    expect(heard(one)).toEqual([
      ['room-joined', ['Ghost-1']],
      ['new-message', 'still me'],
    ]);
    expect(thief.received).toEqual([]);
    expect((await enterBy(thief, token, 'Ghost-2')).participants).toHaveLength(2);
  });

  it('is taken over with the key, silently, by one socket at a time', async () => {
    const witness = await join('witness');
    const before = await join('Ghost-1');
    const after = await join('Ghost-1', { rejoinKey: before.rejoinKey });
    expect(after.participants).toHaveLength(2);
    expect(after.rejoinKey).not.toBe(before.rejoinKey);
    expectRefusal(
      await before.client.emit('send-message', { roomToken: token, message: 'x', sender: 'Ghost-1' }),
      'AuthorizationError',
    );
    await whisper(after, 'me again');
    await chat.leave(before.client);
    await whisper(after, 'and still');
    await witness.client.settle();
    expect(heard(witness).slice(1)).toEqual([
      ['participant-joined', 'Ghost-1'],
      ['new-message', 'me again'],
      ['new-message', 'and still'],
    ]);
    expect(heard(before).map(([event]) => event)).not.toContain('new-message');
    const again = await ghostSocket(chat.url);
    const stale = { roomToken: token, agentId: 'Ghost-1', rejoinKey: before.rejoinKey };
    expectRefusal(await again.emit('join-room', stale), 'ConflictError');
  });

  it('is taken over without the key where nobody answers any more, after two seconds', async () => {
    const witness = await join('witness');
    const lost = await join('Ghost-1');
    silence(lost);
    const since = chat.clock.now();
    let back: Ghost | undefined;
    const joining = join('Ghost-1').then((ghost) => (back = ghost));
    await until(async () => {
      await chat.pass(100);
      return back !== undefined;
    });
    expect((await joining).participants).toHaveLength(2);
    expect(chat.clock.now() - since).toBeGreaterThanOrEqual(2000);
    await witness.client.settle();
    expect(heard(witness).slice(1)).toEqual([['participant-joined', 'Ghost-1']]);
  });

  it('is free at once when its socket is gone: a reload', async () => {
    const witness = await join('witness');
    const before = await join('Ghost-1');
    await chat.leave(before.client);
    await join('Ghost-1');
    await witness.client.until(() => (witness.client.all('participant-joined')[1] ? true : undefined), 'the return');
    expect(heard(witness).slice(1)).toEqual([
      ['participant-joined', 'Ghost-1'],
      ['participant-left', 'Ghost-1'],
      ['participant-joined', 'Ghost-1'],
    ]);
  });
});

describe('leaving an anonymous room', () => {
  beforeEach(() => start());

  it('is told to the others; of a room one is not in it changes nothing', async () => {
    const [one, two] = [await join('Ghost-1'), await join('Ghost-2')];
    const stranger = await ghostSocket(chat.url);
    expect(await stranger.emit('leave-room', { roomToken: token })).toEqual({ success: true });
    expect(await two.client.emit('leave-room', { roomToken: token })).toEqual({ success: true });
    expect(await two.client.emit('leave-room', { roomToken: token })).toEqual({ success: true });
    await one.client.next('participant-left');
    await whisper(one, 'alone');
    await two.client.settle();
    expect(heard(one).slice(1)).toEqual([
      ['participant-joined', 'Ghost-2'],
      ['participant-left', 'Ghost-2'],
      ['new-message', 'alone'],
    ]);
    expect(heard(two).slice(1)).toEqual([]);
  });

  it('ends the room with the last one, but not while a message lives', async () => {
    const one = await join('Ghost-1');
    await get(`${token}/stats`).expect(200);
    await chat.leave(one.client);
    await get(`${token}/stats`).expect(404);

    const two = await join('Ghost-2');
    await whisper(two, 'for later', { ttl: 60 });
    await chat.leave(two.client);
    expect((await get(`${token}/stats`).expect(200)).body).toEqual({
      roomToken: token,
      participantCount: 0,
      messageCount: 1,
      createdAt: expect.any(String),
    });
    const three = await join('Ghost-3');
    expect(await history(chat.url, token)).toMatchObject([{ message: 'for later' }]);
    await chat.leave(three.client);
    await chat.pass(60_000);
    await get(`${token}/stats`).expect(404);
    expect(await history(chat.url, token)).toEqual([]);
  });
});

describe('the REST of anonymous rooms', () => {
  it('makes tokens that fit and differ, at both addresses', async () => {
    await start();
    const made = new Set<string>();
    for (const prefix of ['', '/ghost']) {
      for (let i = 0; i < 10; i++) {
        const { body } = await request(chat.url).get(`${prefix}/api/room/new`).expect(200);
        expect(body).toEqual({ roomToken: expect.stringMatching(/^[A-Z0-9]{3}-[A-Z0-9]{3}-[A-Z0-9]{3}$/) });
        made.add(body.roomToken as string);
      }
    }
    expect(made.size).toBe(20);
  });

  it('counts who and what is in a room', async () => {
    await start();
    const [one] = [await join('Ghost-1'), await join('Ghost-2')];
    await whisper(one, 'hello');
    const { body } = await get(`${token}/stats`).expect(200);
    expect(body).toMatchObject({ roomToken: token, participantCount: 2, messageCount: 1 });
    expect((await request(chat.url).get('/ghost/api/health').expect(200)).body).toMatchObject({
      status: 'ok',
      activeRooms: 1,
      totalParticipants: 2,
    });
  });

  it('refuses malformed tokens, and says where there is no room', async () => {
    await start();
    for (const path of ['abc/stats', 'abc/messages', 'a%00b/stats', '..%2f..%2fetc/messages']) {
      const { body } = await get(path).expect(400);
      expect(body).toMatchObject({ success: false, code: 'ValidationError', error: 'Invalid room token' });
    }
    expect((await get(`${token}/stats`).expect(404)).body).toMatchObject({ error: 'Room not found' });
    expect(await history(chat.url, token)).toEqual([]);
  });

  it('bounds guesses by address, and tells nothing more once there were too many', async () => {
    await start({ TOKEN_GUESSES_PER_MINUTE: '3' });
    await join('Ghost-1');
    await get(`${token}/stats`).expect(200);
    for (let i = 0; i < 3; i++) {
      await get(`${freshToken(chat)}/stats`).expect(404);
      await get(`${token}/messages`).expect(200);
    }
    const { body, headers } = await get(`${freshToken(chat)}/stats`).expect(429);
    expect(body.code).toBe('RateLimitError');
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    const other = freshToken(chat);
    await enter(chat.url, other, 'Ghost-1');
    await get(`${other}/stats`).expect(429);
    await get(`${other}/messages`).expect(429);
    // Whoever was there already is not shut out.
    await get(`${token}/stats`).expect(200);
    chat.clock.advance(20_000);
    await get(`${other}/stats`).expect(200);
  });

  it('lets everyone of one address load the history of a room that does not stand yet', async () => {
    await start({ TOKEN_GUESSES_PER_MINUTE: '1' });
    for (let i = 0; i < 20; i++) {
      await get(`${token}/messages`).expect(200);
    }
    await get(`${freshToken(chat)}/messages`).expect(429);
  });
});

describe('the caps of anonymous rooms', () => {
  it('count different rooms that one address joins, so that a class comes back together', async () => {
    await start({ GHOST_JOINS_PER_MINUTE: '2' });
    for (let i = 0; i < 10; i++) {
      await join(`Ghost-${i}`);
    }
    await enter(chat.url, freshToken(chat), 'Ghost-1');
    const client = await ghostSocket(chat.url);
    const payload = { roomToken: freshToken(chat), agentId: 'Ghost-1' };
    expectRefusal(await client.emit('join-room', payload), 'RateLimitError');
    expect((await enterBy(client, token, 'one more')).participants).toHaveLength(11);
    chat.clock.advance(60_000);
    await enterBy(client, payload.roomToken, 'Ghost-1');
  });

  it('bound how many stand, and make way again', async () => {
    await start({ MAX_GHOST_ROOMS: '2' });
    const [one] = [await join('Ghost-1'), await enter(chat.url, freshToken(chat), 'Ghost-1')];
    const client = await ghostSocket(chat.url);
    const payload = { roomToken: freshToken(chat), agentId: 'Ghost-1' };
    expectRefusal(
      await client.emit('join-room', payload),
      'CapacityError',
      'There are too many rooms, please try later',
    );
    await chat.leave(one.client);
    chat.clock.advance(1000);
    await enterBy(client, payload.roomToken, 'Ghost-1');
  });
});
