import { MemoryPresenceStore } from '../../src/presence/memory-presence.store';
import { presenceContract } from './presence.suite';

describe('PresenceStore in memory', () => {
  presenceContract(() => ({ store: new MemoryPresenceStore(), close: async () => undefined }));
});
