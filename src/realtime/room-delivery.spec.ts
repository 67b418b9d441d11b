import fc from 'fast-check';
import { FakeSocket } from '../../test/support/fake-socket';
import type { Audience, Broadcaster } from './broadcaster';
import { RoomDelivery } from './room-delivery';
import type { ServerEvent } from './server-event';
import type { SessionRegistry } from './session-registry';
import type { SocketCloser } from './socket-closer';
import { joinedRoom, leftRoom, userRoom } from './socket-rooms';
import type { MayflySocket } from './socket-session';

const SEED = 20260101;
const ROOM = 'room';
const USERS = ['alice', 'bob'];
const MAX_HELD = 1000;
const EVENT = { name: 'message', namespace: '/' } as ServerEvent<{ position: number }>;

/** A room of which every member's socket hears, or one whose sockets have to join. */
const AUDIENCES = { members: { users: USERS, byMembership: true }, joined: { byMembership: false } };

/** Sockets, and a broadcaster that knows them as Socket.IO does. */
class World {
  readonly sockets: FakeSocket[] = [];
  readonly closed: MayflySocket[] = [];
  readonly delivery: RoomDelivery;
  position = 0;

  constructor() {
    const broadcaster = {
      emit: (event: ServerEvent<object>, payload: object, { rooms, except = [] }: Audience) => {
        for (const socket of this.sockets.filter(({ nsp }) => nsp.name === event.namespace)) {
          const own = new Set([...socket.rooms, socket.id]);
          if (rooms.some((room) => own.has(room)) && !except.some((room) => own.has(room))) {
            socket.emit(event.name, payload);
          }
        }
      },
      emitTo: (socket: MayflySocket, event: ServerEvent<object>, payload: object) =>
        void socket.emit(event.name, payload),
    } as Broadcaster;
    const closer = { closeTransport: (socket: MayflySocket) => void this.closed.push(socket) } as SocketCloser;
    const sessions = {
      socketsOf: (userId: string) => this.sockets.filter(({ data }) => data.identity.userId === userId),
    } as unknown as SessionRegistry;
    this.delivery = new RoomDelivery(broadcaster, closer, sessions);
  }

  connect(userId: string, namespace?: string): FakeSocket {
    const socket = new FakeSocket(userId, namespace);
    socket.join(userRoom(userId));
    this.sockets.push(socket);
    return socket;
  }

  /** Something happens in the room. */
  emit(audience: Parameters<RoomDelivery['emit']>[4]): void {
    this.position++;
    this.delivery.emit(EVENT, { position: this.position }, ROOM, this.position, audience);
  }
}

const heard = (socket: FakeSocket): number[] =>
  socket.sent.map(([, payload]) => (payload as { position: number }).position);
const upTo = (last: number, first = 1): number[] => Array.from({ length: last - first + 1 }, (_, i) => first + i);

type Step = { do: 'emit' } | { do: 'hold' | 'read' | 'release'; socket: number };
const socketNumber = fc.nat(2);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { arbitrary: fc.constant<Step>({ do: 'emit' }), weight: 3 },
    fc.record({ do: fc.constantFrom('hold' as const, 'read' as const, 'release' as const), socket: socketNumber }),
    fc.record({ do: fc.constantFrom('hold' as const, 'read' as const, 'release' as const), socket: socketNumber }),
  ),
  { maxLength: 60, size: 'max' },
);

describe('the delivery of a room’s events', () => {
  it.each(Object.entries(AUDIENCES))(
    'loses, doubles and reorders nothing across joins, in a room of %s',
    (_which, audience) => {
      fc.assert(
        fc.property(steps, (sequence) => {
          const world = new World();
          const joiners = [world.connect('alice'), world.connect('alice'), world.connect('bob')].map((socket) => ({
            socket,
            // What a join told in its ack counts as heard.
            known: [] as number[],
            from: 0,
            holding: false,
            read: undefined as number | undefined,
          }));
          const release = (joiner: (typeof joiners)[number]): void => {
            const covered = joiner.read ?? world.position;
            if (joiner.from === 0) {
              joiner.from = covered + 1;
              joiner.socket.sent.length = 0;
            } else {
              joiner.known.push(...heard(joiner.socket).splice(0));
              joiner.socket.sent.length = 0;
              joiner.known.push(...upTo(covered, (joiner.known.at(-1) ?? joiner.from - 1) + 1));
            }
            world.delivery.release(joiner.socket.socket, ROOM, covered);
            joiner.holding = false;
          };
          for (const step of sequence) {
            const joiner = 'socket' in step ? joiners[step.socket] : undefined;
            if (!joiner) {
              world.emit(audience);
            } else if (step.do === 'hold' && !joiner.holding) {
              world.delivery.hold(joiner.socket.socket, ROOM);
              joiner.socket.join(joinedRoom(ROOM));
              Object.assign(joiner, { holding: true, read: undefined });
            } else if (step.do === 'read' && joiner.holding) {
              joiner.read ??= world.position;
            } else if (step.do === 'release' && joiner.holding) {
              release(joiner);
            }
          }
          joiners.filter(({ holding }) => holding).forEach(release);
          for (const { socket, known, from } of joiners) {
            if (from > 0) {
              expect([...known, ...heard(socket)]).toEqual(upTo(world.position, from));
            }
          }
          expect(world.closed).toEqual([]);
          expect(joiners.flatMap(({ socket }) => [...socket.rooms]).filter((room) => room.startsWith('h:'))).toEqual(
            [],
          );
        }),
        { seed: SEED, numRuns: 500 },
      );
    },
  );

  it('holds back from the socket that joins, and from no other', () => {
    const world = new World();
    const [first, second, other] = [world.connect('alice'), world.connect('alice'), world.connect('bob')];
    world.delivery.hold(first.socket, ROOM);
    world.emit(AUDIENCES.members);
    world.emit(AUDIENCES.members);
    expect([heard(first), heard(second), heard(other)]).toEqual([[], [1, 2], [1, 2]]);
    world.delivery.release(first.socket, ROOM, 1);
    expect(heard(first)).toEqual([2]);
    world.emit(AUDIENCES.members);
    expect([heard(first), heard(second)]).toEqual([
      [2, 3],
      [1, 2, 3],
    ]);
  });

  it('holds back nothing of another room, and lets go of one room at a time', () => {
    const world = new World();
    const alice = world.connect('alice');
    world.delivery.hold(alice.socket, 'another');
    world.delivery.hold(alice.socket, ROOM);
    world.emit(AUDIENCES.members);
    world.delivery.release(alice.socket, 'another', 0);
    expect(heard(alice)).toEqual([]);
    world.delivery.release(alice.socket, ROOM, 0);
    expect(heard(alice)).toEqual([1]);
  });

  it('holds back nothing that is told in another namespace', () => {
    const world = new World();
    const [native, other] = [world.connect('alice'), world.connect('alice', '/other')];
    const told = { ...EVENT, namespace: '/other' };
    world.delivery.hold(native.socket, ROOM);
    for (const event of [EVENT, told]) {
      world.delivery.emit(event, { position: 1 }, ROOM, 1, AUDIENCES.members);
    }
    world.delivery.release(native.socket, ROOM, 0);
    expect([heard(native), heard(other)]).toEqual([[1], [1]]);
  });

  it('hands a socket that joins only what is for it', () => {
    const world = new World();
    const [alice, bob] = [world.connect('alice'), world.connect('bob')];
    world.delivery.hold(alice.socket, ROOM);
    world.delivery.hold(bob.socket, ROOM);
    world.emit({ users: ['bob'], byMembership: true });
    world.emit({ ...AUDIENCES.members, exceptSocket: alice.id });
    world.emit(AUDIENCES.members);
    world.delivery.release(alice.socket, ROOM, 0);
    world.delivery.release(bob.socket, ROOM, 0);
    expect([heard(alice), heard(bob)]).toEqual([[3], [1, 2, 3]]);
  });

  it('passes by who left, but for what they have to know', () => {
    const world = new World();
    const [alice, bob] = [world.connect('alice'), world.connect('bob')];
    bob.join(leftRoom(ROOM));
    world.emit(AUDIENCES.members);
    world.emit({ ...AUDIENCES.members, evenLeft: true });
    world.emit({ ...AUDIENCES.members, exceptSocket: alice.id });
    expect([heard(alice), heard(bob)]).toEqual([[1, 2], [2]]);
  });

  it('passes by one user where told to, in rooms of both kinds', () => {
    const world = new World();
    const [alice, bob, other] = [world.connect('alice'), world.connect('bob'), world.connect('bob')];
    [alice, bob].forEach((socket) => socket.join(joinedRoom(ROOM)));
    world.delivery.hold(other.socket, ROOM);
    world.emit({ ...AUDIENCES.members, exceptUser: 'bob' });
    world.emit({ ...AUDIENCES.joined, exceptUser: 'alice' });
    world.delivery.release(other.socket, ROOM, 0);
    expect([heard(alice), heard(bob), heard(other)]).toEqual([[1], [2], [2]]);
  });

  it('tells some users of a room that is heard by joining on those of their sockets that joined', () => {
    const world = new World();
    const [joined, apart, alice] = [world.connect('bob'), world.connect('bob'), world.connect('alice')];
    [joined, alice].forEach((socket) => socket.join(joinedRoom(ROOM)));
    world.emit({ users: ['bob'], byMembership: false });
    expect([heard(joined), heard(apart), heard(alice)]).toEqual([[1], [], []]);
    world.emit({ users: ['nobody'], byMembership: false });
    expect([heard(joined), heard(apart), heard(alice)]).toEqual([[1], [], []]);
  });

  it('sends nothing of what it held back from a socket that is dropped', () => {
    const world = new World();
    const [alice, bob] = [world.connect('alice'), world.connect('bob')];
    [alice, bob].forEach((socket) => world.delivery.hold(socket.socket, ROOM));
    world.emit(AUDIENCES.members);
    world.delivery.drop(alice.socket, ROOM);
    world.delivery.release(alice.socket, ROOM, 0);
    world.delivery.release(bob.socket, ROOM, 0);
    expect([heard(alice), heard(bob)]).toEqual([[], [1]]);
    expect([...alice.rooms].filter((room) => room.startsWith('h:'))).toEqual([]);
  });

  it('loses, doubles and reorders nothing where the events come to this node later than its reads tell', () => {
    type Late = Step | { do: 'happen' };
    const late = fc.array(
      fc.oneof(
        { arbitrary: fc.constant<Late>({ do: 'happen' }), weight: 2 },
        { arbitrary: fc.constant<Late>({ do: 'emit' }), weight: 2 },
        fc.record({ do: fc.constantFrom('hold' as const, 'read' as const, 'release' as const), socket: socketNumber }),
      ),
      { maxLength: 60, size: 'max' },
    );
    fc.assert(
      fc.property(late, (sequence) => {
        const world = new World();
        const joiners = [world.connect('alice'), world.connect('alice'), world.connect('bob')].map((socket) => ({
          socket,
          holding: false,
          read: undefined as number | undefined,
          /** What the last ack covered, and how much was heard before it. */
          covered: undefined as number | undefined,
          before: 0,
        }));
        let happened = 0;
        const release = (joiner: (typeof joiners)[number]): void => {
          joiner.covered = Math.max(joiner.read ?? happened, joiner.covered ?? 0);
          joiner.before = heard(joiner.socket).length;
          world.delivery.release(joiner.socket.socket, ROOM, joiner.covered);
          joiner.holding = false;
        };
        for (const step of sequence) {
          const joiner = 'socket' in step ? joiners[step.socket] : undefined;
          if (step.do === 'happen') {
            happened++;
          } else if (!joiner) {
            if (world.position < happened) {
              world.emit(AUDIENCES.members);
            }
          } else if (step.do === 'hold' && !joiner.holding) {
            world.delivery.hold(joiner.socket.socket, ROOM);
            Object.assign(joiner, { holding: true, read: undefined });
          } else if (step.do === 'read' && joiner.holding) {
            joiner.read ??= happened;
          } else if (step.do === 'release' && joiner.holding) {
            release(joiner);
          }
        }
        joiners.filter(({ holding }) => holding).forEach(release);
        while (world.position < happened) {
          world.emit(AUDIENCES.members);
        }
        for (const { socket, covered, before } of joiners) {
          if (covered !== undefined) {
            expect(heard(socket).slice(before)).toEqual(upTo(happened, covered + 1));
          }
        }
        expect(world.closed).toEqual([]);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  it('keeps nothing of what an ack covered once that has come, or its socket is gone', () => {
    const world = new World();
    const [alice, bob] = [world.connect('alice'), world.connect('bob')];
    const kept = (): number => (world.delivery as unknown as { covered: Map<string, unknown> }).covered.size;
    for (const { socket } of [alice, bob]) {
      world.delivery.hold(socket, ROOM);
      world.delivery.release(socket, ROOM, 2);
    }
    world.emit(AUDIENCES.members);
    world.emit(AUDIENCES.members);
    expect(kept()).toBe(1);
    world.delivery.forget(alice.socket, ROOM);
    expect(kept()).toBe(1);
    world.emit(AUDIENCES.members);
    expect(kept()).toBe(0);
    expect(heard(bob)).toEqual([3]);
    alice.data.ended = true;
    world.delivery.hold(alice.socket, ROOM);
    world.delivery.release(alice.socket, ROOM, 9);
    expect(kept()).toBe(0);
  });

  it('closes a socket whose join takes too long, so that it comes back and asks again', () => {
    const world = new World();
    const [alice, bob] = [world.connect('alice'), world.connect('bob')];
    world.delivery.hold(alice.socket, ROOM);
    for (let i = 0; i < MAX_HELD; i++) {
      world.emit(AUDIENCES.members);
    }
    expect(world.closed).toEqual([]);
    world.emit(AUDIENCES.members);
    expect(world.closed).toEqual([alice.socket]);
    expect(heard(bob)).toHaveLength(MAX_HELD + 1);
  });
});
