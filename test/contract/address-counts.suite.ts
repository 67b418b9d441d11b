import type { Awaitable } from '../../src/common/awaitable';
import type { AddressCounts } from '../../src/realtime/address-counts';

export interface AddressCountsKit {
  readonly store: AddressCounts;
  close(): void;
}

/** What every driver of `AddressCounts` promises. Nothing is counted at first. */
export function addressCountsContract(makeKit: () => Awaitable<AddressCountsKit>): void {
  let kit: AddressCountsKit;

  beforeEach(async () => {
    kit = await makeKit();
  });

  afterEach(() => kit.close());

  it('counts an address up to the most, and lets another in when one has gone', async () => {
    const { store } = kit;
    expect(await store.tell('1.1.1.1', 1, 2)).toBe(true);
    expect(await store.tell('1.1.1.1', 2, 2)).toBe(true);
    expect(await store.tell('1.1.1.1', 3, 2)).toBe(false);
    expect(await store.tell('1.1.1.2', 1, 2)).toBe(true);
    expect(await store.tell('1.1.1.1', 1, 2)).toBe(true);
    expect(await store.tell('1.1.1.1', 2, 2)).toBe(true);
    expect(await store.tell('1.1.1.1', 0, 2)).toBe(true);
    expect(await store.tell('1.1.1.1', 2, 2)).toBe(true);
  });

  it('keeps what stood where more are refused', async () => {
    const { store } = kit;
    await store.tell('1.1.1.1', 1, 1);
    expect(await store.tell('1.1.1.1', 5, 1)).toBe(false);
    await store.tell('1.1.1.1', 0, 1);
    expect(await store.tell('1.1.1.1', 1, 1)).toBe(true);
  });

  it('never refuses fewer, though they are too many, or the same again', async () => {
    const { store } = kit;
    await store.tell('1.1.1.1', 5, 10);
    expect(await store.tell('1.1.1.1', 5, 2)).toBe(true);
    expect(await store.tell('1.1.1.1', 4, 2)).toBe(true);
    expect(await store.tell('1.1.1.1', 5, 2)).toBe(false);
  });

  it('lets as many in as there may be of all that come at once', async () => {
    const { store } = kit;
    const told = await Promise.all(Array.from({ length: 20 }, async (_, i) => store.tell('1.1.1.1', i + 1, 3)));
    expect(told.filter(Boolean)).toHaveLength(3);
  });
}
