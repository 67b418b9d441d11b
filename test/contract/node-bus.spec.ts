import { MemoryNodeBus } from '../../src/storage/memory-node-bus';
import { nodeBusContract } from './node-bus.suite';

describe('NodeBus in memory', () => {
  nodeBusContract(() => ({ nodes: [new MemoryNodeBus()], close: async () => undefined }));
});
