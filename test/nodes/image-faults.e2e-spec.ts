import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BuiltServer, buildWhenNeeded } from '../support/built-server';
import { loadImage, storedFiles, uploadImage } from '../support/chat-images';
import { register, TestClient } from '../support/clients';
import { describeRedis, uniquePrefix } from '../support/redis-server';
import { until } from '../support/until';
import { roomOf } from './test-nodes';

const TTL_S = 4;
const SETTINGS = {
  JWT_SECRET: 'a secret of the fault tests, 32 characters or more',
  BCRYPT_ROUNDS: '4',
  SEED_DEMO_USERS: 'false',
  RATE_LIMIT_PER_SECOND: '10000',
  AUTH_RATE_LIMIT_PER_MINUTE: '10000',
  UPLOADS_PER_MINUTE: '10000',
  SOCKET_EVENTS_PER_MINUTE: '1000000',
  SOCKET_EVENTS_BURST: '100000',
  IMAGE_TTL_MS: `${TTL_S * 1000}`,
};
const BUILD_MS = 120_000;
/** What was uploaded, sent or under way is gone by then: its lifetime, and that of a dead node's leases. */
const GONE_MS = 20_000;

beforeAll(() => buildWhenNeeded(), BUILD_MS);

describeRedis('Images of a node that is killed', (redis) => {
  it('go from the disk as those of the living do, and what was acked is shown until then', async () => {
    const folder = join(tmpdir(), `mayfly-shared-${randomUUID()}`);
    const settings = { ...SETTINGS, REDIS_URL: redis.url, REDIS_PREFIX: uniquePrefix(), UPLOAD_DIR: folder };
    const [living, killed] = await Promise.all([BuiltServer.start(settings), BuiltServer.start(settings)]);
    const [alice, bob] = [await register(living.url, 'alice'), await register(killed.url, 'bob')];
    const roomId = roomOf(alice, bob);
    const clients = [
      await TestClient.connect(living.url, alice.token),
      await TestClient.connect(killed.url, bob.token),
    ];
    const [atLiving, atKilled] = clients as [TestClient, TestClient];
    const acked: string[] = [];
    /** Sends one uploaded image again and again, so that some send is in its middle at any time. */
    const flood = async (): Promise<void> => {
      while (atKilled.socket.connected) {
        const { imageUrl } = await uploadImage(killed.url, bob);
        for (let i = 0; i < 20 && atKilled.socket.connected; i++) {
          const ack = await atKilled.emit('message:send', { roomId, imageUrl, ttl: TTL_S });
          if (ack.success) {
            acked.push(ack.messageId as string);
          }
        }
      }
    };
    const floods = Promise.allSettled(Array.from({ length: 4 }, flood));
    await until(() => acked.length > 40, 10_000);
    killed.server.kill('SIGKILL');
    const last = acked.at(-1);
    const message = await atLiving.next('message:new', ({ id }) => id === last);
    const link = new URL(String(message.imageUrl));
    expect(await loadImage(living.url, link.pathname + link.search)).toBe(200);
    expect(storedFiles(folder).length).toBeGreaterThan(0);
    await until(() => storedFiles(folder).length === 0, GONE_MS);
    expect(await loadImage(living.url, link.pathname + link.search)).toBe(404);
    clients.forEach((client) => client.close());
    await floods;
    await Promise.all([living.server.stop(), killed.server.stop()]);
    await rm(folder, { recursive: true, force: true });
  }, 60_000);
});
