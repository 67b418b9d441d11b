import type { Awaitable } from '../../src/common/awaitable';
import type { PresenceStore } from '../../src/presence/presence.store';

export interface PresenceKit {
  readonly store: PresenceStore;
  close(): Promise<void>;
}

/** What every driver of `PresenceStore` promises. The store is empty at first. */
export function presenceContract(makeKit: () => Awaitable<PresenceKit>): void {
  let kit: PresenceKit;
  let store: PresenceStore;

  beforeEach(async () => {
    kit = await makeKit();
    ({ store } = kit);
  });

  afterEach(() => kit.close());

  /** Online, sockets, users online, sockets in all. */
  const state = async (userId: string): Promise<[boolean | undefined, number, number, number]> => [
    (await store.isOnline([userId]))[0],
    await store.socketCount(userId),
    await store.onlineCount(),
    await store.connectedSockets(),
  ];

  const connect = (userId: string, socketId: string, most = 1000): Awaitable<'first' | 'more' | 'full'> =>
    store.connect(userId, socketId, most);

  it('knows nobody at first', async () => {
    expect(await state('alice')).toEqual([false, 0, 0, 0]);
    expect(await store.onlineUserIds(10)).toEqual([]);
    expect(await store.isOnline([])).toEqual([]);
    expect(await store.goOffline('alice')).toBe(false);
    expect(await store.disconnect('alice', 'a1')).toBe(false);
  });

  it('counts users by their first and last socket', async () => {
    expect(await connect('alice', 'a1')).toBe('first');
    expect(await connect('alice', 'a2')).toBe('more');
    expect(await state('alice')).toEqual([true, 2, 1, 2]);
    expect(await store.disconnect('alice', 'a1')).toBe(false);
    expect(await store.disconnect('alice', 'a2')).toBe(true);
    expect(await state('alice')).toEqual([true, 0, 1, 0]);
  });

  it('keeps a user online through the grace, in which a reload tells nothing', async () => {
    await connect('alice', 'a1');
    expect(await store.goOffline('alice')).toBe(false);
    expect(await store.disconnect('alice', 'a1')).toBe(true);
    expect(await connect('alice', 'a2')).toBe('more');
    expect(await store.goOffline('alice')).toBe(false);
    expect(await state('alice')).toEqual([true, 1, 1, 1]);
  });

  it('ends the grace once, after which a socket is the first again', async () => {
    await connect('alice', 'a1');
    await store.disconnect('alice', 'a1');
    expect(await store.goOffline('alice')).toBe(true);
    expect(await store.goOffline('alice')).toBe(false);
    expect(await state('alice')).toEqual([false, 0, 0, 0]);
    expect(await connect('alice', 'a2')).toBe('first');
  });

  it('counts a socket once, and out only if it was in', async () => {
    await connect('alice', 'a1');
    expect(await connect('alice', 'a1')).toBe('more');
    expect(await state('alice')).toEqual([true, 1, 1, 1]);
    expect(await store.disconnect('alice', 'another')).toBe(false);
    expect(await store.disconnect('bob', 'a1')).toBe(false);
    expect(await store.disconnect('alice', 'a1')).toBe(true);
    expect(await store.disconnect('alice', 'a1')).toBe(false);
    expect(await state('alice')).toEqual([true, 0, 1, 0]);
  });

  it('answers for many users in the order asked', async () => {
    await connect('alice', 'a1');
    await connect('carol', 'c1');
    expect(await store.isOnline(['bob', 'alice', 'alice', 'carol', ''])).toEqual([false, true, true, true, false]);
  });

  it('lists no more users than are asked for', async () => {
    const users = ['alice', 'bob', 'carol', 'dave'];
    for (const user of users) {
      await connect(user, `${user}1`);
    }
    expect([...(await store.onlineUserIds(10))].sort()).toEqual(users);
    const two = await store.onlineUserIds(2);
    expect(new Set(two).size).toBe(2);
    expect(users).toEqual(expect.arrayContaining(two));
    expect(await store.onlineUserIds(0)).toEqual([]);
    expect(await store.onlineCount()).toBe(4);
  });

  it('of fifty sockets at once makes one the first, one the last, and ends the grace once', async () => {
    const sockets = Array.from({ length: 50 }, (_, i) => `a${i}`);
    const count = async (calls: Promise<boolean>[]): Promise<number> =>
      (await Promise.all(calls)).filter(Boolean).length;
    expect(await count(sockets.map(async (socket) => (await connect('alice', socket)) === 'first'))).toBe(1);
    expect(await state('alice')).toEqual([true, 50, 1, 50]);
    expect(await count(sockets.map(async (socket) => store.disconnect('alice', socket)))).toBe(1);
    expect(await count(sockets.map(async () => store.goOffline('alice')))).toBe(1);
    expect(await state('alice')).toEqual([false, 0, 0, 0]);
  });

  it('counts no more sockets of a user than there may be, of all that come at once', async () => {
    const sockets = Array.from({ length: 20 }, (_, i) => `a${i}`);
    const outcomes = await Promise.all(sockets.map(async (socket) => connect('alice', socket, 3)));
    expect([...outcomes].sort()).toEqual(['first', ...Array<string>(17).fill('full'), 'more', 'more']);
    expect(await state('alice')).toEqual([true, 3, 1, 3]);
    const [refused = ''] = sockets.filter((_, i) => outcomes[i] === 'full');
    const [counted = ''] = sockets.filter((_, i) => outcomes[i] !== 'full');
    expect(await store.disconnect('alice', refused)).toBe(false);
    expect(await connect('alice', counted, 3)).toBe('more');
    expect(await connect('bob', 'b1', 3)).toBe('first');
    expect(await store.disconnect('alice', counted)).toBe(false);
    expect(await connect('alice', refused, 3)).toBe('more');
    expect(await connect('alice', counted, 3)).toBe('full');
  });

  it('makes nobody online whose first socket is one too many', async () => {
    expect(await connect('alice', 'a1', 0)).toBe('full');
    expect(await state('alice')).toEqual([false, 0, 0, 0]);
  });
}
