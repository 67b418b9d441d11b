import { ChatApp, expectRefusal } from '../support/chat-app';
import { TestClient } from '../support/clients';
import { enter, freshToken, ghostSocket } from '../support/ghosts';
import { RawSocket } from '../support/raw-socket';

let chat: ChatApp;

const start = async (settings: Record<string, string> = {}): Promise<void> => {
  chat = await ChatApp.start(settings);
};

afterEach(() => chat.close());

describe('an anonymous namespace', () => {
  it('lets sockets in without a token, and with any', async () => {
    await start();
    for (const token of [undefined, '', 'made up', 'Bearer x.y.z']) {
      const client = await TestClient.connect(chat.url, token, {}, '/ghost');
      expect(client.socket.connected).toBe(true);
    }
  });

  it('opens no other: neither `/`, nor one that nobody serves', async () => {
    await start();
    await ghostSocket(chat.url);
    for (const namespace of ['/', '/ghost/', '/GHOST', '/ghost2']) {
      await expect(TestClient.connect(chat.url, undefined, {}, namespace)).rejects.toBeInstanceOf(Error);
    }
    const raw = await RawSocket.open(chat.url);
    raw.send('40/ghost,');
    await raw.next((came) => came.startsWith('40/ghost,'));
    raw.send('40');
    expect(await raw.next((came) => came.startsWith('44{'))).toContain('AuthenticationError');
    raw.close();
  });

  it('has an ack for unknown events, and no events of another namespace', async () => {
    await start();
    const client = await ghostSocket(chat.url);
    for (const event of ['nothing', 'message:send', 'room:join', 'auth:refresh']) {
      expectRefusal(await client.emit(event, {}), 'NotFoundError', 'There is no such event');
    }
  });

  it('counts its connections by address', async () => {
    await start({ MAX_SOCKETS_PER_IP: '3' });
    const clients = [await ghostSocket(chat.url), await ghostSocket(chat.url), await ghostSocket(chat.url)];
    await expect(ghostSocket(chat.url)).rejects.toMatchObject({ data: { code: 'CapacityError' } });
    await chat.leave(clients[0] as TestClient);
    await ghostSocket(chat.url);
  });

  it('counts events by socket, and ten times that by address', async () => {
    await start({ SOCKET_EVENTS_PER_MINUTE: '1', SOCKET_EVENTS_BURST: '1' });
    const codes: unknown[] = [];
    for (let i = 0; i < 11; i++) {
      const { client, roomToken, agentId } = await enter(chat.url, freshToken(chat), `Ghost-${i}`);
      const payload = { roomToken, message: 'x', sender: agentId };
      codes.push((await client.emit('send-message', payload)).code);
      expectRefusal(await client.emit('send-message', payload), 'RateLimitError');
    }
    expect(codes).toEqual([...Array<undefined>(10).fill(undefined), 'RateLimitError']);
  });

  it('ends sockets that send junk, after telling them', async () => {
    await start();
    const client = await ghostSocket(chat.url);
    for (let i = 0; i < 40; i++) {
      client.socket.emit('join-room', 'junk');
    }
    expect(await client.closed()).toBe('io server disconnect');
    expect(client.all('error').at(-1)).toMatchObject({ code: 'RateLimitError', event: 'join-room' });
  });
});
