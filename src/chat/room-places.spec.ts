import { FakeSocket } from '../../test/support/fake-socket';
import { AppConfig } from '../config/app-config';
import type { RoomDelivery } from '../realtime/room-delivery';
import { joinedRoom } from '../realtime/socket-rooms';
import type { RoomFeed } from './engine/room-feed';
import { RoomPolicies } from './engine/room-policy';
import { RoomPlaces } from './room-places';

const GROUP = 'room_1';
const DIRECT = 'dm_a_b';

/** How often each room is followed; `open` ends the follow calls that wait. */
class Feed {
  readonly counts = new Map<string, number>();
  failing = false;
  gate: Promise<void> | undefined;

  async followRoom(roomId: string): Promise<void> {
    await this.gate;
    if (this.failing) {
      throw new Error('gone');
    }
    this.counts.set(roomId, this.count(roomId) + 1);
  }

  unfollowRoom(roomId: string): void {
    this.counts.set(roomId, this.count(roomId) - 1);
  }

  count(roomId: string): number {
    return this.counts.get(roomId) ?? 0;
  }
}

describe('sockets in rooms', () => {
  let feed: Feed;
  let places: RoomPlaces;

  beforeEach(() => {
    feed = new Feed();
    const delivery = { forget: () => undefined } as unknown as RoomDelivery;
    places = new RoomPlaces(feed as unknown as RoomFeed, new RoomPolicies(AppConfig.from({})), delivery);
  });

  const join = async (socket: FakeSocket, position: number, roomId = GROUP): Promise<void> => {
    const place = await places.begin(socket.socket, roomId);
    socket.join(joinedRoom(roomId));
    places.settle(place, position);
  };
  const isIn = (socket: FakeSocket, roomId = GROUP): boolean =>
    places.find(socket.socket, roomId) !== undefined && socket.rooms.has(joinedRoom(roomId));

  it('have a room that is heard by joining followed while one of them is in it', async () => {
    const [one, two] = [new FakeSocket(), new FakeSocket()];
    await join(one, 1);
    await join(one, 2);
    await join(two, 3);
    expect(feed.count(GROUP)).toBe(2);
    places.of(GROUP).forEach((place) => places.remove(place));
    expect(feed.count(GROUP)).toBe(0);
    expect([isIn(one), isIn(two)]).toEqual([false, false]);
    expect([places.of(GROUP), places.roomsOf(one.socket)]).toEqual([[], []]);
  });

  it('have no direct room followed, which is heard by its members', async () => {
    await join(new FakeSocket(), 1, DIRECT);
    expect([...feed.counts]).toEqual([]);
    expect(places.of(DIRECT)).toHaveLength(1);
  });

  it('are in no room that could not be followed', async () => {
    feed.failing = true;
    await expect(places.begin(new FakeSocket().socket, GROUP)).rejects.toThrow('gone');
    expect(places.of(GROUP)).toEqual([]);
    expect(feed.count(GROUP)).toBe(0);
  });

  it.each(['ended', 'taken out'])(
    'do not join when they are %s while the room is about to be followed',
    async (why) => {
      const socket = new FakeSocket();
      let open = (): void => undefined;
      feed.gate = new Promise((resolve) => (open = resolve));
      const joining = places.begin(socket.socket, GROUP);
      if (why === 'ended') {
        socket.data.ended = true;
      }
      places.of(GROUP).forEach((place) => places.remove(place));
      open();
      await expect(joining).rejects.toMatchObject({ code: 'ConflictError' });
      expect(feed.count(GROUP)).toBe(0);
      expect(places.of(GROUP)).toEqual([]);
    },
  );

  it('are out of a room that was closed after they joined, and of no other', async () => {
    const [before, after, elsewhere] = [new FakeSocket(), new FakeSocket(), new FakeSocket()];
    await join(before, 5);
    await join(elsewhere, 5, 'room_2');
    await join(after, 9);
    places.closed(GROUP, 7);
    expect([isIn(before), isIn(after), isIn(elsewhere, 'room_2')]).toEqual([false, true, true]);
  });

  it('are in a room that is opened again, though the end of the last one comes while they join', async () => {
    const socket = new FakeSocket();
    const place = await places.begin(socket.socket, GROUP);
    socket.join(joinedRoom(GROUP));
    places.closed(GROUP, 7);
    expect(isIn(socket)).toBe(true);
    places.settle(place, 9);
    expect(isIn(socket)).toBe(true);
  });

  it('are out of a room whose end comes while they join, after what they were told', async () => {
    const socket = new FakeSocket();
    const place = await places.begin(socket.socket, GROUP);
    socket.join(joinedRoom(GROUP));
    places.closed(GROUP, 7);
    places.settle(place, 6);
    expect(isIn(socket)).toBe(false);
    expect(feed.count(GROUP)).toBe(0);
  });

  it('stay in a room where another join of theirs fails, unless it was closed meanwhile', async () => {
    const socket = new FakeSocket();
    await join(socket, 5);
    expect(places.fail(await places.begin(socket.socket, GROUP))).toBe(true);
    expect(isIn(socket)).toBe(true);
    const place = await places.begin(socket.socket, GROUP);
    places.closed(GROUP, 7);
    expect(places.fail(place)).toBe(false);
    expect(isIn(socket)).toBe(false);
    expect(places.fail(await places.begin(socket.socket, GROUP))).toBe(false);
    expect(feed.count(GROUP)).toBe(0);
  });
});
