import { Injectable, Logger } from '@nestjs/common';
import { AppError } from '../common/app-error';
import { chain, isPromise } from '../common/awaitable';
import { Clock, isoTime } from '../common/clock';
import type { Identity } from '../common/identity';
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
import { directMembers, otherMember } from './engine/room';
import { MessageStore, type ResumePoint, type Snapshot } from './engine/message.store';
import { RoomFeed } from './engine/room-feed';
import { RoomLifeService } from './room-life.service';
import { RoomsService } from './rooms.service';
import { TypingService } from './typing.service';
import { messageView, roomView } from './view';

/** What a join ack holds at most (chat.md, Resume). */
const JOIN_LIMITS = { count: 500, bytes: 1024 * 1024 };
/** A room that is wiped between opening and reading is opened again, but not for ever. */
const MAX_TRIES = 3;

/** Sockets entering and leaving rooms. Stands beside the gateway: it knows sockets, and decides nothing. */
@Injectable()
export class RoomEntry {
  private readonly logger = new Logger(RoomEntry.name);
  /** Rooms that a socket joined or left, by socket id. */
  private readonly touched = new Map<string, Set<string>>();

  constructor(
    private readonly rooms: RoomsService,
    private readonly feed: RoomFeed,
    private readonly messages: MessageStore,
    private readonly delivery: RoomDelivery,
    private readonly broadcaster: Broadcaster,
    private readonly typing: TypingService,
    private readonly life: RoomLifeService,
    private readonly sessions: SessionRegistry,
    private readonly closer: SocketCloser,
    private readonly realtime: RealtimeServer,
    private readonly clock: Clock,
  ) {}

  /** A room was closed: its sockets are in it no more, unless it stands again by now and they have joined that. */
  closed(roomId: string): void {
    const cleared = chain(this.rooms.stands(roomId), (stands) => (stands ? undefined : this.clear(roomId)));
    if (isPromise(cleared)) {
      // What is kept too long goes with the sockets.
      cleared.catch((error: unknown) => this.logger.warn({ err: error, roomId }, 'A closed room was not cleared'));
    }
  }

  /** Events of the room were missed: who hears it here has to come back and resume. */
  missed(roomId: string): void {
    for (const userId of directMembers(roomId) ?? []) {
      for (const socket of [...this.sessions.socketsOf(userId)]) {
        this.closer.closeTransport(socket);
      }
    }
  }

  /**
   * Joins a room, opened if need be. From here to the ack its events are held back; what the ack covers is not sent
   * again, what came after it follows. @throws AppError ValidationError, AuthorizationError, NotFoundError
   */
  async join(socket: MayflySocket, dto: JoinRoomDto): Promise<JoinedDto> {
    const { roomId } = dto;
    const from = resumePoint(dto);
    this.rooms.authorize(socket.data.identity, roomId);
    this.delivery.hold(socket, roomId);
    let covered = 0;
    let waiting: ReturnType<typeof messageView>[] = [];
    socket.data.afterReply = () => {
      for (const message of waiting) {
        this.broadcaster.emitTo(socket, ChatEvents.messageNew, message);
      }
      this.delivery.release(socket, roomId, covered);
    };
    const snapshot = await this.enter(socket, dto, from);
    covered = snapshot.room.position;
    const { userId } = socket.data.identity;
    const messages = snapshot.messages.map((message) => messageView(message, userId));
    if (!from) {
      // Pages that ignore the ack find what waits for them this way.
      waiting = messages.filter(({ status, senderId }) => status === 'sent' && senderId !== userId);
    }
    return this.joined(snapshot, messages, socket.data.identity);
  }

  /** Leaves a room; of any other room a success without effect. */
  async leave(socket: MayflySocket, roomId: string): Promise<void> {
    const { identity } = socket.data;
    if (!this.rooms.isMember(identity, roomId)) {
      return;
    }
    this.typing.clear(identity, roomId);
    if (!(await this.rooms.stands(roomId))) {
      return;
    }
    await this.feed.leave({ roomId, userId: identity.userId, socketId: socket.id });
    this.touch(socket, roomId);
    void socket.leave(joinedRoom(roomId));
    void socket.join(leftRoom(roomId));
    await this.life.review(roomId);
  }

  /** A socket that left hears the room again once it sends there. */
  async listenAgain(socket: MayflySocket, roomId: string): Promise<void> {
    void socket.leave(leftRoom(roomId));
    await this.feed.forget({ roomId, userId: socket.data.identity.userId, socketId: socket.id });
  }

  /** The socket is gone: so are its joins, its leaves and its typing. */
  async disconnected(socket: MayflySocket): Promise<void> {
    const { userId } = socket.data.identity;
    this.typing.forget(socket.id);
    const rooms = new Set(this.touched.get(socket.id));
    this.touched.delete(socket.id);
    for (const roomId of rooms) {
      this.delivery.forget(socket, roomId);
      await this.feed.forget({ roomId, userId, socketId: socket.id });
    }
    // What the user's other sockets left is left by all of them, now that this one is gone.
    for (const other of this.sessions.socketsOf(userId)) {
      this.touched.get(other.id)?.forEach((roomId) => rooms.add(roomId));
    }
    for (const roomId of rooms) {
      await this.life.review(roomId);
    }
  }

  /** Remembers that a socket joined or left a room, to be undone when it is gone. */
  private touch(socket: MayflySocket, roomId: string): void {
    let rooms = this.touched.get(socket.id);
    if (!rooms) {
      rooms = new Set();
      this.touched.set(socket.id, rooms);
    }
    rooms.add(roomId);
  }

  private clear(roomId: string): void {
    const rooms = [joinedRoom(roomId), leftRoom(roomId)];
    const { adapter } = this.realtime.io.of('/');
    for (const socketId of rooms.flatMap((room) => [...(adapter.rooms.get(room) ?? [])])) {
      const touched = this.touched.get(socketId);
      if (touched?.delete(roomId) && touched.size === 0) {
        this.touched.delete(socketId);
      }
    }
    this.realtime.io.of('/').local.in(rooms).socketsLeave(rooms);
  }

  private async enter(socket: MayflySocket, dto: JoinRoomDto, from: ResumePoint | undefined): Promise<Snapshot> {
    const { identity } = socket.data;
    const { roomId, publicKey } = dto;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      await this.rooms.ensure(identity, roomId);
      if (socket.data.ended) {
        // Whatever it joined now would not be forgotten: it is gone already.
        throw new AppError('ConflictError', 'The connection was closed');
      }
      this.touch(socket, roomId);
      void socket.leave(leftRoom(roomId));
      void socket.join(joinedRoom(roomId));
      await this.feed.enter({ roomId, userId: identity.userId, socketId: socket.id });
      if (publicKey !== undefined) {
        await this.feed.setPublicKey(roomId, identity.userId, publicKey);
      }
      const snapshot = await this.messages.snapshot(roomId, identity.userId, from, JOIN_LIMITS);
      if (snapshot) {
        return snapshot;
      }
    }
    throw new AppError('ConflictError', 'The room is being closed, try again');
  }

  private joined(snapshot: Snapshot, messages: ReturnType<typeof messageView>[], identity: Identity): JoinedDto {
    const { room } = snapshot;
    const otherUserId = otherMember(room.id, identity.userId);
    const otherUserPublicKey = otherUserId === undefined ? undefined : room.publicKeys[otherUserId];
    return {
      room: roomView(room),
      messages,
      live: snapshot.live,
      changed: snapshot.changed.map((message) => messageView(message, identity.userId)),
      ...(snapshot.more && { more: true }),
      activeUsers: [...snapshot.activeUsers],
      ...(otherUserId !== undefined && { otherUserId }),
      ...(otherUserPublicKey !== undefined && { otherUserPublicKey }),
      publicKeys: { ...room.publicKeys },
      lastSeq: snapshot.lastSeq,
      epoch: room.epoch,
      gap: snapshot.gap,
      serverTime: isoTime(this.clock.now()),
    };
  }
}

/** @throws AppError ValidationError for one of `since` and `epoch` without the other */
function resumePoint({ since, epoch, sinceTime }: JoinRoomDto): ResumePoint | undefined {
  if (since === undefined && epoch === undefined) {
    return undefined;
  }
  if (since === undefined || epoch === undefined) {
    const missing = since === undefined ? 'since' : 'epoch';
    throw AppError.field(missing, '`since` and `epoch` go together');
  }
  return { since, epoch, sinceTime: sinceTime === undefined ? undefined : Date.parse(sinceTime) };
}
