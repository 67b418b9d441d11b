import { ATTACHMENT_DEADLINE } from '../../src/attachments/attachment-store';
import { MemoryAttachmentStore } from '../../src/attachments/memory-attachment.store';
import { attachmentStoreContract } from './attachment-store.suite';
import { storeKit } from './store-kit';

const QUOTA = { totalBytes: 1_000_000, ownerBytes: 1_000_000 };

function memoryKit() {
  const { clock, local } = storeKit();
  const store = new MemoryAttachmentStore(clock, local);
  const due = (): string[] => {
    const items = local.claim(1000);
    expect(items.every(({ kind }) => kind === ATTACHMENT_DEADLINE)).toBe(true);
    return items.map(({ key }) => key);
  };
  return { store, clock, local, due };
}

describe('AttachmentStore in memory', () => {
  attachmentStoreContract(memoryKit);

  it('serves an attachment to its last millisecond and no longer', () => {
    const { store, clock } = memoryKit();
    const now = clock.now();
    store.reserve({ id: 'r', ownerId: 'alice', size: 1, until: now + 1 }, QUOTA);
    const file = { filename: 'f', ownerId: 'alice', size: 1, mimeType: 'image/webp', width: 1, height: 1 };
    store.settle('r', { ...file, createdAt: now, unusedUntil: now + 1000 }, QUOTA);
    clock.advance(999);
    expect(store.find('f')).toBeDefined();
    store.refer('f', 'alice', { holder: 'm', roomId: null, expiresAt: now + 2000 });
    clock.advance(1000);
    expect(store.find('f')).toBeDefined();
    clock.advance(1);
    expect(store.find('f')).toBeUndefined();
  });

  it('is empty when everything has ended', () => {
    const { store, clock, local, due } = memoryKit();
    for (let i = 0; i < 100; i++) {
      const until = clock.now() + 1000;
      store.reserve({ id: `r${i}`, ownerId: `owner${i % 7}`, size: i * 100, until }, QUOTA);
      if (i % 2 === 0) {
        const file = { filename: `f${i}`, ownerId: `owner${i % 7}`, size: i, mimeType: '', width: 1, height: 1 };
        store.settle(`r${i}`, { ...file, createdAt: 0, unusedUntil: until }, QUOTA);
        store.refer(`f${i}`, `owner${i % 7}`, { holder: 'm', roomId: null, expiresAt: until + i });
      }
    }
    clock.advance(2000);
    store.sweep(due());
    expect([store.size, local.size, store.totals()]).toEqual([0, 0, { count: 0, bytes: 0 }]);
  });
});
