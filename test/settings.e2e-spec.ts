import { JwtService } from '@nestjs/jwt';
import sharp from 'sharp';
import { expectError } from './support/accounts-app';
import { ChatApp, expectRefusal, type Person, roomOf, say } from './support/chat-app';
import { call } from './support/clients';
import { picture } from './support/pictures';
import { RawSocket } from './support/raw-socket';
import { describeRedis, uniquePrefix } from './support/redis-server';

let chat: ChatApp;

const start = async (settings: Record<string, string>): Promise<void> => {
  chat = await ChatApp.start(settings);
};

afterEach(() => chat.close());

/** Sends until that is refused; how many were taken. */
async function fill({ client }: Person, roomId: string, content: string): Promise<number> {
  for (let sent = 0; sent < 10_000; sent++) {
    const ack = await client.emit('message:send', { roomId, content, ttl: 1 });
    if (!ack.success) {
      expectRefusal(ack, 'CapacityError');
      return sent;
    }
  }
  throw new Error('Nothing was refused');
}

describe('MESSAGES_MAX_BYTES', () => {
  it('bounds all rooms together; what was accepted stays, and what expires makes room', async () => {
    await start({ MESSAGES_MAX_BYTES: '1048576' });
    const { alice, bob, carol, roomId } = await chat.trio();
    const text = 'x'.repeat(5000);
    const sent = await fill(alice, roomId, text);
    expect(sent * text.length).toBeGreaterThan(900_000);
    expect(sent * text.length).toBeLessThanOrEqual(1_048_576);
    const elsewhere = { roomId: roomOf(bob, carol), content: text };
    expectRefusal(await carol.client.emit('message:send', elsewhere), 'CapacityError');
    const path = `chat/rooms/${roomId}/messages`;
    expectError(await chat.api(alice, 'post', path).send({ content: text }), 503, 'CapacityError');
    expect(await bob.client.emit('room:join', { roomId })).toMatchObject({ lastSeq: sent });
    expect((await chat.api(bob, 'get', `${path}?limit=50`).expect(200)).body.messages).toHaveLength(50);
    await chat.pass(1000);
    await say(carol, elsewhere.roomId, text);
  });
});

describeRedis('MESSAGES_MAX_BYTES on Redis', (server) => {
  it('bounds them as well', async () => {
    const shared = { REDIS_URL: server.url, REDIS_PREFIX: uniquePrefix(), MESSAGES_MAX_BYTES: '1048576' };
    await start(shared);
    const { alice, bob, carol, roomId } = await chat.trio();
    const sent = await fill(alice, roomId, 'x'.repeat(5000));
    expect(sent * 5000).toBeGreaterThan(800_000);
    expect(sent * 5000).toBeLessThanOrEqual(1_048_576 + 5000);
    const elsewhere = { roomId: roomOf(bob, carol), content: 'x' };
    expectRefusal(await carol.client.emit('message:send', elsewhere), 'CapacityError');
  });
});

describe('MAX_ACCOUNTS', () => {
  it('bounds registering, and an account that goes makes room', async () => {
    await start({ MAX_ACCOUNTS: '2' });
    const [alice] = [await chat.register('alice'), await chat.register('bob')];
    const carol = { username: 'carol', email: 'carol@example.com', password: 'correct horse' };
    expectError(await call(chat.url, '', 'post', '/api/auth/register').send(carol), 503, 'CapacityError');
    await chat.api(alice, 'delete', 'users/me').expect(204);
    await call(chat.url, '', 'post', '/api/auth/register').send(carol).expect(201);
  });
});

describe('JSON_BODY_LIMIT', () => {
  it('is the largest body, to the byte', async () => {
    await start({ JSON_BODY_LIMIT: '1024' });
    const body = (bytes: number): string => JSON.stringify({ email: 'x'.repeat(bytes - 12) });
    const post = (bytes: number) => call(chat.url, '', 'post', '/api/auth/login').type('json').send(body(bytes));
    expect(Buffer.byteLength(body(1024))).toBe(1024);
    expectError(await post(1024), 400, 'ValidationError');
    expectError(await post(1025), 413, 'PayloadTooLargeError');
  });
});

describe('frames', () => {
  it('larger than SOCKET_MAX_PAYLOAD end their connection and no other', async () => {
    await start({ SOCKET_MAX_PAYLOAD: '2048' });
    const { alice, bob, roomId } = await chat.trio();
    await say(alice, roomId, 'x'.repeat(1800));
    alice.client.socket.emit('message:send', { roomId, content: 'x'.repeat(2048) });
    expect(await alice.client.closed()).toBe('transport close');
    await bob.client.settle();
    expect(bob.client.all('message:new')).toHaveLength(1);
  });

  it('come at SOCKET_PING_INTERVAL_MS, and who does not answer in SOCKET_PING_TIMEOUT_MS is gone', async () => {
    await start({ SOCKET_PING_INTERVAL_MS: '150', SOCKET_PING_TIMEOUT_MS: '250', SOCKET_CONNECT_TIMEOUT_MS: '60000' });
    const raw = await RawSocket.open(chat.url);
    const opened = JSON.parse((await raw.next((packet) => packet.startsWith('0'))).slice(1)) as object;
    expect(opened).toMatchObject({ pingInterval: 150, pingTimeout: 250 });
    const silent = await RawSocket.open(chat.url);
    silent.send = () => undefined;
    silent.socket.send = () => undefined;
    await silent.closed;
    raw.close();
  });
});

describe('tokens', () => {
  it('name JWT_ISSUER and JWT_AUDIENCE', async () => {
    await start({ JWT_ISSUER: 'here', JWT_AUDIENCE: 'these' });
    const { token } = await chat.register();
    expect(chat.get(JwtService).decode<object>(token)).toMatchObject({ iss: 'here', aud: 'these' });
    await chat.api({ token }, 'get', 'auth/me').expect(200);
  });
});

describe('pictures', () => {
  const upload = async (token: string, bytes: Buffer) =>
    chat.api({ token }, 'post', 'images/upload').attach('image', bytes, 'a.png');

  it('may have MAX_IMAGE_SIZE and fit into IMAGE_MAX_WIDTH × IMAGE_MAX_HEIGHT', async () => {
    await start({ MAX_IMAGE_SIZE: '4096', IMAGE_MAX_WIDTH: '100', IMAGE_MAX_HEIGHT: '50' });
    const { token } = await chat.register();
    const { body } = await upload(token, await picture(200, 40).png().toBuffer());
    expect(body).toMatchObject({ success: true, width: 100, height: 20 });
    expect((await upload(token, await picture(40, 200).png().toBuffer())).body).toMatchObject({
      width: 10,
      height: 50,
    });
    expectError(await upload(token, Buffer.alloc(4097)), 413, 'PayloadTooLargeError');
  });

  it('are stored in IMAGE_QUALITY', async () => {
    const noise = await sharp({
      create: {
        width: 200,
        height: 200,
        channels: 3,
        background: 'white',
        noise: { type: 'gaussian', mean: 128, sigma: 40 },
      },
    })
      .png()
      .toBuffer();
    const sizes: number[] = [];
    for (const IMAGE_QUALITY of ['10', '95']) {
      await start({ IMAGE_QUALITY });
      const { token } = await chat.register();
      const { body } = await upload(token, noise);
      sizes.push(body.size as number);
      if (sizes.length === 1) {
        await chat.close();
      }
    }
    expect(sizes[0] ?? 0).toBeLessThan((sizes[1] ?? 0) / 2);
  });
});
