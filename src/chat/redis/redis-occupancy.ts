import { Injectable } from '@nestjs/common';
import { Nodes } from '../../nodes/nodes';
import { type Refusal, refused } from '../engine/membership';
import type { Claim, Claimed, Occupant } from '../engine/room-feed';
import { NodeRooms } from './node-rooms';
import { CLAIM, ENTER, EVICT, FORGET, LEAVE } from './occupancy-scripts.lua';
import { RedisRooms, type RoomScript } from './redis-rooms';
import { RedisRoomTotals } from './redis-room-totals';

/** By how much the totals changed: users in rooms, rooms with somebody in them. */
type Changed = readonly [participants: number, occupied: number];
type Entered = Changed | readonly ['refused', Refusal];

/** Which sockets joined rooms, and left them: with their nodes, so that those of a dead one can be taken away. */
@Injectable()
export class RedisOccupancy {
  private readonly enterScript: RoomScript<Entered>;
  private readonly claimScript: RoomScript<readonly [...Changed, holder: string] | null>;
  private readonly leaveScript: RoomScript<Changed>;
  private readonly forgetScript: RoomScript<Changed>;
  private readonly evictScript: RoomScript<Changed>;

  constructor(
    rooms: RedisRooms,
    private readonly noted: NodeRooms,
    private readonly totals: RedisRoomTotals,
    private readonly nodes: Nodes,
  ) {
    this.enterScript = rooms.script(ENTER);
    this.claimScript = rooms.script(CLAIM);
    this.leaveScript = rooms.script(LEAVE);
    this.forgetScript = rooms.script(FORGET);
    this.evictScript = rooms.script(EVICT);
  }

  /** @throws AppError where the user is no member */
  async enter(occupant: Occupant): Promise<void> {
    try {
      await this.put(this.enterScript, occupant);
    } catch (error) {
      this.noted.remove(occupant.roomId, occupant.socketId);
      throw error;
    }
  }

  async claim({ roomId, userId, socketId, keyDigest, proof, gone }: Claim): Promise<Claimed | undefined> {
    // As `put`: noted before it is done.
    const noted = this.noted.add(roomId, socketId);
    const entry = `${this.nodes.id}/${socketId}`;
    const claimed = this.claimScript(roomId, userId, entry, keyDigest, proof ?? '', gone ?? '');
    const [, reply] = await Promise.all([noted, claimed]);
    if (!reply) {
      return undefined;
    }
    const [participants, occupied, holder] = reply;
    this.count([participants, occupied]);
    if (holder === '') {
      return { taken: false };
    }
    const [nodeId = '', holderId = ''] = holder.split('/');
    return { taken: true, nodeId, socketId: holderId };
  }

  async leave(occupant: Occupant): Promise<void> {
    await this.put(this.leaveScript, occupant);
  }

  async forget(occupant: Occupant): Promise<void> {
    this.noted.remove(occupant.roomId, occupant.socketId);
    await this.move(this.forgetScript, occupant);
  }

  /** Rooms that sockets of a node may be in. */
  roomsOf(nodeId: string): Promise<string[]> {
    return this.noted.of(nodeId);
  }

  async evict(nodeId: string, roomId: string): Promise<void> {
    this.count(await this.evictScript(roomId, nodeId));
    await this.noted.forget(nodeId, roomId);
  }

  private async put(script: RoomScript<Entered>, occupant: Occupant): Promise<void> {
    // Sent in this order and carried out in it.
    const noted = this.noted.add(occupant.roomId, occupant.socketId);
    await Promise.all([noted, this.move(script, occupant)]);
  }

  private async move(script: RoomScript<Entered>, { roomId, userId, socketId }: Occupant): Promise<void> {
    const moved = await script(roomId, userId, `${this.nodes.id}/${socketId}`);
    if (moved[0] === 'refused') {
      throw refused(moved[1]);
    }
    this.count(moved);
  }

  private count([participants, occupied]: Changed): void {
    this.totals.change({ participants, occupied });
  }
}
