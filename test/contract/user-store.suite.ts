import type { Awaitable } from '../../src/common/awaitable';
import type { Device, NewUser, UserStore } from '../../src/users/user-store';

const CREATED = Date.UTC(2030, 0, 1);
const PLENTY = 1000;

let made = 0;

/** An account with an id, name and address of its own, unless told. */
function account(changes: Partial<NewUser> = {}): NewUser {
  const id = `id${++made}`;
  return {
    id,
    kind: 'account',
    username: `User_${made}`,
    email: `user${made}@example.com`,
    passwordHash: 'hash',
    role: 'user',
    createdAt: CREATED,
    ...changes,
  };
}

function guest(changes: Partial<NewUser> = {}): NewUser {
  return account({ kind: 'guest', email: undefined, passwordHash: undefined, ...changes });
}

const namesOf = (users: readonly { username: string }[]): string[] => users.map(({ username }) => username);

/** What every driver of `UserStore` promises. */
export function userStoreContract(makeStore: () => Awaitable<UserStore>): void {
  let store: UserStore;

  beforeEach(async () => {
    store = await makeStore();
  });

  const create = async (user: NewUser, most = PLENTY) => store.create(user, most);
  const failure = async (user: NewUser, most = PLENTY): Promise<unknown> =>
    create(user, most).then(
      () => undefined,
      (error: unknown) => error,
    );

  describe('creating', () => {
    it('gives back a frozen record without the password hash', async () => {
      const user = account({ username: 'Alice', email: 'alice@example.com' });
      const record = await create(user);
      const { passwordHash, ...profile } = user;
      expect(record).toEqual({ ...profile, lastSeen: CREATED });
      expect(Object.isFrozen(record)).toBe(true);
      expect(await store.find(user.id)).toEqual(record);
      expect(await store.findPasswordHash(user.id)).toBe(passwordHash);
    });

    it('refuses a name that differs from an account’s in case only', async () => {
      await create(account({ username: 'Alice' }));
      expect(await failure(account({ username: 'aLICE' }))).toMatchObject({ code: 'ConflictError' });
      expect(await failure(guest({ username: 'alice' }))).toMatchObject({ code: 'ConflictError' });
      expect(await store.isNameTaken('ALICE')).toBe(true);
    });

    it('refuses an address that is registered, and keeps nothing of the attempt', async () => {
      await create(account({ email: 'alice@example.com' }));
      const second = account({ username: 'second', email: 'alice@example.com' });
      expect(await failure(second)).toMatchObject({ code: 'ConflictError' });
      expect(await store.find(second.id)).toBeUndefined();
      expect(await store.isNameTaken('second')).toBe(false);
      expect(await store.count('account')).toBe(1);
    });

    it('gives one name to one of many who want it at once', async () => {
      const results = await Promise.all(Array.from({ length: 20 }, () => failure(account({ username: 'wanted' }))));
      expect(results.filter((result) => result === undefined)).toHaveLength(1);
    });

    it('lets guests share a name, which an account may take', async () => {
      await create(guest({ username: 'Sam' }));
      await create(guest({ username: 'Sam' }));
      await create(account({ username: 'Sam' }));
      expect(await store.count('guest')).toBe(2);
    });

    it('refuses more of a kind than there may be, counting the kinds apart', async () => {
      await create(account(), 2);
      await create(account(), 2);
      expect(await failure(account(), 2)).toMatchObject({ code: 'CapacityError' });
      expect(await failure(guest(), 2)).toBeUndefined();
    });
  });

  describe('finding', () => {
    it('finds nothing of who never was', async () => {
      expect(await store.find('nobody')).toBeUndefined();
      expect(await store.findByEmail('nobody@example.com')).toBeUndefined();
      expect(await store.findPasswordHash('nobody')).toBeUndefined();
      expect(await store.update('nobody', { bio: 'x' })).toBeUndefined();
      expect(await store.setPasswordHash('nobody', 'hash')).toBe(false);
      expect(await store.startErasing('nobody')).toBe(false);
      await store.touch('nobody', CREATED);
      await store.erase('nobody');
    });

    it('does not take an empty address or property names of objects for a user', async () => {
      await create(guest());
      expect(await store.findByEmail('')).toBeUndefined();
      expect(await store.find('')).toBeUndefined();
      expect(await store.find('__proto__')).toBeUndefined();
      expect(await store.isNameTaken('constructor')).toBe(false);
    });

    it('finds those of many who exist, in the order asked for', async () => {
      const [a, b] = [account(), guest()];
      await create(a);
      await create(b);
      expect((await store.findMany([b.id, 'nobody', a.id])).map(({ id }) => id)).toEqual([b.id, a.id]);
    });
  });

  describe('changing', () => {
    it('changes what is named, takes away what is null and leaves the rest', async () => {
      const user = account({ username: 'Alice' });
      await create(user);
      await store.update(user.id, { displayName: 'A', bio: 'B' });
      const record = await store.update(user.id, { bio: null, status: 'C', username: undefined });
      expect(record).toMatchObject({ username: 'Alice', displayName: 'A', status: 'C' });
      expect(record).not.toHaveProperty('bio');
      expect(await store.find(user.id)).toEqual(record);
    });

    it('frees the old name and address and claims the new ones', async () => {
      const user = account({ username: 'old_name', email: 'old@example.com' });
      await create(user);
      await store.update(user.id, { username: 'new_name', email: 'new@example.com' });
      expect(await store.isNameTaken('old_name')).toBe(false);
      expect(await store.findByEmail('old@example.com')).toBeUndefined();
      expect(await store.findByEmail('new@example.com')).toMatchObject({ id: user.id });
      expect(namesOf(await store.search('new', 10))).toEqual(['new_name']);
      expect(await store.search('old', 10)).toEqual([]);
    });

    it('lets an account change the case of its own name', async () => {
      const user = account({ username: 'alice' });
      await create(user);
      expect(await store.update(user.id, { username: 'Alice' })).toMatchObject({ username: 'Alice' });
      expect(namesOf(await store.search('al', 10))).toEqual(['Alice']);
    });

    it('refuses a taken name and changes nothing then', async () => {
      const user = account({ username: 'alice' });
      await create(user);
      await create(account({ username: 'bob' }));
      const refused = Promise.resolve().then(() => store.update(user.id, { username: 'BOB', bio: 'x' }));
      await expect(refused).rejects.toMatchObject({ code: 'ConflictError' });
      expect(await store.find(user.id)).toMatchObject({ username: 'alice' });
      expect(await store.find(user.id)).not.toHaveProperty('bio');
    });

    it('replaces a password hash only if it is the expected one', async () => {
      const user = account({ passwordHash: 'first' });
      await create(user);
      expect(await store.setPasswordHash(user.id, 'second', 'other')).toBe(false);
      expect(await store.setPasswordHash(user.id, 'second', 'first')).toBe(true);
      expect(await store.setPasswordHash(user.id, 'third')).toBe(true);
      expect(await store.findPasswordHash(user.id)).toBe('third');
    });

    it('moves the time of last sight on, never back', async () => {
      const user = account();
      await create(user);
      await store.touch(user.id, CREATED + 5000);
      await store.touch(user.id, CREATED + 1000);
      expect(await store.find(user.id)).toMatchObject({ lastSeen: CREATED + 5000 });
    });
  });

  describe('listing', () => {
    it('pages through all accounts but one, in the order of creation, without guests', async () => {
      const users = Array.from({ length: 7 }, () => account());
      for (const user of users) {
        await create(user);
        await create(guest());
      }
      const except = users[3]?.id ?? '';
      const seen: string[] = [];
      let after: string | undefined;
      do {
        const page = await store.list(2, after, except);
        expect(page.users.length).toBeLessThanOrEqual(2);
        seen.push(...page.users.map(({ id }) => id));
        after = page.next;
      } while (after !== undefined);
      expect(seen).toEqual(users.filter(({ id }) => id !== except).map(({ id }) => id));
    });

    it('neither skips nor repeats anyone when the last of a page goes and another is renamed', async () => {
      const users = Array.from({ length: 4 }, () => account());
      for (const user of users) {
        await create(user);
      }
      const first = await store.list(2, undefined, '');
      await store.erase(users[1]?.id ?? '');
      await store.update(users[0]?.id ?? '', { username: 'zzz' });
      const second = await store.list(2, first.next, '');
      expect(second.users.map(({ id }) => id)).toEqual([users[2]?.id, users[3]?.id]);
      expect(second.next).toBeUndefined();
    });

    it('says that there is no next page when only the excepted one is left', async () => {
      const [a, b] = [account(), account()];
      await create(a);
      await create(b);
      expect(await store.list(1, undefined, b.id)).toEqual({ users: [expect.objectContaining({ id: a.id })] });
    });
  });

  describe('searching', () => {
    it('finds accounts by the beginning of a name and of its parts, in any case, each once', async () => {
      for (const username of ['Ann', 'jo_Anna', 'mary-ann.annie', 'Hannah', 'anNN']) {
        await create(account({ username }));
      }
      await create(guest({ username: 'annguest' }));
      expect(namesOf(await store.search('ann', 10)).sort()).toEqual(
        ['Ann', 'anNN', 'jo_Anna', 'mary-ann.annie'].sort(),
      );
      expect(namesOf(await store.search('ann.an', 10))).toEqual(['mary-ann.annie']);
      expect(namesOf(await store.search('nna', 10))).toEqual([]);
    });

    it('gives no more than asked for', async () => {
      for (let i = 0; i < 12; i++) {
        await create(account({ username: `same_same${i}` }));
      }
      expect(new Set(namesOf(await store.search('same', 10))).size).toBe(10);
    });
  });

  describe('devices', () => {
    const device = (deviceId: string, lastSeen: number, more: Partial<Device> = {}): Device => ({
      deviceId,
      ip: '203.0.113.7',
      userAgent: 'Firefox',
      lastSeen,
      ...more,
    });
    const idsOf = async (id: string): Promise<string[]> =>
      (await store.listDevices(id)).map(({ deviceId }) => deviceId);

    it('are listed as they were told last, the last seen first', async () => {
      const [{ id }, { id: other }] = [await create(account()), await create(guest())];
      expect(await store.saveDevice(id, device('phone', 1, { location: { city: 'Berlin' } }), 20)).toEqual(
        device('phone', 1, { location: { city: 'Berlin' } }),
      );
      await store.saveDevice(id, device('__proto__', 2), 20);
      expect(await store.saveDevice(id, device('phone', 3, { ip: '::1' }), 20)).toEqual(
        device('phone', 3, { ip: '::1', location: { city: 'Berlin' } }),
      );
      await store.saveDevice(other, device('phone', 4), 20);
      expect(await store.listDevices(id)).toEqual([
        device('phone', 3, { ip: '::1', location: { city: 'Berlin' } }),
        device('__proto__', 2),
      ]);
      await store.saveDevice(id, device('phone', 5, { location: {} }), 20);
      expect((await store.listDevices(id))[0]?.location).toEqual({});
      expect(Object.isFrozen((await store.listDevices(id))[0])).toBe(true);
    });

    it('are so many at most: the one that was seen longest ago goes', async () => {
      const { id } = await create(account());
      for (let i = 1; i <= 5; i++) {
        await store.saveDevice(id, device(`d${i}`, i, { location: { city: `c${i}` } }), 3);
      }
      expect(await idsOf(id)).toEqual(['d5', 'd4', 'd3']);
      await store.saveDevice(id, device('d3', 6), 3);
      await store.saveDevice(id, device('d1', 7), 3);
      expect(await idsOf(id)).toEqual(['d1', 'd3', 'd5']);
      expect((await store.listDevices(id))[0]?.location).toBeUndefined();
      await Promise.all(Array.from({ length: 10 }, async (_, i) => store.saveDevice(id, device(`x${i}`, 10 + i), 3)));
      expect(await idsOf(id)).toHaveLength(3);
    });

    it('go with their user and are kept of nobody else', async () => {
      const { id } = await create(account());
      await store.saveDevice(id, device('phone', 1), 20);
      await store.startErasing(id);
      expect(await store.listDevices(id)).toEqual([]);
      expect(await store.saveDevice(id, device('phone', 2), 20)).toBeUndefined();
      await store.erase(id);
      expect(await store.saveDevice('nobody', device('phone', 2), 20)).toBeUndefined();
      expect(await store.listDevices('nobody')).toEqual([]);
    });
  });

  describe('erasing', () => {
    it('hides the user at once and keeps name and address taken until the end', async () => {
      const user = account({ username: 'Alice', email: 'alice@example.com' });
      await create(user);
      expect(await store.startErasing(user.id)).toBe(true);
      expect(await store.startErasing(user.id)).toBe(true);
      expect(await store.isErasing(user.id)).toBe(true);
      expect(await store.find(user.id)).toBeUndefined();
      expect(await store.findMany([user.id])).toEqual([]);
      expect(await store.findByEmail('alice@example.com')).toBeUndefined();
      expect(await store.findPasswordHash(user.id)).toBeUndefined();
      expect(await store.update(user.id, { bio: 'x' })).toBeUndefined();
      expect(await store.list(10, undefined, '')).toEqual({ users: [] });
      expect(await store.search('alice', 10)).toEqual([]);
      expect(await failure(account({ username: 'alice' }))).toMatchObject({ code: 'ConflictError' });
      expect(await failure(account({ email: 'alice@example.com' }))).toMatchObject({ code: 'ConflictError' });
    });

    it('frees everything in the end', async () => {
      const user = account({ username: 'Alice', email: 'alice@example.com' });
      await create(user);
      await store.startErasing(user.id);
      await store.erase(user.id);
      expect(await store.isErasing(user.id)).toBe(false);
      expect(await store.startErasing(user.id)).toBe(false);
      expect(await store.count('account')).toBe(0);
      await create(account({ username: 'alice', email: 'alice@example.com' }), 1);
    });

    it('does not take a name from the account that has it when a guest of that name goes', async () => {
      const visitor = guest({ username: 'Sam' });
      await create(visitor);
      await create(account({ username: 'Sam' }));
      await store.erase(visitor.id);
      expect(await store.isNameTaken('sam')).toBe(true);
      expect(await store.count('guest')).toBe(0);
    });
  });
}
