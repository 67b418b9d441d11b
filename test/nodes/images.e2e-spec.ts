import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AttachmentsService } from '../../src/attachments/attachments.service';
import { RoomFeed } from '../../src/chat/engine/room-feed';
import { ExpiryQueue } from '../../src/expiry/expiry-queue';
import { Redis } from '../../src/storage/redis';
import { loadImage, storedFiles, uploadImage } from '../support/chat-images';
import { describeRedis } from '../support/redis-server';
import { until } from '../support/until';
import { type Person, roomOf, say, socketOf, TestNodes, told } from './test-nodes';

const BURN_MS = 1000;
/** What a message with an image is looked after by. */
const CHECK = 'message-image';

describeRedis('Images in messages on two nodes', (server) => {
  let folder: string;
  let nodes: TestNodes;
  let alice: Person;
  let bob: Person;
  let roomId: string;

  beforeEach(async () => {
    folder = join(tmpdir(), `mayfly-shared-${randomUUID()}`);
    nodes = await TestNodes.start(2, server, { UPLOAD_DIR: folder, BURN_DELAY_MS: `${BURN_MS}` });
    [alice, bob] = [await nodes.person('alice', 0), await nodes.person('bob', 1)];
    roomId = roomOf(alice, bob);
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await nodes.close();
    await rm(folder, { recursive: true, force: true });
  });

  const files = (): string[] => storedFiles(folder);
  const load = (node: number, link: unknown, token?: string): Promise<number> =>
    loadImage(nodes.url(node), new URL(String(link), 'http://localhost').href.replace(/^https?:\/\/[^/]+/, ''), token);
  const gone = (): Promise<void> => until(() => files().length === 0);

  async function show(more: object = {}) {
    const image = await uploadImage(nodes.url(0), alice);
    const ack = await say(socketOf(alice), roomId, '', { imageUrl: image.imageUrl, ...more });
    const message = await socketOf(bob).next('message:new', ({ id }) => id === ack.messageId);
    return { ...image, ...ack, message };
  }

  /** Has what looks after the image look now, on whichever node. */
  async function checkNow(key: string): Promise<void> {
    await nodes.get(1, ExpiryQueue).schedule(CHECK, key, Date.now() - 1000);
  }

  /** The keys of what looks after images that were scheduled on the first node from here on. */
  function scheduledChecks(): string[] {
    const keys: string[] = [];
    const queue = nodes.get(0, ExpiryQueue);
    const schedule = queue.schedule.bind(queue);
    jest.spyOn(queue, 'schedule').mockImplementation((kind, key, at) => {
      if (kind === CHECK) {
        keys.push(key);
      }
      return schedule(kind, key, at);
    });
    return keys;
  }

  it('are served by both, to those who may see them, as soon as they are told', async () => {
    const carol = await nodes.person('carol', 1);
    const { filename, message } = await show();
    expect(await Promise.all([load(0, message.imageUrl), load(1, message.imageUrl)])).toEqual([200, 200]);
    const path = `/api/images/${filename}`;
    for (const node of [0, 1]) {
      const statuses = await Promise.all([alice, bob, carol].map(({ token }) => load(node, path, token)));
      expect(statuses).toEqual([200, 200, 404]);
    }
    await socketOf(carol).settle();
    expect(socketOf(carol).all('message:new')).toEqual([]);
    const joined = await socketOf(bob).emit('room:join', { roomId });
    expect(joined.messages).toMatchObject([{ type: 'image', imageUrl: expect.stringContaining(filename) }]);
  });

  it('go from the disk with their message, and nothing of them stays in Redis', async () => {
    const { message } = await show({ ttl: 1 });
    await socketOf(bob).next('message:expired');
    expect(await Promise.all([load(0, message.imageUrl), load(1, message.imageUrl)])).toEqual([404, 404]);
    await gone();
    const redis = nodes.get(0, Redis);
    const keys = await redis.run((client) => client.keys(redis.key('{files}*')));
    expect(keys.filter((key) => !key.endsWith(':sum'))).toEqual([]);
    expect(await redis.run((client) => client.keys(redis.key(`{${roomId}}:img`)))).toEqual([]);
  });

  it('are handed out by a reveal on another node, and burn', async () => {
    const { filename, messageId, message } = await show({ burn: true });
    expect(message).toMatchObject({ concealed: true });
    expect(JSON.stringify(socketOf(bob).received)).not.toContain(filename);
    const path = `/api/images/${filename}`;
    expect(await load(0, path, bob.token)).toBe(404);
    const revealed = await socketOf(bob).emit('message:reveal', { roomId, messageId });
    const { imageUrl } = revealed.message as { imageUrl: string };
    expect(await Promise.all([load(0, imageUrl), load(1, path, bob.token)])).toEqual([200, 200]);
    await socketOf(alice).next('message:expired', ({ reason }) => reason === 'burned');
    expect(await Promise.all([load(0, imageUrl), load(1, path, bob.token)])).toEqual([404, 404]);
    await gone();
  });

  it('go with a room that is wiped on the other node, and with an account', async () => {
    await show();
    await nodes.api(bob, 1, 'delete', `chat/rooms/${roomId}`).expect(204);
    await gone();
    await show();
    await nodes.api(alice, 1, 'delete', 'users/me').expect(204);
    await gone();
  });

  it('of a room of many are for its members on both, and go with it', async () => {
    const carol = await nodes.person('carol', 1);
    const { body } = await nodes.api(alice, 0, 'post', 'chat/rooms').send({ type: 'public', name: 'Gardening' });
    const group = body.roomId as string;
    await nodes.api(bob, 1, 'post', `chat/rooms/${group}/join`).expect(200);
    const { imageUrl, filename } = await uploadImage(nodes.url(0), alice);
    await say(socketOf(alice), group, '', { imageUrl });
    const path = `/api/images/${filename}`;
    expect(await Promise.all([alice, bob, carol].map(({ token }) => load(1, path, token)))).toEqual([200, 200, 404]);
    await nodes.api(alice, 1, 'delete', `chat/rooms/${group}`).expect(204);
    expect(await load(0, path, bob.token)).toBe(404);
    await gone();
  });

  it('are one for a repeat on another node', async () => {
    const { imageUrl, messageId } = await show({ clientId: 'c', ttl: 2 });
    const elsewhere = await nodes.connect(alice, 1);
    const repeat = { roomId, imageUrl, clientId: 'c', ttl: 2 };
    const again = await elsewhere.emit('message:send', repeat);
    expect(again).toMatchObject({ success: true, messageId, duplicate: true });
    await gone();
    expect(await elsewhere.emit('message:send', repeat)).toMatchObject({ success: true, messageId, duplicate: true });
    expect(told(socketOf(bob), 'message:new', roomId)).toHaveLength(1);
  });

  it('go though a node was killed before it had stored the message', async () => {
    const checks = scheduledChecks();
    const append = jest.spyOn(nodes.get(0, RoomFeed), 'append').mockImplementation(() => new Promise(() => undefined));
    const { imageUrl } = await uploadImage(nodes.url(0), alice);
    socketOf(alice).socket.emit('message:send', { roomId, imageUrl, ttl: 600 });
    await until(() => append.mock.calls.length === 1);
    expect(files()).toHaveLength(1);
    await checkNow(checks[0] ?? '');
    await gone();
  });

  it('stay where the message was stored, whatever became of the node', async () => {
    const checks = scheduledChecks();
    const feed = nodes.get(0, RoomFeed);
    const append = feed.append.bind(feed);
    jest.spyOn(feed, 'append').mockImplementation(async (draft, limits) => {
      const appended = await append(draft, limits);
      // Undefined: the room is to be opened first.
      return appended && new Promise(() => undefined);
    });
    const { imageUrl } = await uploadImage(nodes.url(0), alice);
    socketOf(alice).socket.emit('message:send', { roomId, imageUrl, ttl: 2 });
    const message = await socketOf(bob).next('message:new');
    await checkNow(checks[0] ?? '');
    await sleep(300);
    expect(await load(1, message.imageUrl)).toBe(200);
    await gone();
  });

  it('are shown by nobody, and go, though a node was killed before it had released them', async () => {
    const checks = scheduledChecks();
    const { message, filename } = await show();
    const releases = [0, 1].map((node) =>
      jest
        .spyOn(nodes.get(node, AttachmentsService), 'release')
        .mockImplementation(() => Promise.reject(new Error('dead'))),
    );
    await nodes.api(bob, 1, 'delete', `chat/rooms/${roomId}`).expect(204);
    expect(await Promise.all([load(0, message.imageUrl), load(1, message.imageUrl)])).toEqual([404, 404]);
    expect(await load(0, `/api/images/${filename}`, bob.token)).toBe(404);
    expect(files()).toHaveLength(1);
    releases.forEach((release) => release.mockRestore());
    await checkNow(checks[0] ?? '');
    await gone();
  });
});
