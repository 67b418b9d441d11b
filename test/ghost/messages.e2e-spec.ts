import { ChatApp, expectRefusal } from '../support/chat-app';
import { enter, enterBy, freshToken, type Ghost, ghostSocket, heard, history, whisper } from '../support/ghosts';

const DAY_S = 86_400;

let chat: ChatApp;
let token: string;
let one: Ghost;
let two: Ghost;
let stranger: Ghost;

const start = async (settings: Record<string, string> = {}): Promise<void> => {
  chat = await ChatApp.start(settings);
  token = freshToken(chat);
  one = await enter(chat.url, token, 'Ghost-1');
  two = await enter(chat.url, token, 'Ghost-2');
  stranger = await enter(chat.url, freshToken(chat), 'Ghost-1');
  for (const { client } of [one, two, stranger]) {
    await client.settle();
    client.received.length = 0;
  }
};

afterEach(() => chat.close());

describe('a text in an anonymous room', () => {
  beforeEach(() => start());

  it('comes to everyone in it, its sender too, and to nobody else', async () => {
    const id = await whisper(one, 'aGVsbG8=');
    const expected = {
      id,
      type: 'text',
      message: 'aGVsbG8=',
      sender: 'Ghost-1',
      timestamp: chat.iso(),
      ttl: DAY_S,
      roomToken: token,
    };
    expect(await one.client.next('new-message')).toEqual(expected);
    expect(await two.client.next('new-message')).toEqual(expected);
    expect(await history(chat.url, token)).toEqual([expected]);
    await stranger.client.settle();
    expect(stranger.client.received).toEqual([]);
  });

  it('is opaque: it is not touched in any way', async () => {
    const text = ' \r\n\u0007<b>&amp;</b>\u0301e \u{1f47b} ';
    await whisper(one, text);
    expect(await two.client.next('new-message')).toMatchObject({ message: text });
    expect(await history(chat.url, token)).toMatchObject([{ message: text }]);
  });

  it('may have twenty thousand characters', async () => {
    const longest = '\u{1f47b}'.repeat(20_000);
    await whisper(one, longest);
    expect(await two.client.next('new-message')).toMatchObject({ message: longest });
    const payload = { roomToken: token, message: `${longest}x`, sender: 'Ghost-1' };
    expectRefusal(await one.client.emit('send-message', payload), 'ValidationError');
  });

  it.each([
    ['no text', { message: undefined }],
    ['an empty text', { message: '' }],
    ['a number for a text', { message: 7 }],
    ['a list for a text', { message: ['x'] }],
    ['no sender', { sender: undefined }],
    ['a sender that is no name', { sender: '<i>' }],
    ['no room', { roomToken: undefined }],
    ['a token that is none', { roomToken: 'x' }],
    ['a lifetime below zero', { ttl: -1 }],
    ['a lifetime that is too long', { ttl: 7 * DAY_S + 1 }],
    ['half a second', { ttl: 0.5 }],
    ['a lifetime that is no number', { ttl: '0x10' }],
    ['an exponent', { ttl: '1e3' }],
    ['infinity', { ttl: Infinity }],
  ])('with %s is refused, and the socket is told', async (_what, changes) => {
    const payload = { roomToken: token, message: 'x', sender: 'Ghost-1', ...changes };
    if (!('ttl' in changes && changes.ttl === Infinity)) {
      expectRefusal(await one.client.emit('send-message', payload), 'ValidationError');
      one.client.socket.emit('send-message', payload);
      expect(await one.client.next('error')).toMatchObject({ code: 'ValidationError', event: 'send-message' });
    }
    await two.client.settle();
    expect(two.client.received).toEqual([]);
  });

  it('is only for who is in the room, under their own name', async () => {
    const payload = { roomToken: token, message: 'x', sender: 'Ghost-1' };
    expectRefusal(await two.client.emit('send-message', payload), 'AuthorizationError');
    expectRefusal(await stranger.client.emit('send-message', payload), 'AuthorizationError', 'Join the room first');
    const outside = await ghostSocket(chat.url);
    for (const event of ['send-message', 'typing']) {
      expectRefusal(await outside.emit(event, payload), 'AuthorizationError', 'Join the room first');
    }
    // What pages send when a timer ends must not become an error after they have left.
    expect(await outside.emit('stopped-typing', payload)).toEqual({ success: true });
    await one.client.emit('leave-room', { roomToken: token });
    expectRefusal(await one.client.emit('send-message', payload), 'AuthorizationError');
    expect(await history(chat.url, token)).toEqual([]);
  });

  it.each([
    [1, 1],
    ['60', 60],
    [7 * DAY_S, 7 * DAY_S],
  ])('with ttl %j is gone after so many seconds, and that is told', async (ttl, seconds) => {
    const id = await whisper(one, 'soon gone', { ttl });
    expect(await two.client.next('new-message')).toMatchObject({ ttl: seconds });
    await chat.pass(seconds * 1000 - 1);
    expect(await history(chat.url, token)).toHaveLength(1);
    await chat.pass(1);
    expect(await two.client.next('message-expired')).toEqual({ messageId: id });
    expect(await one.client.next('message-expired')).toEqual({ messageId: id });
    expect(await history(chat.url, token)).toEqual([]);
  });

  it('is served by no path once its time has come, swept or not', async () => {
    await whisper(one, 'the needle', { ttl: 5 });
    chat.stopSweeping();
    chat.clock.advance(5000);
    expect(await history(chat.url, token)).toEqual([]);
    const late = await enter(chat.url, token, 'late');
    await late.client.settle();
    expect(JSON.stringify(late.client.received)).not.toContain('the needle');
  });

  it('is in the history with the newest five hundred, ascending', async () => {
    for (let i = 0; i < 505; i++) {
      await whisper(one, `message ${i}`);
    }
    const texts = (await history(chat.url, token)).map(({ message }) => message);
    expect(texts).toEqual(Array.from({ length: 500 }, (_, i) => `message ${i + 5}`));
  });

  it('is not given to a socket twice: the join tells none, the history tells all', async () => {
    await whisper(one, 'before');
    const late = await enter(chat.url, token, 'late');
    await whisper(one, 'after');
    await late.client.next('new-message');
    await late.client.settle();
    expect(heard(late).slice(1)).toEqual([['new-message', 'after']]);
  });

  it('that is sent a thousand times is refused, by socket', async () => {
    await chat.close();
    await start({ SOCKET_EVENTS_PER_MINUTE: '60', SOCKET_EVENTS_BURST: '5' });
    const send = async (ghost: Ghost): Promise<unknown> =>
      (await ghost.client.emit('send-message', { roomToken: token, message: 'x', sender: ghost.agentId })).code;
    const codes: unknown[] = [];
    for (let i = 0; i < 7; i++) {
      codes.push(await send(one));
    }
    expect(codes).toEqual([...Array<undefined>(5).fill(undefined), 'RateLimitError', 'RateLimitError']);
    expect(await send(two)).toBeUndefined();
  });
});

describe('typing in an anonymous room', () => {
  beforeEach(() => start());

  const typing = (ghost: Ghost, event = 'typing') => ghost.client.emit(event, { roomToken: token });

  it('is told to the others once, and ends by itself', async () => {
    for (let i = 0; i < 3; i++) {
      expect(await typing(one)).toEqual({ success: true });
    }
    await chat.pass(2999);
    await two.client.settle();
    expect(heard(two)).toEqual([['user-typing', 'Ghost-1']]);
    await chat.pass(1);
    expect(await two.client.next('user-stopped-typing')).toEqual({ agentId: 'Ghost-1' });
    await Promise.all([one.client.settle(), stranger.client.settle()]);
    expect([one.client.received, stranger.client.received]).toEqual([[], []]);
  });

  it.each([
    ['a stop', async () => typing(one, 'stopped-typing')],
    ['a message', async () => whisper(one, 'x')],
    ['leaving', async () => one.client.emit('leave-room', { roomToken: token })],
    ['the end of the connection', async () => chat.leave(one.client)],
  ])('ends with %s', async (_how, end) => {
    await typing(one);
    await end();
    expect(await two.client.next('user-stopped-typing')).toEqual({ agentId: 'Ghost-1' });
    await chat.pass(3000);
    await two.client.settle();
    expect(two.client.all('user-stopped-typing')).toHaveLength(1);
  });

  it('is kept apart by room', async () => {
    await enterBy(one.client, stranger.roomToken, 'elsewhere');
    await one.client.emit('typing', { roomToken: stranger.roomToken });
    await Promise.all([two.client.settle(), stranger.client.settle()]);
    expect(heard(two)).toEqual([]);
    expect(heard(stranger)).toEqual([
      ['participant-joined', 'elsewhere'],
      ['user-typing', 'elsewhere'],
    ]);
  });
});
