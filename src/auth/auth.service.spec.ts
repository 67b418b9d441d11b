import { Logger } from '@nestjs/common';
import { accounts } from '../../test/support/accounts';
import { DemoUsers } from './demo-users';
import { MAX_WAITING, PasswordHasher } from './password-hasher';

const IP = '203.0.113.7';
const ALICE = { username: 'alice', email: 'alice@example.com', password: 'password123' };

Logger.overrideLogger(false);

let kit: ReturnType<typeof accounts>;

beforeEach(async () => {
  kit = accounts();
  await kit.auth.register(ALICE);
});

const login = (password = ALICE.password, email = ALICE.email, ip = IP): Promise<string> =>
  kit.auth.login({ email, password }, ip).then(
    () => 'ok',
    (error: { code: string }) => error.code,
  );

const logins = async (count: number, ...args: Parameters<typeof login>): Promise<string[]> =>
  Promise.all(Array.from({ length: count }, () => login(...args)));

describe('logging in', () => {
  it('gives a token for the right password', async () => {
    const { token, user } = await kit.auth.login(ALICE, IP);
    expect(await kit.tokens.verify(token)).toMatchObject({ userId: user.id, username: 'alice' });
  });

  it('says the same for a wrong password and an unknown address', async () => {
    const failure = { code: 'AuthenticationError', message: 'Invalid email or password' };
    await expect(kit.auth.login({ ...ALICE, password: 'wrong' }, IP)).rejects.toMatchObject(failure);
    await expect(kit.auth.login({ ...ALICE, email: 'nobody@example.com' }, IP)).rejects.toMatchObject(failure);
  });

  it('compares with a hash of the same rounds where there is no account', async () => {
    const compared: (string | undefined)[] = [];
    const compareInTurn = kit.hasher.compareInTurn.bind(kit.hasher);
    jest.spyOn(kit.hasher, 'compareInTurn').mockImplementation((work) =>
      compareInTurn((matches) =>
        work((password, hash) => {
          compared.push(hash);
          return matches(password, hash);
        }),
      ),
    );
    await login('wrong');
    await login('wrong', 'nobody@example.com');
    expect(compared).toEqual([expect.any(String), undefined]);
  });

  it('locks after ten failures for the address that they came from, the right password included', async () => {
    expect(new Set(await logins(10, 'wrong'))).toEqual(new Set(['AuthenticationError']));
    await expect(kit.auth.login(ALICE, IP)).rejects.toMatchObject({ code: 'RateLimitError', retryAfter: 900 });
    expect(await login(ALICE.password, ALICE.email, '203.0.113.8')).toBe('ok');
    kit.clock.advance(15 * 60_000);
    expect(await login()).toBe('ok');
  });

  it('locks an address that has no account just the same', async () => {
    const results = await logins(12, 'wrong', 'nobody@example.com');
    expect(results.filter((result) => result === 'RateLimitError')).toHaveLength(2);
  });

  it('locks for all addresses after a hundred failures', async () => {
    for (let i = 0; i < 10; i++) {
      await logins(10, 'wrong', ALICE.email, `203.0.113.${100 + i}`);
    }
    expect(await login()).toBe('RateLimitError');
  });

  it('takes addresses of one IPv6 network for one', async () => {
    for (let i = 0; i < 10; i++) {
      await login('wrong', ALICE.email, `2001:db8::${i}`);
    }
    expect(await login(ALICE.password, ALICE.email, '2001:db8::ffff')).toBe('RateLimitError');
    expect(await login(ALICE.password, ALICE.email, '2001:db8:0:1::1')).toBe('ok');
  });

  it('forgets the failures of an address on success', async () => {
    await logins(9, 'wrong');
    expect(await login()).toBe('ok');
    await logins(9, 'wrong');
    expect(await login()).toBe('ok');
  });

  it('does not take many good logins at once for guesses', async () => {
    await logins(9, 'wrong');
    expect(new Set(await logins(40))).toEqual(new Set(['ok']));
  });

  it('lets ten of many guesses at once be compared', async () => {
    const results = await logins(30, 'wrong');
    expect(results.filter((result) => result === 'AuthenticationError')).toHaveLength(10);
  });

  it('gives no token for an old password that is changed while it is compared', async () => {
    const { userId } = await kit.tokens.verify((await kit.auth.login(ALICE, IP)).token);
    jest.spyOn(kit.passwords, 'matches').mockImplementation(async () => {
      await kit.tokens.revokeAll(userId);
      return true;
    });
    expect(await login()).toBe('AuthenticationError');
  });
});

describe('registering', () => {
  it.each([
    ['name', { email: 'other@example.com', username: 'ALICE' }, 'That username is taken'],
    ['address', { username: 'other' }, 'That e-mail address is registered already'],
  ])('refuses a taken %s without hashing', async (_what, changes, message) => {
    const hash = jest.spyOn(kit.hasher, 'hash');
    await expect(kit.auth.register({ ...ALICE, ...changes })).rejects.toMatchObject({ code: 'ConflictError', message });
    expect(hash).not.toHaveBeenCalled();
  });

  it('makes one of many accounts that want the same name at once', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 5 }, (_, i) =>
        kit.auth.register({ ...ALICE, username: 'carol', email: `carol${i}@example.com` }),
      ),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('ends at the number of accounts that there may be', async () => {
    kit = accounts({ MAX_ACCOUNTS: '1' });
    await kit.auth.register(ALICE);
    const bob = { username: 'bob', email: 'bob@example.com', password: 'password123' };
    await expect(kit.auth.register(bob)).rejects.toMatchObject({ code: 'CapacityError' });
  });
});

describe('changing the password', () => {
  it('ends every other token and makes the new password the only one', async () => {
    const [mine, other] = [(await kit.auth.login(ALICE, IP)).token, (await kit.auth.login(ALICE, IP)).token];
    const identity = await kit.tokens.verify(mine);
    const passwords = { currentPassword: ALICE.password, newPassword: 'another password' };
    await kit.auth.changePassword(identity, passwords, IP);
    expect(await kit.tokens.verify(mine)).toMatchObject({ userId: identity.userId });
    expect(() => kit.tokens.verify(other)).toThrow('Token has been revoked');
    expect(await login()).toBe('AuthenticationError');
    expect(await login('another password')).toBe('ok');
  });

  it('refuses a wrong current password and locks after ten', async () => {
    const identity = await kit.tokens.verify((await kit.auth.login(ALICE, IP)).token);
    const passwords = { currentPassword: 'wrong', newPassword: 'another password' };
    for (let i = 0; i < 10; i++) {
      const refused = kit.auth.changePassword(identity, passwords, IP);
      await expect(refused).rejects.toMatchObject({ code: 'AuthorizationError' });
    }
    await expect(kit.auth.changePassword(identity, passwords, IP)).rejects.toMatchObject({ code: 'RateLimitError' });
  });

  it('lets one of two changes at once win', async () => {
    const identity = await kit.tokens.verify((await kit.auth.login(ALICE, IP)).token);
    const change = (newPassword: string): Promise<void> =>
      kit.auth.changePassword(identity, { currentPassword: ALICE.password, newPassword }, IP);
    const results = await Promise.allSettled([change('first password'), change('second password')]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});

describe('hashing', () => {
  it('never takes a longer password for one that bcrypt cuts to', async () => {
    const password = 'x'.repeat(72);
    const passwordHash = await kit.hasher.hash(password);
    const matches = (given: string): Promise<boolean> =>
      kit.hasher.compareInTurn((compare) => compare(given, passwordHash));
    expect(await matches(password)).toBe(true);
    expect(await matches(`${password}y`)).toBe(false);
  });

  it('takes no password for that of nobody', async () => {
    expect(await kit.hasher.compareInTurn((compare) => compare('', undefined))).toBe(false);
  });

  it('does one at a time, goes on after a failure and turns away whom it cannot serve soon', async () => {
    const hasher = new PasswordHasher(kit.config);
    let running = 0;
    const work = async (): Promise<number> => {
      running++;
      await new Promise((resolve) => setImmediate(resolve));
      return running--;
    };
    const failing = hasher.compareInTurn(() => Promise.reject(new Error('broken')));
    const results = Array.from({ length: MAX_WAITING + 2 }, () => hasher.compareInTurn(work));
    await expect(failing).rejects.toThrow('broken');
    const settled = await Promise.allSettled(results);
    expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(3);
    expect(settled.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))).toEqual(
      Array.from({ length: MAX_WAITING - 1 }, () => 1),
    );
    expect(await hasher.compareInTurn(work)).toBe(1);
  });
});

describe('the demo users', () => {
  const seed = (): Promise<void> => new DemoUsers(kit.users, kit.hasher, kit.config, kit.bus).onApplicationBootstrap();

  it('are there after a start, and once after two, whoever had the name before', async () => {
    await seed();
    await seed();
    expect(await login('password123', 'bob@example.com')).toBe('ok');
    expect(await kit.users.count('account')).toBe(2);
  });

  it('stay away where they are not wanted', async () => {
    kit = accounts({ SEED_DEMO_USERS: 'false' });
    await seed();
    expect(await kit.users.count('account')).toBe(0);
  });
});
