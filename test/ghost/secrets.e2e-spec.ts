import { randomBytes } from 'node:crypto';
import request from 'supertest';
import { redisPlaces } from '../needle/places';
import { BuiltServer, buildWhenNeeded } from '../support/built-server';
import { enter, history, whisper } from '../support/ghosts';
import { picture } from '../support/pictures';
import { describeRedis, uniquePrefix } from '../support/redis-server';
import { until } from '../support/until';

const BUILD_MS = 120_000;
const TEST_MS = 60_000;

describeRedis('What opens an anonymous room, or was said in it', (redis) => {
  let server: BuiltServer | undefined;

  beforeAll(() => buildWhenNeeded(), BUILD_MS);

  afterEach(() => server?.stop());

  it(
    'is in no log; its token and keys are in no store, and its texts in none once they are gone',
    async () => {
      const started = await BuiltServer.start({
        REDIS_URL: redis.url,
        REDIS_PREFIX: uniquePrefix(),
        LOG_LEVEL: 'debug',
        BURN_DELAY_MS: '500',
      });
      const { url } = started;
      server = started.server;
      const roomToken = 'QZX-7Q9-ZXQ';
      const text = `needle-${randomBytes(8).toString('hex')}`;
      const stored = async (): Promise<string> =>
        (await redisPlaces(redis.url)).map(({ name, bytes }) => `${name}\n${bytes.toString('latin1')}`).join('\n');

      const one = await enter(url, roomToken, 'Ghost-1');
      const two = await enter(url, roomToken, 'Ghost-2');
      await whisper(one, text, { ttl: 2 });
      await whisper(one, text, { ttl: 0 });
      const data = `data:image/png;base64,${(await picture(8, 8).png().toBuffer()).toString('base64')}`;
      const image = { roomToken, imageData: { name: text, data }, caption: text, sender: 'Ghost-2', ttl: 2 };
      expect(await two.client.emit('send-image', image)).toMatchObject({ success: true });
      await one.client.emit('send-message', { roomToken, message: [text], sender: text });
      const shown = await one.client.next('new-message', ({ type }) => type === 'image');
      const { imageUrl } = shown.imageData as { imageUrl: string };
      await request(url).get(imageUrl).expect(200);
      expect(await history(url, roomToken)).toHaveLength(2);
      await request(url).get(`/api/room/${roomToken}/stats`).expect(200);

      const during = await stored();
      expect(during).toContain(text);
      for (const secret of [roomToken, one.rejoinKey, two.rejoinKey]) {
        expect(during).not.toContain(secret);
      }
      await until(() => one.client.all('message-expired').length === 3, 10_000);
      await request(url).get(imageUrl).expect(404);
      expect(await stored()).not.toContain(text);
      one.client.close();
      two.client.close();
      await until(async () => (await request(url).get(`/api/room/${roomToken}/stats`)).status === 404);
      expect(await server.stop()).toBe(0);
      const log = server.log.join('\n');
      const filename = imageUrl.split('/').at(-1) ?? '';
      const secrets = [roomToken, text, filename, one.rejoinKey, two.rejoinKey, 'Ghost-1'];
      expect(secrets.filter((secret) => log.includes(secret))).toEqual([]);
      expect(log).toContain('/api/room/:token/stats');
    },
    TEST_MS,
  );
});
