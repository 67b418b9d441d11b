import { MemoryUserStore } from '../../src/users/memory-user.store';
import { userStoreContract } from './user-store.suite';

describe('UserStore in memory', () => userStoreContract(() => new MemoryUserStore()));
