import type { Awaitable } from '../../src/common/awaitable';
import {
  type Attachment,
  type AttachmentQuota,
  type AttachmentReference,
  type AttachmentStore,
  chargedBytes,
  MAX_REFERENCES,
} from '../../src/attachments/attachment-store';
import type { StoreClock } from './store-kit';

/** Long enough that a real store gets everything done in between. */
const LIFE_MS = 400;
const BLOCK = 4096;
const QUOTA: AttachmentQuota = { totalBytes: 100 * BLOCK, ownerBytes: 50 * BLOCK };

export interface AttachmentStoreKit {
  readonly store: AttachmentStore;
  readonly clock: StoreClock;
  /** Keys whose deadline has come, taken from the expiry queue. */
  due(): Awaitable<string[]>;
}

/** What every driver of `AttachmentStore` promises. */
export function attachmentStoreContract(makeKit: () => Awaitable<AttachmentStoreKit>): void {
  let store: AttachmentStore;
  let clock: StoreClock;
  let due: AttachmentStoreKit['due'];
  let names = 0;

  beforeEach(async () => {
    ({ store, clock, due } = await makeKit());
  });

  const reserve = async (id: string, size = 1, ownerId = 'alice', lifeMs = LIFE_MS): Promise<void> =>
    store.reserve({ id, ownerId, size, until: clock.now() + lifeMs }, QUOTA);

  const draft = (more: Partial<Attachment> = {}): Omit<Attachment, 'references'> => {
    const now = clock.now();
    const file = { filename: `${String(names++).padStart(24, '0')}.webp`, size: 1, mimeType: 'image/webp' };
    return { ...file, ownerId: 'alice', width: 30, height: 20, createdAt: now, unusedUntil: now + LIFE_MS, ...more };
  };

  const settle = async (id: string, attachment: Omit<Attachment, 'references'>): Promise<boolean> =>
    store.settle(id, attachment, QUOTA);

  const add = async (more: Partial<Attachment> = {}): Promise<string> => {
    const attachment = draft(more);
    await reserve(attachment.filename, attachment.size, attachment.ownerId);
    expect(await settle(attachment.filename, attachment)).toBe(true);
    return attachment.filename;
  };

  const shownIn = (holder: string, lifeMs: number | null = LIFE_MS): AttachmentReference => ({
    holder,
    roomId: 'room',
    expiresAt: lifeMs === null ? null : clock.now() + lifeMs,
  });

  const refer = async (
    filename: string,
    reference: AttachmentReference,
    ownerId = 'alice',
  ): Promise<Attachment | undefined> => store.refer(filename, ownerId, reference);

  const refused = (work: Promise<unknown>): Promise<void> =>
    expect(work).rejects.toMatchObject({ code: 'CapacityError' });

  describe('a reservation', () => {
    it('takes room by blocks and is no attachment', async () => {
      await reserve('a', 1);
      await reserve('b', BLOCK + 1);
      expect(await store.totals()).toEqual({ count: 0, bytes: 3 * BLOCK });
      expect(await store.find('a')).toBeUndefined();
      expect(await refer('a', shownIn('msg_1'))).toBeUndefined();
    });

    it('is refused where it exceeds the quota of its owner, or of all, and takes nothing then', async () => {
      await reserve('a', QUOTA.ownerBytes);
      await refused(reserve('b', 1));
      await reserve('c', QUOTA.totalBytes - QUOTA.ownerBytes, 'bob');
      await refused(reserve('d', 1, 'carol'));
      expect(await store.totals()).toEqual({ count: 0, bytes: QUOTA.totalBytes });
      expect(await store.remove('a')).toBe(true);
      expect(await store.remove('a')).toBe(false);
      await reserve('d', 1, 'carol');
    });

    it('of many at once passes only as far as the quota goes', async () => {
      const tries = Array.from({ length: 20 }, (_, i) => reserve(`r${i}`, 10 * BLOCK));
      const outcomes = await Promise.allSettled(tries);
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
      expect(await store.totals()).toEqual({ count: 0, bytes: QUOTA.ownerBytes });
    });

    it('lapses if it is not settled, and gives its room back', async () => {
      await reserve('a', QUOTA.ownerBytes);
      await clock.advance(LIFE_MS);
      expect(await due()).toEqual(['a']);
      expect(await store.sweep(['a'])).toEqual([]);
      expect(await settle('a', draft())).toBe(false);
      expect(await store.totals()).toEqual({ count: 0, bytes: 0 });
    });

    it('becomes an attachment once, of its real size', async () => {
      await reserve('a', 5 * BLOCK);
      const attachment = draft({ size: BLOCK + 1 });
      expect(await settle('a', attachment)).toBe(true);
      expect(await store.find(attachment.filename)).toEqual({ ...attachment, references: [] });
      expect(await settle('a', draft())).toBe(false);
      expect(await store.remove('a')).toBe(false);
      expect(await store.totals()).toEqual({ count: 1, bytes: 2 * BLOCK });
    });

    it('may grow when it is settled, within the quota', async () => {
      await reserve('a', BLOCK);
      await reserve('b', QUOTA.ownerBytes - 2 * BLOCK);
      await refused(settle('a', draft({ size: 3 * BLOCK })));
      expect(await settle('a', draft({ size: 2 * BLOCK }))).toBe(true);
      expect((await store.totals()).bytes).toBe(chargedBytes(QUOTA.ownerBytes));
    });
  });

  describe('an attachment', () => {
    it('is nowhere from the end of its unused time on, freed or not', async () => {
      const filename = await add();
      await clock.advance(LIFE_MS);
      expect(await store.find(filename)).toBeUndefined();
      expect(await refer(filename, shownIn('msg_1'))).toBeUndefined();
      expect(await store.filterUnknown([filename])).toEqual([]);
      expect(await due()).toEqual([filename]);
      expect(await store.sweep([filename, 'never-was'])).toEqual([filename]);
      expect(await store.filterUnknown([filename, 'never-was'])).toEqual([filename, 'never-was']);
      expect(await store.totals()).toEqual({ count: 0, bytes: 0 });
    });

    it('is handed out as a copy that nobody can change', async () => {
      const filename = await add();
      const found = await refer(filename, shownIn('msg_1'));
      expect(() => Object.assign(found ?? {}, { ownerId: 'bob' })).toThrow(TypeError);
      expect(() => (found?.references as AttachmentReference[]).pop()).toThrow(TypeError);
      expect(await store.find(filename)).toMatchObject({ ownerId: 'alice', references: [{ holder: 'msg_1' }] });
    });

    it('can be referred to by its owner only', async () => {
      const filename = await add();
      expect(await refer(filename, shownIn('msg_1'), 'bob')).toBeUndefined();
      expect(await refer('never-was', shownIn('msg_1'))).toBeUndefined();
      expect((await store.find(filename))?.references).toEqual([]);
    });

    it('lives as long as its last reference does, and is not freed before', async () => {
      const filename = await add();
      const [short, long] = [shownIn('msg_1', LIFE_MS / 2), shownIn('msg_2', 2 * LIFE_MS)];
      await refer(filename, long);
      expect(await refer(filename, short)).toMatchObject({ references: expect.arrayContaining([short, long]) });
      await clock.advance(LIFE_MS);
      expect((await store.find(filename))?.references).toEqual([long]);
      expect(await store.sweep(await due())).toEqual([]);
      expect(await store.sweep([filename])).toEqual([]);
      await clock.advance(LIFE_MS);
      expect(await store.find(filename)).toBeUndefined();
      expect(await due()).toEqual([filename]);
      expect(await store.sweep([filename])).toEqual([filename]);
    });

    it('is swept in its time though it was looked at too early', async () => {
      const filename = await add();
      expect(await store.sweep([filename])).toEqual([]);
      await clock.advance(LIFE_MS);
      expect(await due()).toEqual([filename]);
    });

    it('that is used ends with its last reference, not with its unused time', async () => {
      const filename = await add();
      await refer(filename, shownIn('msg_1', LIFE_MS / 4));
      await clock.advance(LIFE_MS / 4);
      expect(await store.find(filename)).toBeUndefined();
      expect(await due()).toEqual([filename]);
    });

    it('goes when its last holder is gone, and only then', async () => {
      const filename = await add();
      await refer(filename, shownIn('msg_1'));
      await refer(filename, shownIn('msg_2', null));
      expect(await store.release(filename, 'msg_1')).toBe(false);
      expect(await store.release(filename, 'msg_1')).toBe(false);
      expect(await store.release(filename, 'msg_3')).toBe(false);
      expect((await store.find(filename))?.references).toMatchObject([{ holder: 'msg_2', expiresAt: null }]);
      expect(await store.release(filename, 'msg_2')).toBe(true);
      expect(await store.release(filename, 'msg_2')).toBe(false);
      expect(await store.filterUnknown([filename])).toEqual([filename]);
      expect(await store.totals()).toEqual({ count: 0, bytes: 0 });
    });

    it('without a deadline of its holder lives on', async () => {
      const filename = await add();
      await refer(filename, shownIn('avatar_alice', null));
      await clock.advance(2 * LIFE_MS);
      expect(await store.sweep(await due())).toEqual([]);
      expect(await store.find(filename)).toMatchObject({ references: [{ holder: 'avatar_alice' }] });
      await refer(filename, shownIn('avatar_alice', LIFE_MS / 4));
      await clock.advance(LIFE_MS / 4);
      expect(await store.sweep(await due())).toEqual([filename]);
    });

    it('cannot be kept by a holder that is gone already', async () => {
      const filename = await add();
      expect(await refer(filename, shownIn('msg_1', 0))).toBeUndefined();
      expect(await store.find(filename)).toBeUndefined();
      expect(await store.sweep(await due())).toEqual([filename]);
      expect(await store.totals()).toEqual({ count: 0, bytes: 0 });
    });

    it('that has died goes with the next holder that is released, swept or not', async () => {
      const filename = await add();
      await refer(filename, shownIn('msg_1', LIFE_MS / 4));
      await clock.advance(LIFE_MS / 4);
      expect(await store.release(filename, 'msg_1')).toBe(true);
      expect(await store.release(filename, 'msg_1')).toBe(false);
      expect(await store.totals()).toEqual({ count: 0, bytes: 0 });
    });

    it('of many that are used at once counts once, and each release counts', async () => {
      const filename = await add();
      const holders = Array.from({ length: 20 }, (_, i) => `msg_${i}`);
      await Promise.all(holders.map((holder) => refer(filename, shownIn(holder, 60_000))));
      const gone = await Promise.all(holders.map(async (holder) => store.release(filename, holder)));
      expect(gone.filter(Boolean)).toHaveLength(1);
      expect(await store.totals()).toEqual({ count: 0, bytes: 0 });
    });

    it('ends earlier where its holder does', async () => {
      const filename = await add();
      await refer(filename, shownIn('msg_1', 10 * LIFE_MS));
      await refer(filename, shownIn('msg_1', LIFE_MS / 4));
      expect((await store.find(filename))?.references).toHaveLength(1);
      await clock.advance(LIFE_MS / 4);
      expect(await due()).toEqual([filename]);
    });

    it('is unused again where its holder never came to be', async () => {
      const filename = await add();
      await refer(filename, shownIn('msg_1', 10 * LIFE_MS));
      expect(await store.withdraw(filename, 'msg_1')).toBe(false);
      expect(await store.withdraw(filename, 'msg_1')).toBe(false);
      expect((await store.find(filename))?.references).toEqual([]);
      await clock.advance(LIFE_MS);
      expect(await store.find(filename)).toBeUndefined();
      expect(await due()).toEqual([filename]);
    });

    it('goes with a holder that never came to be where another has gone meanwhile, or its time is over', async () => {
      const [used, late] = [await add(), await add()];
      await refer(used, shownIn('msg_1'));
      await refer(used, shownIn('msg_2', null));
      expect(await store.release(used, 'msg_1')).toBe(false);
      expect(await store.withdraw(used, 'msg_2')).toBe(true);
      await refer(late, shownIn('msg_1', null));
      await clock.advance(LIFE_MS);
      expect(await store.withdraw(late, 'msg_1')).toBe(true);
      expect(await store.totals()).toEqual({ count: 0, bytes: 0 });
    });

    it('is shown in a bounded number of places', async () => {
      const filename = await add();
      for (let i = 0; i < MAX_REFERENCES; i++) {
        await refer(filename, shownIn(`msg_${i}`, 60_000));
      }
      await refused(refer(filename, shownIn('one-more')));
      expect((await refer(filename, shownIn('msg_0', 60_000)))?.references).toHaveLength(MAX_REFERENCES);
    });

    it('can be removed whatever refers to it', async () => {
      const filename = await add();
      await refer(filename, shownIn('msg_1', null));
      expect(await store.remove(filename)).toBe(true);
      expect(await store.find(filename)).toBeUndefined();
      expect(await store.release(filename, 'msg_1')).toBe(false);
    });

    it('goes with everything else of its owner', async () => {
      const [first, second, bobs] = [await add(), await add(), await add({ ownerId: 'bob' })];
      await refer(second, shownIn('msg_1', null));
      await reserve('r');
      expect((await store.removeOwned('alice')).sort()).toEqual([first, second].sort());
      expect(await store.removeOwned('alice')).toEqual([]);
      expect(await settle('r', draft())).toBe(false);
      expect(await store.totals()).toEqual({ count: 1, bytes: BLOCK });
      expect(await store.find(bobs)).toBeDefined();
    });
  });
}
