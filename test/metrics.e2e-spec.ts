import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RoomStatistics } from '../src/chat/room-statistics';
import request, { type Response } from 'supertest';
import { ChatApp, roomOf, say } from './support/chat-app';

const DASHBOARD = join(__dirname, '..', 'deploy', 'grafana-dashboard.json');

let chat: ChatApp;

const start = async (settings: Record<string, string> = {}): Promise<void> => {
  chat = await ChatApp.start(settings);
};

afterEach(() => chat.close());

const scrape = async (authorization?: string): Promise<Response> => {
  const call = request(chat.url).get('/metrics');
  return authorization === undefined ? call : call.set('Authorization', authorization);
};

/** The samples of one metric: what stands before the number → the number. */
async function samples(metric: string): Promise<Record<string, number>> {
  const { text } = await scrape();
  const lines = text.split('\n').filter((line) => new RegExp(`^${metric}[{ ]`).test(line));
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(metric.length, at), Number(line.slice(at + 1))];
    }),
  );
}

const value = async (metric: string): Promise<number | undefined> => (await samples(metric))[''];

const open = (): Promise<void> => start();

describe('access to /metrics', () => {
  it('is open without METRICS_TOKEN, and never limited', async () => {
    await start({ RATE_LIMIT_PER_SECOND: '1', RATE_LIMIT_BURST: '1' });
    for (let i = 0; i < 5; i++) {
      const { status, headers } = await scrape();
      expect([status, headers['ratelimit-limit']]).toEqual([200, undefined]);
      expect(headers['content-type']).toBe('text/plain; charset=utf-8; version=0.0.4');
    }
  });

  it('needs that token where it is set, and no other', async () => {
    const METRICS_TOKEN = 'a-token-of-prometheus';
    await start({ METRICS_TOKEN, ADMIN_TOKEN: 'a-token-of-operators' });
    const { token } = await chat.register();
    const wrong = [undefined, '', 'Bearer', 'Bearer ', METRICS_TOKEN, `Basic ${METRICS_TOKEN}`, `Bearer ${token}`];
    const wrongToo = [`Bearer ${METRICS_TOKEN}x`, 'Bearer a', 'Bearer a-token-of-operators'];
    for (const authorization of [...wrong, ...wrongToo]) {
      const { status, body } = await scrape(authorization);
      expect([authorization, status, body.code]).toEqual([authorization, 401, 'AuthenticationError']);
    }
    for (const authorization of [`Bearer ${METRICS_TOKEN}`, `bearer  ${METRICS_TOKEN}`]) {
      expect((await scrape(authorization)).text).toContain('mayfly_sockets 0');
    }
  });
});

describe('/metrics', () => {
  it('counts sockets, connections, rooms, messages and their bytes', async () => {
    await open();
    const { alice, bob, roomId } = await chat.trio();
    await say(alice, roomId, 'one', { ttl: 60 });
    const one = await value('mayfly_message_bytes');
    await say(bob, roomId, 'two '.repeat(500), { ttl: 120 });
    expect(await value('mayfly_sockets')).toBe(3);
    expect(await value('mayfly_connections')).toBe(3);
    expect(await value('mayfly_rooms')).toBe(1);
    expect(await value('mayfly_messages_stored')).toBe(2);
    expect(await value('mayfly_message_bytes')).toBeGreaterThan((one ?? NaN) + 2000);
    await chat.leave(bob.client);
    await chat.pass(60_000);
    expect([await value('mayfly_sockets'), await value('mayfly_messages_stored')]).toEqual([2, 1]);
  });

  it('counts events by known name and outcome, and takes no name from a client', async () => {
    await open();
    const { alice, bob, carol, roomId } = await chat.trio();
    await say(alice, roomId, 'one');
    await say(bob, roomId, 'two');
    await alice.client.emit('message:send', { roomId });
    await carol.client.emit('message:send', { roomId, content: 'three' });
    await carol.client.emit('a needle', {});
    expect(await samples('mayfly_events_total')).toEqual({
      '{event="message:send",outcome="ok"}': 2,
      '{event="message:send",outcome="ValidationError"}': 1,
      '{event="message:send",outcome="NotFoundError"}': 1,
      '{event="unknown",outcome="unknown"}': 1,
    });
    expect((await scrape()).text).not.toContain('needle');
  });

  it('tells how late messages were erased, and how many are overdue', async () => {
    await open();
    const { alice, roomId } = await chat.trio();
    await say(alice, roomId, 'one', { ttl: 60 });
    await say(alice, roomId, 'two', { ttl: 120 });
    chat.clock.advance(60_040);
    await chat.pass(0);
    const lag = 'mayfly_erasure_lag_seconds';
    expect(await samples(`${lag}_count`)).toMatchObject({ '{kind="messages"}': 1 });
    expect(await samples(`${lag}_sum`)).toMatchObject({ '{kind="messages"}': 0.04 });
    expect(await samples(`${lag}_bucket`)).toMatchObject({
      '{le="0.025",kind="messages"}': 0,
      '{le="0.05",kind="messages"}': 1,
    });
    expect(await value('mayfly_overdue_items')).toBe(0);
    chat.stopSweeping();
    chat.clock.advance(60_000);
    expect(await value('mayfly_overdue_items')).toBeGreaterThan(0);
    expect(await samples(`${lag}_count`)).toMatchObject({ '{kind="messages"}': 1 });
  });

  it('counts refusals by bucket', async () => {
    await start({ SOCKET_EVENTS_PER_MINUTE: '1', SOCKET_EVENTS_BURST: '2', AUTH_RATE_LIMIT_PER_MINUTE: '3' });
    const { alice, roomId } = await chat.trio();
    expect(await samples('mayfly_rate_limited_total')).toEqual({});
    for (let i = 0; i < 5; i++) {
      await alice.client.emit('message:send', { roomId, content: 'x' });
    }
    await request(chat.url).post('/api/auth/login').send({}).expect(429);
    expect(await samples('mayfly_rate_limited_total')).toEqual({ '{bucket="create"}': 3, '{bucket="rest-auth"}': 1 });
  });

  it('counts slow readers', async () => {
    await start({ SOCKET_MAX_BUFFERED: '65536', MAX_MESSAGE_LENGTH: '20000' });
    const [alice, bob] = [await chat.person('alice'), await chat.register('bob')];
    const path = `${chat.url}/socket.io/?EIO=4&transport=polling`;
    const { sid } = JSON.parse((await (await fetch(path)).text()).slice(1)) as { sid: string };
    await fetch(`${path}&sid=${sid}`, { method: 'POST', body: `40${JSON.stringify({ token: bob.token })}` });
    await alice.client.next('user:online', ({ userId }) => userId === bob.id);
    expect(await value('mayfly_slow_readers_total')).toBe(0);
    for (let i = 0; i < 6; i++) {
      await say(alice, roomOf(alice, bob), 'x'.repeat(20_000));
    }
    expect(await value('mayfly_slow_readers_total')).toBe(1);
  });

  it('tells of Redis and of the process', async () => {
    await open();
    expect(await samples('mayfly_redis_state')).toEqual({
      '{state="connected"}': 0,
      '{state="disconnected"}': 0,
      '{state="disabled"}': 1,
    });
    expect(await value('process_resident_memory_bytes')).toBeGreaterThan(1e7);
    expect(await value('nodejs_heap_size_used_bytes')).toBeGreaterThan(1e6);
  });

  it('leaves out only what a store does not tell', async () => {
    await open();
    await chat.trio();
    jest.spyOn(chat.get(RoomStatistics), 'totals').mockRejectedValue(new Error('Redis is gone') as never);
    expect([await value('mayfly_rooms'), await value('mayfly_sockets')]).toEqual([NaN, 3]);
  });

  it('is of one application, where several run in a process', async () => {
    await open();
    const other = await ChatApp.start();
    await chat.trio();
    expect(await value('mayfly_sockets')).toBe(3);
    expect((await request(other.url).get('/metrics')).text).toContain('mayfly_sockets 0');
    await other.close();
  });
});

describe('the dashboard', () => {
  it('asks for metrics that there are, and for all of Mayfly', async () => {
    await open();
    const { panels } = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as { panels: { targets: { expr: string }[] }[] };
    const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)).join('\n');
    const asked = new Set(expressions.match(/(mayfly|process|nodejs)_[a-z0-9_]+/g));
    const { text } = await scrape();
    const exported = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
    );
    expect([...asked].filter((name) => !exported.includes(name))).toEqual([]);
    const ours = exported.filter((name) => name.startsWith('mayfly_') && !name.endsWith('_sum'));
    expect(ours.filter((name) => !asked.has(name))).toEqual([]);
  });
});
