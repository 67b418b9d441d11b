import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { LinkSigner } from '../attachments/link-signer';
import { AppError } from '../common/app-error';
import { chain, isPromise } from '../common/awaitable';
import { Broadcaster } from '../realtime/broadcaster';
import { RealtimeServer } from '../realtime/realtime-server';
import { RoomDelivery } from '../realtime/room-delivery';
import { SessionRegistry } from '../realtime/session-registry';
import { SocketCloser } from '../realtime/socket-closer';
import { joinedRoom, leftRoom } from '../realtime/socket-rooms';
import type { MayflySocket } from '../realtime/socket-session';
import { ChatEvents } from './chat.events';
import type { JoinedDto } from './dto/chat-answers.dto';
import type { JoinRoomDto } from './dto/chat-requests.dto';
import { directMembers } from './engine/room';
import { MessageStore, type ResumePoint, type Snapshot } from './engine/message.store';
import { RoomFeed } from './engine/room-feed';
import type { RoomSummary } from './engine/room.store';
import { RoomPolicies } from './engine/room-policy';
import { joinedView } from './joined-view';
import { RoomLifeService } from './room-life.service';
import { type Place, RoomPlaces } from './room-places';
import { resumePoint } from './resume-point';
import { RoomsService } from './rooms.service';
import { SilentJoins } from './silent-joins';
import { TypingService } from './typing.service';
import { messageView, roomView } from './view';

/** What a join ack holds at most (chat.md, Resume). */
const JOIN_LIMITS = { count: 500, bytes: 1024 * 1024 };
/** Public keys are for rooms of so many members at most (chat.md). */
const MAX_KEYED_MEMBERS = 100;
/** A room that is wiped between opening and reading is opened again, but not for ever. */
const MAX_TRIES = 3;

/** Sockets entering and leaving rooms. Stands beside the gateway: it knows sockets, and decides nothing. */
@Injectable()
export class RoomEntry implements OnApplicationBootstrap {
  private readonly logger = new Logger(RoomEntry.name);
  /** Rooms that a socket left and would otherwise hear. */
  private readonly left = new Map<MayflySocket, Set<string>>();

  constructor(
    private readonly rooms: RoomsService,
    private readonly feed: RoomFeed,
    private readonly messages: MessageStore,
    private readonly policies: RoomPolicies,
    private readonly places: RoomPlaces,
    private readonly silently: SilentJoins,
    private readonly delivery: RoomDelivery,
    private readonly broadcaster: Broadcaster,
    private readonly typing: TypingService,
    private readonly life: RoomLifeService,
    private readonly sessions: SessionRegistry,
    private readonly closer: SocketCloser,
    private readonly realtime: RealtimeServer,
    private readonly links: LinkSigner,
  ) {}

  /** Behind every announcer: what is told of the end of a room is told to who was in it. */
  onApplicationBootstrap(): void {
    this.feed.subscribe((event) => {
      if (event.kind === 'closed') {
        this.closed(event.roomId, event.position);
      }
    });
  }

  /** A room was closed, at this position: its sockets are in it no more, but for those that joined what stands now. */
  private closed(roomId: string, position: number): void {
    this.places.closed(roomId, position);
    const cleared = chain(this.rooms.stands(roomId), (stands) => (stands ? undefined : this.forgetLeaves(roomId)));
    if (isPromise(cleared)) {
      // What is kept too long goes with the sockets.
      cleared.catch((error: unknown) => this.logger.warn({ err: error, roomId }, 'A closed room was not cleared'));
    }
  }

  /** Events of the room were missed: who hears it here has to come back and resume. */
  missed(roomId: string): void {
    const sockets =
      this.policies.byId(roomId).audience === 'joined'
        ? this.places.of(roomId).map(({ socket }) => socket)
        : (directMembers(roomId) ?? []).flatMap((userId) => [...this.sessions.socketsOf(userId)]);
    sockets.forEach((socket) => this.closer.closeTransport(socket));
  }

  /**
   * Takes the sockets that a user has on this node out of a room that is heard by joining: nothing more of it reaches
   * them, not what a join under way holds back either, and such a join fails. Called on every node for the event of the
   * feed that says so; then it holds for everything after that event.
   */
  remove(userId: string, roomId: string): void {
    for (const socket of this.sessions.socketsOf(userId)) {
      const place = this.places.find(socket, roomId);
      if (place) {
        this.places.remove(place);
        this.delivery.drop(socket, roomId);
        this.typing.clear(socket.data.identity, roomId);
        this.forget(socket, roomId);
      }
    }
  }

  /**
   * Joins a room, opened if need be. From here to the ack its events are held back; what the ack covers is not sent
   * again, what came after it follows. @throws AppError ValidationError, AuthorizationError, NotFoundError
   */
  async join(socket: MayflySocket, dto: JoinRoomDto): Promise<JoinedDto> {
    const { roomId } = dto;
    const { identity } = socket.data;
    const from = resumePoint(dto);
    const authorized = this.rooms.authorize(identity, roomId);
    if (isPromise(authorized)) {
      await authorized;
    }
    this.delivery.hold(socket, roomId);
    socket.data.afterReply = () => this.refused(socket, roomId);
    const place = await this.places.begin(socket, roomId);
    const snapshot = await this.enter(place, dto, from);
    const members = await this.rooms.firstMembers(snapshot.room);
    this.places.assertStands(place);
    const messages = snapshot.messages.map((message) => messageView(message, identity.userId, this.links));
    // Pages of direct chats that ignore the ack find what waits for them this way.
    const isRepeated = !from && this.policies.byId(roomId).audience === 'members';
    const waiting = isRepeated
      ? messages.filter(({ status, senderId }) => status === 'sent' && senderId !== identity.userId)
      : [];
    socket.data.afterReply = () => {
      for (const message of waiting) {
        this.broadcaster.emitTo(socket, ChatEvents.messageNew, message);
      }
      this.delivery.release(socket, roomId, snapshot.room.position);
      this.places.settle(place, snapshot.room.position);
    };
    return joinedView(snapshot, messages, roomView(snapshot.room, members), identity.userId, this.links);
  }

  /** Joins all rooms of the socket's user, those too that it left. Gives them, newest activity first. */
  async joinAll(socket: MayflySocket): Promise<RoomSummary[]> {
    const rooms = await this.silently.joinAll(socket, { later: false });
    this.left.get(socket)?.forEach((roomId) => void socket.leave(leftRoom(roomId)));
    this.left.delete(socket);
    return rooms;
  }

  /** Leaves a room; of any other room a success without effect. */
  async leave(socket: MayflySocket, roomId: string): Promise<void> {
    const { identity } = socket.data;
    const place = this.places.find(socket, roomId);
    if (!place && !this.rooms.isMember(identity, roomId)) {
      return;
    }
    this.typing.clear(identity, roomId);
    const occupant = { roomId, userId: identity.userId, socketId: socket.id };
    if (this.policies.byId(roomId).audience === 'joined') {
      if (place) {
        this.places.remove(place);
        await this.feed.forget(occupant);
        await this.life.review(roomId);
      }
      return;
    }
    if (!(await this.rooms.stands(roomId)) || socket.data.ended) {
      return;
    }
    // Before anything is told, so that it is undone where the socket is gone meanwhile.
    this.note(socket, roomId);
    if (place) {
      this.places.remove(place);
    }
    await this.feed.leave(occupant);
    if (socket.data.ended) {
      return;
    }
    void socket.join(leftRoom(roomId));
    await this.life.review(roomId);
  }

  /** Whether a socket hears a room that it is allowed to hear. */
  hears(socket: MayflySocket, roomId: string): boolean {
    return this.policies.byId(roomId).audience === 'joined'
      ? this.silently.hasJoined(socket, roomId)
      : this.left.get(socket)?.has(roomId) !== true;
  }

  /** A socket hears the room once it sends there: again if it left, and as one that joined where joining is needed. */
  async listen(socket: MayflySocket, roomId: string): Promise<void> {
    const { identity } = socket.data;
    if (this.policies.byId(roomId).audience === 'members') {
      void socket.leave(leftRoom(roomId));
      this.left.get(socket)?.delete(roomId);
      await this.feed.forget({ roomId, userId: identity.userId, socketId: socket.id });
      return;
    }
    await this.silently.join(socket, roomId);
  }

  /** The socket is gone: so are its joins, its leaves and its typing. */
  async disconnected(socket: MayflySocket): Promise<void> {
    const { userId } = socket.data.identity;
    this.typing.forget(socket.id);
    const rooms = new Set([...this.places.roomsOf(socket), ...(this.left.get(socket) ?? [])]);
    this.left.delete(socket);
    for (const roomId of rooms) {
      const place = this.places.find(socket, roomId);
      if (place) {
        this.places.remove(place);
      }
      this.delivery.drop(socket, roomId);
    }
    for (const roomId of rooms) {
      await this.feed.forget({ roomId, userId, socketId: socket.id });
    }
    // What the user's other sockets left is left by all of them, now that this one is gone.
    for (const other of this.sessions.socketsOf(userId)) {
      this.left.get(other)?.forEach((roomId) => rooms.add(roomId));
    }
    for (const roomId of rooms) {
      await this.life.review(roomId);
    }
  }

  /** A join was refused. What was held back is for the socket only if it hears the room without it. */
  private refused(socket: MayflySocket, roomId: string): void {
    const place = this.places.find(socket, roomId);
    const stays = place ? this.places.fail(place) : false;
    if (place && !stays) {
      this.forget(socket, roomId);
    }
    if (stays || this.policies.byId(roomId).audience === 'members') {
      this.delivery.release(socket, roomId, 0);
    } else {
      this.delivery.drop(socket, roomId);
    }
  }

  /** Takes back what the store knows of a socket in a room, which may be nothing. */
  private forget(socket: MayflySocket, roomId: string): void {
    const { userId } = socket.data.identity;
    const forgotten = this.feed.forget({ roomId, userId, socketId: socket.id });
    if (isPromise(forgotten)) {
      // It goes when the socket's node is gone.
      forgotten.catch((error: unknown) => this.logger.warn({ err: error, roomId }, 'A socket still counts as joined'));
    }
  }

  /** Remembers that a socket left a room, to be undone when it is gone. */
  private note(socket: MayflySocket, roomId: string): void {
    const rooms = this.left.get(socket) ?? new Set();
    this.left.set(socket, rooms.add(roomId));
  }

  private forgetLeaves(roomId: string): void {
    const namespace = this.realtime.io.of('/');
    for (const socketId of namespace.adapter.rooms.get(leftRoom(roomId)) ?? []) {
      const socket = this.sessions.find(socketId);
      const rooms = socket && this.left.get(socket);
      if (rooms?.delete(roomId) && rooms.size === 0) {
        this.left.delete(socket as MayflySocket);
      }
    }
    namespace.local.in(leftRoom(roomId)).socketsLeave(leftRoom(roomId));
  }

  private async enter(place: Place, dto: JoinRoomDto, from: ResumePoint | undefined): Promise<Snapshot> {
    const { socket, roomId } = place;
    const { identity } = socket.data;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const { memberCount } = await this.rooms.ensure(identity, roomId);
      this.places.assertStands(place);
      void socket.leave(leftRoom(roomId));
      void socket.join(joinedRoom(roomId));
      await this.feed.enter({ roomId, userId: identity.userId, socketId: socket.id });
      if (dto.publicKey !== undefined && memberCount <= MAX_KEYED_MEMBERS) {
        await this.feed.setPublicKey(roomId, identity.userId, dto.publicKey);
      }
      const snapshot = await this.messages.snapshot(roomId, identity.userId, from, JOIN_LIMITS);
      if (snapshot) {
        return snapshot;
      }
    }
    throw new AppError('ConflictError', 'The room is being closed, try again');
  }
}
