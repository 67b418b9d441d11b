import { Injectable } from '@nestjs/common';
import type { Awaitable } from '../common/awaitable';
import { PresenceReader } from '../users/presence-reader';
import { PresenceStore } from './presence.store';

/** What profiles read of presence. */
@Injectable()
export class StorePresenceReader extends PresenceReader {
  constructor(private readonly store: PresenceStore) {
    super();
  }

  override isOnline(userIds: readonly string[]): Awaitable<boolean[]> {
    return this.store.isOnline(userIds);
  }

  override onlineCount(): Awaitable<number> {
    return this.store.onlineCount();
  }

  override onlineUserIds(limit: number): Awaitable<string[]> {
    return this.store.onlineUserIds(limit);
  }

  override connectedSockets(): Awaitable<number> {
    return this.store.connectedSockets();
  }
}
