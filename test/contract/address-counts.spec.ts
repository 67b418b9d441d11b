import { MemoryAddressCounts } from '../../src/realtime/memory-address-counts';
import { addressCountsContract } from './address-counts.suite';

describe('AddressCounts in memory', () => {
  addressCountsContract(() => ({ store: new MemoryAddressCounts(), close: () => undefined }));

  it('forgets addresses without connections', () => {
    const store = new MemoryAddressCounts();
    store.tell('1.1.1.1', 1, 5);
    store.tell('1.1.1.1', 0, 5);
    expect(store['counts'].size).toBe(0);
  });
});
