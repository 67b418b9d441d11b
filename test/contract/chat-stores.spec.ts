import { chatStoresContract } from './chat-stores.suite';
import { memoryChatKit } from './memory-chat-kit';

describe('chat stores in memory', () => {
  chatStoresContract(memoryChatKit);
});
