import { Global, Module } from '@nestjs/common';
import { MemoryNodeBus } from './memory-node-bus';
import { NodeBus } from './node-bus';
import { provideStore } from './provide-store';

@Global()
@Module({
  providers: [provideStore(NodeBus, { memory: MemoryNodeBus })],
  exports: [NodeBus],
})
export class StorageModule {}
