import { Logger } from '@nestjs/common';
import { describeRedis } from '../support/redis-server';
import { chatStoresContract } from './chat-stores.suite';
import { redisChatKit } from './redis-chat-kit';

Logger.overrideLogger(false);

describeRedis('chat stores on Redis', (server) => {
  chatStoresContract(() => redisChatKit(server));
});
