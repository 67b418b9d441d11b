import { Global, Module } from '@nestjs/common';
import { provideStore } from '../storage/provide-store';
import { Nodes } from './nodes';
import { RedisNodes } from './redis-nodes';
import { SingleNode } from './single-node';

@Global()
@Module({ providers: [provideStore(Nodes, { memory: SingleNode, redis: RedisNodes })], exports: [Nodes] })
export class NodesModule {}
