import { Redis } from '../../src/storage/redis';
import type { NewUser } from '../../src/users/user-store';
import { RedisUserStore } from '../../src/users/redis-user.store';
import { type RedisKit, redisKit } from '../support/redis-kit';
import { describeRedis } from '../support/redis-server';
import { userStoreContract } from './user-store.suite';

const PLENTY = 1000;
const HOUR_MS = 3_600_000;

const account = (id: string, username: string): NewUser => ({
  id,
  kind: 'account',
  username,
  email: `${username.toLowerCase()}@example.com`,
  passwordHash: 'hash',
  role: 'user',
  createdAt: 1,
});

describeRedis('UserStore on Redis', (server) => {
  let kit: RedisKit;
  let store: RedisUserStore;

  beforeEach(async () => {
    kit = await redisKit(server);
    store = new RedisUserStore(kit.redis);
  });

  afterEach(() => kit.close());

  userStoreContract(() => store);

  const kept = (): Promise<string[]> => kit.redis.run((client) => client.keys(kit.redis.key('*')));
  const keyOf = (...parts: string[]): string => kit.redis.key(...parts);

  /** A store whose process dies at the n-th step of what it is asked. Gives the number of steps that it took. */
  async function dieAt(step: number, work: (dying: RedisUserStore) => Promise<unknown>): Promise<number> {
    let steps = 0;
    const { redis } = kit;
    const dying = Object.create(redis, {
      run: {
        value: (commands: Parameters<Redis['run']>[0]) =>
          ++steps > step ? Promise.reject(new Error('dead')) : redis.run(commands),
      },
    }) as Redis;
    await work(new RedisUserStore(dying)).catch(() => undefined);
    return steps;
  }

  /** Calls `check` after each possible death. */
  async function afterEveryDeath(
    work: (dying: RedisUserStore) => Promise<unknown>,
    check: () => Promise<void>,
  ): Promise<void> {
    for (let step = 0; ; step++) {
      await kit.redis.run((client) => client.flushdb());
      if ((await dieAt(step, work)) <= step) {
        expect(step).toBeGreaterThan(2);
        return;
      }
      await check();
    }
  }

  /** What was left behind by a process that died a while ago. */
  async function age(): Promise<void> {
    await kit.redis.run(async (client) => {
      for (const key of await client.keys(keyOf('*'))) {
        if ((await client.pttl(key)) > 0) {
          await client.unlink(key);
        } else if ((await client.type(key)) === 'hash' && (await client.hexists(key, 'claimed')) === 1) {
          await client.hset(key, 'claimed', 0);
        }
      }
      for (const id of await client.zrange(keyOf('{users}', 'open'), 0, -1)) {
        await client.zadd(keyOf('{users}', 'open'), Date.now() - HOUR_MS, id);
      }
    });
  }

  it('keeps nothing of users who are gone', async () => {
    await store.create(account('a', 'Alice.B'), PLENTY);
    await store.update('a', { username: 'Alicia', bio: 'x' });
    await store.saveDevice('a', { deviceId: 'd', ip: '::1', userAgent: '', lastSeen: 1 }, 20);
    await store.create({ ...account('g', 'sam'), kind: 'guest', email: undefined, passwordHash: undefined }, PLENTY);
    await store.startErasing('a');
    await store.erase('a');
    await store.erase('g');
    expect(await kept()).toEqual([keyOf('{users}', 'seq')]);
  });

  it('gives the name and address of a creation that died to who wants them later, and counts it no more', async () => {
    await afterEveryDeath(
      (dying) => dying.create(account('dead', 'alice'), PLENTY),
      async () => {
        await age();
        if (await store.find('dead')) {
          // It died when all was done but the index: then it is a user like any other.
          await store.create(account('other', 'bob'), PLENTY);
          expect((await store.search('alice', 10)).map(({ id }) => id)).toEqual(['dead']);
          await store.erase('dead');
          await store.erase('other');
        }
        expect(await store.isNameTaken('alice')).toBe(false);
        await store.create(account('heir', 'alice'), PLENTY);
        expect((await store.list(10, undefined, '')).users.map(({ id }) => id)).toEqual(['heir']);
        expect((await store.search('alice', 10)).map(({ id }) => id)).toEqual(['heir']);
        expect(await store.findByEmail('alice@example.com')).toMatchObject({ id: 'heir' });
        expect(await store.count('account')).toBe(1);
      },
    );
  });

  it('gives the name to nobody while its creation is under way', async () => {
    await afterEveryDeath(
      (dying) => dying.create(account('slow', 'alice'), PLENTY),
      async () => {
        const reserved = (await kept()).some((key) => key.includes('{alice}'));
        const taken = await store.create(account('second', 'alice'), PLENTY).catch((error: { code: string }) => error);
        expect('code' in taken ? taken.code : 'created').toBe(reserved ? 'ConflictError' : 'created');
      },
    );
  });

  it('gives a user one name, and others the rest, when a change of the name died', async () => {
    await afterEveryDeath(
      async (dying) => {
        await store.create({ ...account('alice', 'old_name'), email: 'old@example.com' }, PLENTY);
        await dying.update('alice', { username: 'new_name', email: 'new@example.com' });
      },
      async () => {
        await age();
        const { username, email } = (await store.find('alice')) ?? {};
        expect(['old_name old@example.com', 'new_name new@example.com']).toContain(`${username} ${email}`);
        const free = username === 'old_name' ? 'new_name' : 'old_name';
        // Sees to what was left open, too.
        await store.create(account('heir', free), PLENTY);
        expect(await store.create(account('thief', username ?? ''), PLENTY).catch(codeOf)).toBe('ConflictError');
        expect((await store.search('name', 10)).map(({ id }) => id).sort()).toEqual(['alice', 'heir']);
        expect((await store.search(free.slice(0, 3), 10)).map(({ id }) => id)).toEqual(['heir']);
        expect(await store.findByEmail(email ?? '')).toMatchObject({ id: 'alice' });
      },
    );
  });

  it('ends an erasure that died when it is asked again', async () => {
    await afterEveryDeath(
      async (dying) => {
        await store.create(account('alice', 'alice'), PLENTY);
        await dying.erase('alice');
      },
      async () => {
        await store.erase('alice');
        expect(await kept()).toEqual([keyOf('{users}', 'seq')]);
      },
    );
  });

  it('gives a name to one of many who change theirs to it at once, and keeps one for each', async () => {
    for (let i = 0; i < 10; i++) {
      await store.create(account(`id${i}`, `user${i}`), PLENTY);
    }
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, i) => store.update(`id${i}`, { username: 'wanted' }).catch(codeOf)),
    );
    expect(results.filter((result) => result !== 'ConflictError')).toHaveLength(1);
    const { users } = await store.list(20, undefined, '');
    expect(new Set(users.map(({ username }) => username)).size).toBe(10);
    for (const { id, username } of users) {
      expect(await kit.redis.run((client) => client.get(keyOf('username', `{${username}}`)))).toBe(id);
    }
    expect((await kept()).filter((key) => key.includes(':username:'))).toHaveLength(10);
  });

  it('ends with one name when one user takes several at once', async () => {
    await store.create(account('alice', 'alice'), PLENTY);
    await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) => store.update('alice', { username: `alice_${i}`, bio: `${i}` })),
    );
    const alice = await store.find('alice');
    expect((await kept()).filter((key) => key.includes(':username:'))).toEqual([
      keyOf('username', `{${alice?.username}}`),
    ]);
    const names = await kit.redis.run((client) => client.zrange(keyOf('{users}', 'names'), 0, -1));
    const suffix = alice?.username.split('_')[1];
    expect(names).toHaveLength(suffix === undefined ? 1 : suffix.length < 2 ? 1 : 2);
  });
});

const codeOf = ({ code }: { code: string }): string => code;
