import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { BuiltServer, buildWhenNeeded } from './support/built-server';
import { register, TestClient } from './support/clients';
import { describeRedis, uniquePrefix } from './support/redis-server';
import { until } from './support/until';

const ENTRY = 'cluster/main.js';
const SETTINGS = { BCRYPT_ROUNDS: '4', RATE_LIMIT_PER_SECOND: '1000', AUTH_RATE_LIMIT_PER_MINUTE: '1000' };
const POLLING = { transports: ['polling'], upgrade: false };
/** Enough for every worker to be asked. */
const CLIENTS = 6;

beforeAll(() => buildWhenNeeded(), 60_000);

describeRedis('a cluster of workers', (redis) => {
  let cluster: BuiltServer;
  let url: string;

  beforeAll(async () => {
    const settings = { ...SETTINGS, REDIS_URL: redis.url, REDIS_PREFIX: uniquePrefix() };
    ({ server: cluster, url } = await BuiltServer.start(settings, ENTRY));
  }, 30_000);

  afterAll(() => cluster.stop());

  it('holds sessions of long polling together whichever worker is asked', async () => {
    const [anna, ben] = [await register(url, 'anna'), await register(url, 'ben')];
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, (_, i) => TestClient.connect(url, (i % 2 ? anna : ben).token, POLLING)),
    );
    const roomId = `dm_${[anna.id, ben.id].sort().join('_')}`;
    const [first] = clients;
    expect(await first?.emit('message:send', { roomId, content: 'to all workers' })).toMatchObject({ success: true });
    for (const client of clients) {
      expect(await client.next('message:new')).toMatchObject({ content: 'to all workers', seq: 1 });
      expect(client.socket.io.engine.transport.name).toBe('polling');
    }
    clients.forEach((client) => client.close());
  });

  it('upgrades a session from polling to WebSocket', async () => {
    const anna = await register(url, 'anna');
    for (let i = 0; i < CLIENTS; i++) {
      const client = await TestClient.connect(url, anna.token, { transports: ['polling', 'websocket'] });
      const { engine } = client.socket.io;
      if (engine.transport.name !== 'websocket') {
        await new Promise((resolve) => engine.once('upgrade', resolve));
      }
      expect(await client.emit('room:leave', { roomId: 'dm_none' })).toMatchObject({ success: true });
      client.close();
    }
  });

  const workers = (): number[] =>
    cluster.log.flatMap((line) => (line.includes('Listening on port') ? [Number(JSON.parse(line).pid)] : []));
  /** Values of a metric that whichever worker is asked tells of all of them, by worker. */
  const metric = async (name: string): Promise<Map<string, number>> => {
    const text = await (await fetch(`${url}/metrics`)).text();
    const [unlabelled] = text.split('\n').filter((line) => /^[^#]/.test(line) && !line.includes('worker="'));
    expect(unlabelled).toBeUndefined();
    expect(text.match(new RegExp(`^# TYPE ${name} `, 'gm'))).toHaveLength(1);
    const values = [...text.matchAll(new RegExp(`^${name}\\{worker="(\\d+)"\\} (\\S+)$`, 'gm'))];
    return new Map(values.map(([, worker = '', value]) => [worker, Number(value)]));
  };
  const sum = (values: Map<string, number>): number => [...values.values()].reduce((total, value) => total + value, 0);

  it('tells the metrics of all workers, whichever is asked', async () => {
    const count = availableParallelism();
    await until(() => workers().length === count, 15_000);
    const anna = await register(url, 'anna');
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => TestClient.connect(url, anna.token)));
    expect(await clients[0]?.emit('typing:stop', { roomId: 'dm_none' })).toMatchObject({ success: true });
    for (let i = 0; i < CLIENTS; i++) {
      const sockets = await metric('mayfly_sockets');
      expect([...sockets.keys()]).toEqual(Array.from({ length: count }, (_, worker) => String(worker)));
      expect(sum(sockets)).toBe(CLIENTS);
    }
    expect(new Set((await metric('process_resident_memory_bytes')).values()).size).toBe(count);
    // What is in Redis every worker tells alike.
    expect(new Set((await metric('mayfly_rooms')).values()).size).toBe(1);
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toMatch(/^mayfly_events_total\{event="typing:stop",outcome="ok",worker="\d+"\} 1$/m);
    expect(text).toMatch(/^mayfly_redis_state\{state="connected",worker="0"\} 1$/m);
    clients.forEach((client) => client.close());
  });

  it('replaces a worker that died', async () => {
    const [victim] = workers();
    const before = workers().length;
    process.kill(Number(victim), 'SIGKILL');
    while (workers().length === before) {
      await sleep(50);
    }
    const anna = await register(url, 'anna');
    const client = await TestClient.connect(url, anna.token);
    expect(client.socket.connected).toBe(true);
    client.close();
    const first = await metric('mayfly_sockets');
    expect(first.size).toBe(before);
    expect([...first.keys()]).toContain(String(before));
  });
});

describeRedis('the end of a cluster', (redis) => {
  it('drains every worker and ends with 0', async () => {
    const settings = { ...SETTINGS, REDIS_URL: redis.url, REDIS_PREFIX: uniquePrefix() };
    const { server, url } = await BuiltServer.start(settings, ENTRY);
    const client = await TestClient.connect(url, (await register(url)).token);
    const closed = client.closed();
    expect(await server.stop()).toBe(0);
    expect(client.all('server:draining')).toHaveLength(1);
    expect(await closed).toMatch(/transport/);
  }, 30_000);
});

describe('a cluster without Redis', () => {
  it('does not start, and says why in one line', async () => {
    await expect(BuiltServer.start({}, ENTRY)).rejects.toThrow(/\nREDIS_URL must be set: [^\n]*$/);
  });
});
