import { Injectable } from '@nestjs/common';
import { PresenceStore, type UserSocket } from './presence.store';

@Injectable()
export class MemoryPresenceStore extends PresenceStore {
  /** Sockets by user who is online; empty during the grace. */
  private readonly online = new Map<string, Set<string>>();
  private sockets = 0;

  override connect(userId: string, socketId: string, most: number): 'first' | 'more' | 'full' {
    const own = this.online.get(userId);
    const sockets = own ?? new Set();
    if (!sockets.has(socketId)) {
      if (sockets.size >= most) {
        return 'full';
      }
      sockets.add(socketId);
      this.sockets++;
    }
    if (own) {
      return 'more';
    }
    this.online.set(userId, sockets);
    return 'first';
  }

  override disconnect(userId: string, socketId: string): boolean {
    const own = this.online.get(userId);
    if (!own?.delete(socketId)) {
      return false;
    }
    this.sockets--;
    return own.size === 0;
  }

  override goOffline(userId: string): boolean {
    return this.online.get(userId)?.size === 0 && this.online.delete(userId);
  }

  override socketCount(userId: string): number {
    return this.online.get(userId)?.size ?? 0;
  }

  override isOnline(userIds: readonly string[]): boolean[] {
    return userIds.map((userId) => this.online.has(userId));
  }

  override onlineCount(): number {
    return this.online.size;
  }

  override onlineUserIds(limit: number): string[] {
    const ids: string[] = [];
    for (const userId of this.online.keys()) {
      if (ids.length >= limit) {
        break;
      }
      ids.push(userId);
    }
    return ids;
  }

  override connectedSockets(): number {
    return this.sockets;
  }

  /** A node that is gone took them along. */
  override socketsOfNode(): UserSocket[] {
    return [];
  }
}
