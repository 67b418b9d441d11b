import { Logger } from '@nestjs/common';
import { accounts } from '../../test/support/accounts';
import type { UserRecord } from './user-store';

Logger.overrideLogger(false);

let kit: ReturnType<typeof accounts>;

beforeEach(() => {
  kit = accounts();
});

const create = async (username: string): Promise<UserRecord> =>
  kit.users.createAccount({ username, email: `${username}@example.com`.toLowerCase(), passwordHash: 'hash' });

const namesOf = (users: readonly UserRecord[]): string[] => users.map(({ username }) => username);

describe('searching', () => {
  it('finds names by their beginning and addresses as a whole, never oneself', async () => {
    const alice = await create('Alice');
    await create('bob_alison');
    expect(namesOf(await kit.users.search(alice.id, 'ALI'))).toEqual(['bob_alison']);
    expect(namesOf(await kit.users.search('other', 'Alice@Example.com'))).toEqual(['Alice']);
    expect(await kit.users.search('other', 'alice@example')).toEqual([]);
    expect(await kit.users.search('other', 'a')).toEqual([]);
    expect(await kit.users.search('other', '')).toEqual([]);
  });

  it('gives fifty at most, oneself not among those counted', async () => {
    const first = await create('same0');
    for (let i = 1; i <= 60; i++) {
      await create(`same${i}`);
    }
    const found = await kit.users.search(first.id, 'same');
    expect(found).toHaveLength(50);
    expect(namesOf(found)).not.toContain('same0');
  });
});

describe('listing', () => {
  it('goes on where the cursor says', async () => {
    for (const name of ['alice', 'bob', 'carol']) {
      await create(name);
    }
    const first = await kit.users.list('nobody', 2);
    expect(namesOf(first.users)).toEqual(['alice', 'bob']);
    const second = await kit.users.list('nobody', 2, first.nextCursor ?? '');
    expect(second).toEqual({ users: [expect.objectContaining({ username: 'carol' })], nextCursor: null });
  });

  it.each(['', '2', 'Mg', 'Mg.', 'Mg.AAAAAAAAAAAAAAAA', 'x'.repeat(500), '.', '\u0000'])(
    'refuses the made-up cursor %j',
    async (cursor) => {
      await expect(kit.users.list('nobody', 2, cursor)).rejects.toMatchObject({ code: 'ValidationError' });
    },
  );
});

describe('erasing', () => {
  it('hides the user, ends access, then erases what they own, then the user', async () => {
    const alice = await create('alice');
    const steps: string[] = [];
    const note = (step: string) => async (userId: string) => {
      expect(userId).toBe(alice.id);
      expect(await kit.users.find(alice.id)).toBeUndefined();
      expect(await kit.userStore.isErasing(alice.id)).toBe(true);
      steps.push(step);
    };
    kit.users.onErase(note('rooms'));
    kit.users.onErase(note('sockets'), 'access');
    kit.users.onErase(note('images'));
    await kit.users.erase(alice.id);
    expect(steps).toEqual(['sockets', 'rooms', 'images']);
    expect(kit.userStore.isErasing(alice.id)).toBe(false);
    expect(await kit.users.count('account')).toBe(0);
    expect(kit.queue.size).toBe(0);
  });

  it('of who is not there does nothing', async () => {
    const eraser = jest.fn();
    kit.users.onErase(eraser);
    await kit.users.erase('nobody');
    expect(eraser).not.toHaveBeenCalled();
    expect(kit.queue.size).toBe(0);
  });

  it('that fails leaves the user hidden and is ended by the expiry clock', async () => {
    const [alice, bob] = [await create('alice'), await create('bob')];
    let broken = true;
    kit.users.onErase((userId) => {
      if (broken && userId === alice.id) {
        throw new Error('broken');
      }
    });
    await expect(kit.users.erase(alice.id)).rejects.toThrow('broken');
    expect(await kit.users.find(alice.id)).toBeUndefined();
    await expect(create('alice')).rejects.toMatchObject({ code: 'ConflictError' });
    kit.clock.advance(1000);
    await kit.expiry.tick();
    expect(kit.userStore.isErasing(alice.id)).toBe(true);
    await kit.users.erase(bob.id);
    broken = false;
    kit.clock.advance(1000);
    await kit.expiry.tick();
    expect(kit.userStore.isErasing(alice.id)).toBe(false);
    expect(kit.queue.size).toBe(0);
    await create('alice');
  });

  it('may be asked for again while it runs', async () => {
    const alice = await create('alice');
    let calls = 0;
    kit.users.onErase(() => new Promise<void>((resolve) => setImmediate(() => resolve(void calls++))));
    await Promise.all([kit.users.erase(alice.id), kit.users.erase(alice.id)]);
    expect(calls).toBe(2);
    expect(await kit.users.count('account')).toBe(0);
    expect(kit.queue.size).toBe(0);
  });
});

it('a user who is not there cannot be got or changed', async () => {
  expect(() => kit.users.get('nobody')).toThrow('There is no such user');
  expect(() => kit.users.update('nobody', { bio: 'x' })).toThrow('There is no such user');
});
