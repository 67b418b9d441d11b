import { Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Nodes } from '../../nodes/nodes';
import { Redis } from '../../storage/redis';

/** How long a room stays noted after the last socket of this node has left it: whoever left may still be at work on it. */
const IDLE_MS = 10_000;

/**
 * Which rooms the sockets of this node joined or left, for those who take over when it is gone. Noted before a room knows
 * of a socket, taken back some time after; so there may be rooms too many here, never one too few.
 */
@Injectable()
export class NodeRooms {
  private readonly logger = new Logger(NodeRooms.name);
  /** Sockets by room; without any since so long (`performance.now`). */
  private readonly rooms = new Map<string, { readonly sockets: Set<string>; idleSince: number }>();

  constructor(
    private readonly redis: Redis,
    private readonly nodes: Nodes,
  ) {
    nodes.onExpelled(() => this.rooms.clear());
  }

  /** Notes a socket of this node. What is sent to Redis next is carried out after this. */
  async add(roomId: string, socketId: string): Promise<void> {
    const noted = this.rooms.get(roomId);
    if (noted) {
      noted.sockets.add(socketId);
      return;
    }
    this.rooms.set(roomId, { sockets: new Set([socketId]), idleSince: 0 });
    try {
      await this.redis.run((client) => client.sadd(this.key(this.nodes.id), roomId));
    } catch (error) {
      this.rooms.delete(roomId);
      throw error;
    }
  }

  remove(roomId: string, socketId: string): void {
    const noted = this.rooms.get(roomId);
    if (noted?.sockets.delete(socketId) && noted.sockets.size === 0) {
      noted.idleSince = performance.now();
    }
  }

  /** Rooms that sockets of a node may be noted in. */
  of(nodeId: string): Promise<string[]> {
    return this.redis.run((client) => client.smembers(this.key(nodeId)));
  }

  /** Forgets rooms of a node. */
  async forget(nodeId: string, ...roomIds: string[]): Promise<void> {
    await this.redis.run((client) => client.srem(this.key(nodeId), ...roomIds));
  }

  @Interval('node-rooms', IDLE_MS)
  protected async tidy(): Promise<void> {
    const before = performance.now() - IDLE_MS;
    const idle = [...this.rooms].filter(([, { sockets, idleSince }]) => sockets.size === 0 && idleSince < before);
    if (idle.length === 0 || !this.redis.ready) {
      return;
    }
    const roomIds = idle.map(([roomId]) => roomId);
    roomIds.forEach((roomId) => this.rooms.delete(roomId));
    await this.forget(this.nodes.id, ...roomIds).catch((error: unknown) => {
      this.logger.debug({ err: error, rooms: roomIds.length }, 'Rooms of this node stay noted until it ends');
    });
  }

  private key(nodeId: string): string {
    return this.redis.key(`{node-${nodeId}}`, 'rooms');
  }
}
