import { Logger } from '@nestjs/common';
import { FakeSocket } from '../../test/support/fake-socket';
import type { Awaitable } from '../common/awaitable';
import { AppConfig } from '../config/app-config';
import type { Arrival } from '../realtime/arrivals';
import type { SessionRegistry } from '../realtime/session-registry';
import { joinedRoom } from '../realtime/socket-rooms';
import { MemoryNodeBus } from '../storage/memory-node-bus';
import type { RoomEvent, RoomListener } from './engine/room-event';
import type { RoomFeed } from './engine/room-feed';
import type { RoomStore } from './engine/room.store';
import { LocalMembers } from './local-members';
import type { MembershipListener, MembershipsService } from './memberships.service';

const [GARDEN, KITCHEN, DIRECT] = ['room_garden', 'room_kitchen', 'dm_a_b'];
const MAX_ROOMS = 3;

/** A bus that can lose messages. */
class Bus extends MemoryNodeBus {
  gap: () => void = () => undefined;

  override onGap(listener?: () => void): void {
    this.gap = listener ?? this.gap;
  }
}

/** An answer of the store that the test gives. */
function deferred(): { promise: Promise<string[]>; resolve(roomIds: string[]): void; reject(error: Error): void } {
  let [resolve, reject] = [(_: string[]): void => undefined, (_: Error): void => undefined];
  const promise = new Promise<string[]>((...ends) => ([resolve, reject] = ends));
  return { promise, resolve, reject };
}

describe('members with a socket on this node', () => {
  let members: LocalMembers;
  let arrival: Arrival;
  let memberships: Partial<MembershipListener>;
  let tell: RoomListener;
  let sockets: FakeSocket[];
  let bus: Bus;
  /** What the store says of each user; maybe later, or never. */
  let idsOf: (userId: string) => Awaitable<string[]>;

  beforeEach(() => {
    [sockets, bus, idsOf] = [[], new Bus(), () => []];
    const store = { idsOf: (userId: string) => idsOf(userId) } as unknown as RoomStore;
    const feed = { subscribe: (listener: RoomListener) => (tell = listener) } as unknown as RoomFeed;
    const service = { subscribe: (listener: MembershipListener) => (memberships = listener) };
    const sessions = {
      onArrival: (listener: Arrival) => (arrival = listener),
      socketsOf: (userId: string) => sockets.filter(({ data }) => data.identity.userId === userId),
    };
    members = new LocalMembers(
      store,
      feed,
      service as unknown as MembershipsService,
      sessions as unknown as SessionRegistry,
      bus,
      AppConfig.from({ MAX_ROOMS_PER_USER: String(MAX_ROOMS) }),
    );
    members.onModuleInit();
  });

  const outside = (roomId: string): string[] => [...members.outside(roomId, '/')];
  async function come(userId: string, namespace?: string): Promise<FakeSocket> {
    await arrival.prepare(userId);
    const socket = new FakeSocket(userId, namespace);
    sockets.push(socket);
    return socket;
  }
  function go(socket: FakeSocket): void {
    sockets.splice(sockets.indexOf(socket), 1);
    arrival.leave(socket.data.identity.userId);
  }

  it('are those whose socket in the namespace does not hear the room', async () => {
    idsOf = () => [GARDEN, DIRECT];
    const [first, second] = [await come('bob'), await come('bob')];
    await come('carol', '/rooms');
    expect([outside(GARDEN), outside(KITCHEN), outside(DIRECT)]).toEqual([['bob'], [], []]);
    first.join(joinedRoom(GARDEN));
    expect(outside(GARDEN)).toEqual(['bob']);
    second.join(joinedRoom(GARDEN));
    expect(outside(GARDEN)).toEqual([]);
  });

  it('are read once, and forgotten with the last socket', async () => {
    const read: string[] = [];
    idsOf = (userId) => {
      read.push(userId);
      return [GARDEN];
    };
    const [first, second] = [await come('bob'), await come('bob')];
    expect(read).toEqual(['bob']);
    go(first);
    expect(outside(GARDEN)).toEqual(['bob']);
    go(second);
    idsOf = () => [];
    await come('bob');
    expect(outside(GARDEN)).toEqual([]);
  });

  it('come into rooms, also while theirs are read, and only those who are here', async () => {
    const reading = deferred();
    idsOf = () => reading.promise;
    const coming = [come('bob'), come('bob')];
    await memberships.entered?.('bob', KITCHEN);
    await memberships.entered?.('carol', KITCHEN);
    reading.resolve([GARDEN]);
    await Promise.all(coming);
    expect([outside(GARDEN), outside(KITCHEN)]).toEqual([['bob'], ['bob']]);
    idsOf = () => [];
    await come('carol');
    expect(outside(KITCHEN)).toEqual(['bob']);
  });

  it('are not let in where their rooms cannot be read, and leave nothing behind', async () => {
    const reading = deferred();
    idsOf = () => reading.promise;
    const coming = [come('bob'), come('bob')];
    await memberships.entered?.('bob', KITCHEN);
    reading.reject(new Error('gone'));
    expect(await Promise.allSettled(coming)).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
    idsOf = () => [GARDEN];
    const socket = await come('bob');
    expect([outside(GARDEN), outside(KITCHEN)]).toEqual([['bob'], []]);
    go(socket);
    expect(outside(GARDEN)).toEqual([]);
  });

  it('are forgotten in a room that is closed, or that they are found to be out of', async () => {
    idsOf = () => [GARDEN, KITCHEN];
    await come('bob');
    tell({ kind: 'closed', roomId: GARDEN, position: 1, reason: 'deleted' } satisfies RoomEvent);
    members.drop('bob', KITCHEN);
    expect([outside(GARDEN), outside(KITCHEN)]).toEqual([[], []]);
  });

  it('are read again where news may have been missed, and go on where that fails', async () => {
    idsOf = () => [GARDEN];
    await come('bob');
    await come('carol');
    jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    idsOf = async (userId) => (userId === 'bob' ? Promise.reject(new Error('gone')) : [KITCHEN]);
    bus.gap();
    await new Promise(setImmediate);
    expect([outside(GARDEN), outside(KITCHEN)]).toEqual([['bob'], ['carol']]);
  });

  it('are read again when they seem to be in more rooms than anybody may be', async () => {
    await come('bob');
    idsOf = () => [GARDEN];
    for (let i = 0; i < MAX_ROOMS; i++) {
      await memberships.entered?.('bob', `room_${i}`);
    }
    expect(outside('room_0')).toEqual(['bob']);
    await memberships.entered?.('bob', GARDEN);
    expect([outside('room_0'), outside(GARDEN)]).toEqual([[], ['bob']]);
  });
});
