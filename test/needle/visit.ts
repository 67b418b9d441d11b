import { randomBytes } from 'node:crypto';
import { type ClientRequest, request as httpRequest } from 'node:http';
import sharp from 'sharp';
import request, { type Test } from 'supertest';
import { roomOf } from '../support/chat-app';
import { type AckBody, call, TestClient } from '../support/clients';
import { until } from '../support/until';
import type { Needles } from './needles';
import { arrive, type Person } from './people';

/** How long what is sent lives. */
const TTL_S = 4;
/** How long the last of it is waited for: a node that was killed is followed by another within seconds. */
export const EXPIRED_MS = 12_000;
export const SETTINGS = { IMAGE_TTL_MS: '4000', BURN_DELAY_MS: '1000' };

/** Two people use a server in every way there is, and leave a needle by each. */
export class Visit {
  /** Ways of texts that are sent. */
  static readonly SENT = ['socket', 'rest', 'burnread', 'burnunread', 'seen', 'reply'];
  /** Ways of pictures: shown by a message, and by none. */
  static readonly PICTURES = ['pixels', 'unused'];
  /** Ways of texts that were taken back at once: they are nowhere from then on. */
  static readonly TAKEN_BACK = ['old', 'deleted'];
  /** Ways of what anonymous people send. */
  static readonly GHOSTS = ['ghosttext', 'ghostburn', 'caption', 'ghostimage'];
  /** Ways of what stands in records of messages. */
  static readonly TEXTS = [...Visit.SENT, 'edited', 'clientid'];
  /** Ways of what stands in records of accounts. */
  static readonly OWNED = [
    ...['username', 'usernameb', 'email', 'emailb', 'displayname', 'bio', 'status'],
    ...['device', 'city', 'publickey'],
  ];
  private readonly clients: TestClient[] = [];
  private readonly ghosts: TestClient[] = [];
  private unfinished: ClientRequest | undefined;

  private constructor(
    private urls: readonly string[],
    private readonly needles: Needles,
    private readonly alice: Person,
    private readonly bob: Person,
  ) {}

  /** Alice comes to the first of the servers, Bob to the last. Their names are needles, and so are her passwords. */
  static async begin(urls: readonly string[], needles: Needles): Promise<Visit> {
    const [first = '', last = ''] = [urls[0], urls.at(-1)];
    const of = (way: string): string => needles.of(way);
    const alice = await arrive(first, of('username'), `${of('email')}@example.com`, of('password'), 'websocket');
    const bob = await arrive(last, `${of('username')}b`, `${of('email')}b@example.com`, 'correct horse', 'polling');
    const visit = new Visit(urls, needles, alice, bob);
    visit.clients.push(alice.client, bob.client);
    return visit;
  }

  get roomId(): string {
    return roomOf(this.alice, this.bob);
  }

  /** Fills profiles, devices, avatars and public keys. */
  async settle(): Promise<void> {
    const { alice, needles } = this;
    const of = (way: string): string => needles.of(way);
    const profile = { displayName: of('displayname'), bio: of('bio'), status: of('status') };
    await this.api(alice, 'patch', 'users/me').send(profile).expect(200);
    const device = { deviceId: of('device'), location: { city: of('city') } };
    await this.api(alice, 'post', 'users/device').set('User-Agent', of('device')).send(device).expect(200);
    const { body } = await this.api(alice, 'put', 'users/me/avatar')
      .attach('image', await noise(), `${of('filename')}.png`)
      .expect(200);
    needles.addBytes('avatar', await this.fetch(body.avatarUrl as string));
    for (const { client } of [alice, this.bob]) {
      await this.ok(client.emit('room:join', { roomId: this.roomId, publicKey: of('publickey') }));
    }
  }

  /** Sends by every way what is to expire. Gives the bytes under which the picture is stored. */
  async send(): Promise<void> {
    const { alice, bob, roomId, needles } = this;
    const of = (way: string): string => needles.of(way);
    const say = (content: string, more: object = {}): Promise<AckBody> =>
      this.ok(alice.client.emit('message:send', { roomId, content, ttl: TTL_S, ...more }));
    await say(of('socket'), { clientId: of('clientid') });
    await say(of('seen'), { expireFrom: 'seen' });
    const quoted = await say(of('socket'));
    await say(of('reply'), { replyTo: quoted.messageId });
    const old = await say(of('old'));
    await this.ok(alice.client.emit('message:edit', { roomId, messageId: old.messageId, content: of('edited') }));
    await this.ok(bob.client.emit('message:react', { roomId, messageId: old.messageId, emoji: '👍' }));
    const deleted = await say(of('deleted'));
    await this.ok(alice.client.emit('message:delete', { roomId, messageId: deleted.messageId }));
    await this.api(alice, 'post', `chat/rooms/${roomId}/messages`)
      .send({ content: of('rest'), ttl: TTL_S })
      .expect(201);
    await say(of('burnunread'), { burn: true });
    const { messageId } = await say(of('burnread'), { burn: true, ttl: undefined });
    const last = await bob.client.next('message:new', ({ id }) => id === messageId);
    await this.ok(bob.client.emit('message:status', { roomId, upToSeq: last.seq, status: 'seen' }));
    const room = { roomId, ttl: TTL_S };
    const imageUrl = await this.upload('pixels');
    expect(imageUrl).not.toBe(await this.upload('unused'));
    await this.ok(alice.client.emit('message:send', { ...room, imageUrl, content: of('socket') }));
    const revealed = await this.ok(bob.client.emit('message:reveal', { roomId, messageId, revealId: of('revealid') }));
    expect(JSON.stringify(revealed)).toContain(of('burnread'));
  }

  /** Everything that is never to be kept: what is refused, forwarded at once, or a secret. */
  async whisper(): Promise<void> {
    const { alice, bob, roomId, needles } = this;
    const of = (way: string): string => needles.of(way);
    const { client } = alice;
    await this.ok(client.emit('typing:start', { roomId, text: of('typing'), username: of('typing') }));
    client.socket.emit('typing:stop', { roomId, text: of('typing') });
    const bad = [
      of('bad'),
      { roomId: of('bad'), content: of('bad') },
      { roomId, content: [of('bad')] },
      { [of('bad')]: of('bad') },
      { roomId, content: of('bad'), ttl: of('bad') },
    ];
    for (const payload of bad) {
      expect(await client.emit('message:send', payload)).toMatchObject({ success: false });
      client.socket.emit('message:send', payload);
      // The room is that of the address: what the body says of it is dropped.
      const body = Object(payload) === payload ? { ...(payload as object), ttl: of('bad') } : payload;
      await this.api(alice, 'post', `chat/rooms/${roomId}/messages`)
        .type('json')
        .send(JSON.stringify(body))
        .expect(400);
    }
    await client.emit(of('bad'), of('bad'));
    await client.emit('auth:refresh', { token: `${of('token')}.x.y` });
    const url = this.urls[0] ?? '';
    await call(url, `${of('token')}.x.y`, 'get', `/api/auth/me?token=${of('token')}`).expect(401);
    await this.api(alice, 'get', `users/search?q=${of('search')}`).expect(200);
    await this.api(alice, 'get', `users/${of('search')}`).expect(404);
    await expect(TestClient.connect(url, of('token'), { query: { token: of('token') } })).rejects.toThrow('Invalid');
    const login = { email: `${of('email')}@example.com`, password: of('password') };
    const session = await request(url).post('/api/auth/login').send(login).expect(200);
    await request(url)
      .post('/api/auth/login')
      .send({ ...login, password: of('wrongpassword') })
      .expect(401);
    await request(url)
      .post('/api/auth/login')
      .type('json')
      .send(`{"email":"${of('bad')}`)
      .expect(400);
    await call(url, session.body.token as string, 'post', '/api/auth/logout').expect(204);
    const passwords = { currentPassword: of('password'), newPassword: of('newpassword') };
    await this.api(alice, 'post', 'auth/password').send(passwords).expect(204);
    await this.api(bob, 'post', 'images/upload')
      .attach('image', Buffer.from(of('bad')), `${of('filename')}.png`)
      .expect(415);
  }

  /** Begins to upload a file to Alice's server that never ends; `close` breaks it off. */
  beginUpload(text: string): void {
    const { token } = this.alice;
    this.unfinished = httpRequest(`${this.urls[0]}/api/images/upload`, {
      method: 'POST',
      agent: false,
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'multipart/form-data; boundary=x' },
    });
    this.unfinished.on('error', () => undefined);
    const head = 'Content-Disposition: form-data; name="image"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n';
    this.unfinished.write(`--x\r\n${head}${text} ${'-'.repeat(200_000)}`);
  }

  /** Alice's server is gone: she goes on by REST, at Bob's. */
  async loseFirst(): Promise<void> {
    await this.alice.client.closed();
    this.urls = this.urls.slice(-1);
  }

  /** Waits until everything that expires has been told to be gone, to whoever is connected. */
  async expire(): Promise<void> {
    for (const { client } of [this.alice, this.bob].filter(({ client: { socket } }) => socket.connected)) {
      const sent = client.all('message:new').map(({ id }) => id as string);
      await until(() => {
        const gone = new Set(client.all('message:expired').flatMap(({ messageIds }) => messageIds as string[]));
        return sent.length > 0 && sent.every((id) => gone.has(id));
      }, EXPIRED_MS);
    }
  }

  /** Ends both accounts. */
  async erase(): Promise<void> {
    for (const person of [this.alice, this.bob]) {
      await this.api(person, 'delete', 'users/me').expect(204);
      await person.client.closed();
    }
  }

  close(): void {
    this.clients.forEach((client) => client.close());
    this.unfinished?.destroy();
  }

  /** Two people without accounts in a room that only they know. */
  async haunt(): Promise<void> {
    const { needles } = this;
    const of = (way: string): string => needles.of(way);
    const { body } = await request(this.urls[0] ?? '')
      .get('/api/room/new')
      .expect(200);
    const { roomToken } = body as { roomToken: string };
    const ghosts = [of('agent'), of('agentb')];
    for (const [i, agentId] of ghosts.entries()) {
      const client = await TestClient.connect(this.urls.at(-i) ?? '', undefined, {}, '/ghost');
      this.clients.push(client);
      this.ghosts.push(client);
      await this.ok(client.emit('join-room', { roomToken, agentId }));
    }
    const [first] = this.ghosts as [TestClient];
    const sender = of('agent');
    await first.emit('typing', { roomToken, text: of('typing') });
    await this.ok(first.emit('send-message', { roomToken, sender, message: of('ghosttext'), ttl: TTL_S }));
    await this.ok(first.emit('send-message', { roomToken, sender, message: of('ghostburn'), ttl: 0 }));
    const photo = await noise();
    const data = `data:image/png;base64,${photo.toString('base64')}`;
    const size = { size: photo.length, mimeType: 'image/png', dimensions: { width: 64, height: 64 } };
    const imageData = { id: '1', name: of('ghostimage'), data, ...size };
    await this.ok(first.emit('send-image', { roomToken, imageData, caption: of('caption'), sender, ttl: TTL_S }));
    const shown = await first.next('new-message', ({ type }) => type === 'image');
    const { imageUrl } = shown.imageData as { imageUrl: string };
    needles.addBytes('ghostpixels', await this.fetch(`http://x${imageUrl}`));
    await first.emit('send-message', { roomToken, sender: of('bad'), message: [of('bad')] });
  }

  /** Waits until what they sent is gone, and they leave. */
  async exorcise(): Promise<void> {
    for (const ghost of this.ghosts) {
      const sent = (): number => new Set(ghost.all('new-message').map(({ id }) => id)).size;
      await ghost.until(
        () => (ghost.all('message-expired').length >= Math.max(3, sent()) ? true : undefined),
        'message-expired of all',
      );
      ghost.close();
    }
  }

  private async upload(way: string): Promise<string> {
    const { needles } = this;
    const name = `${needles.of('filename')}.png`;
    const photo = sharp(await noise()).withExifMerge({ IFD0: { Copyright: needles.of('metadata') } });
    const { body } = await this.api(this.alice, 'post', 'images/upload')
      .attach('image', await photo.png().toBuffer(), name)
      .expect(200);
    needles.addBytes(way, await this.fetch(body.imageUrl as string));
    await request(this.urls[0] ?? '').get(`/api/images/${body.filename as string}?token=${needles.of('token')}`);
    return body.imageUrl as string;
  }

  /** Bytes of a stored picture by which it is known. */
  private async fetch(link: string): Promise<Buffer> {
    const { pathname, search } = new URL(link);
    const { body } = await request(this.urls[0] ?? '')
      .get(pathname + search)
      .expect(200);
    return (body as Buffer).subarray(64, 256);
  }

  private api(person: Person, method: Parameters<typeof call>[2], path: string): Test {
    const url = person === this.alice ? this.urls[0] : this.urls.at(-1);
    return call(url ?? '', person.token, method, `/api/${path}`);
  }

  private async ok(sent: Promise<AckBody>): Promise<AckBody> {
    const ack = await sent;
    expect(ack).toMatchObject({ success: true });
    return ack;
  }
}

/** A picture that is like no other. */
function noise(): Promise<Buffer> {
  return sharp(randomBytes(64 * 64 * 3), { raw: { width: 64, height: 64, channels: 3 } })
    .png()
    .toBuffer();
}
