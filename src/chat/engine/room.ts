import { ID_LENGTH } from '../../common/ids';

export type RoomType = 'direct' | 'public' | 'private' | 'ghost';

/** What holds in one room. */
export interface RoomSettings {
  readonly maxMembers: number;
  /** Default lifetime of later messages, whole seconds; null keeps them until the room is deleted. */
  readonly messageTtl: number | null;
  readonly allowFileSharing: boolean;
  readonly moderationEnabled: boolean;
  /** Least pause between two messages of one member, seconds. */
  readonly slowModeSeconds: number;
  readonly encrypted: boolean;
}

/** A room as it stands: a copy of what the store keeps. Times are epoch ms. */
export interface Room {
  readonly id: string;
  readonly type: RoomType;
  /** Stays as long as `seq` counts on; another one: the room counts anew. */
  readonly epoch: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly creatorId: string | null;
  /** Both of a direct room; of others none, they are too many to travel along (`MembershipStore.members`). */
  readonly members: readonly Member[];
  readonly memberCount: number;
  readonly settings: RoomSettings;
  readonly lastSeq: number;
  /** Counts everything that happened in the room, as its feed does; rises on where the room is opened anew. */
  readonly position: number;
  readonly createdAt: number;
  readonly lastActivity: number;
  /** Public key by user id, as handed over with `room:join`. */
  readonly publicKeys: Readonly<Record<string, string>>;
}

export interface Member {
  readonly userId: string;
  readonly username: string;
}

/** A room to be made. */
export interface RoomDraft {
  readonly id: string;
  readonly type: RoomType;
  readonly epoch: string;
  readonly members: readonly Member[];
  readonly settings: RoomSettings;
  readonly createdAt: number;
  /** Who opens it. */
  readonly openedBy: string;
}

/** Why a room was closed. */
export type CloseReason = 'left' | 'deleted' | 'erased';

const GROUP_PREFIX = 'room_';
/** Begins the ids of anonymous rooms, and of no others. */
export const GHOST_PREFIX = 'gh_';

export function isGhostRoomId(roomId: string): boolean {
  return roomId.startsWith(GHOST_PREFIX);
}

/** Whether a room is one of those that together may use a part of the memory only: nobody has vouched for who writes there. */
export function isAnonymousRoomId(roomId: string): boolean {
  return isGhostRoomId(roomId);
}

const DIRECT_PREFIX = 'dm_';
const DIRECT_LENGTH = DIRECT_PREFIX.length + ID_LENGTH + 1 + ID_LENGTH;
const SECOND = DIRECT_PREFIX.length + ID_LENGTH + 1;

/** The id of the direct room of two users: always the same, whoever asks. */
export function directRoomId(a: string, b: string): string {
  return a < b ? `${DIRECT_PREFIX}${a}_${b}` : `${DIRECT_PREFIX}${b}_${a}`;
}

/** The id of a public or private room. */
export function groupRoomId(id: string): string {
  return GROUP_PREFIX + id;
}

/** Whether a room of this id has members who can change. */
export function isGroupRoomId(roomId: string): boolean {
  return roomId.startsWith(GROUP_PREFIX);
}

export function isDirectRoomId(roomId: string): boolean {
  return roomId.startsWith(DIRECT_PREFIX);
}

/** The two users of a direct room, in the order of the id; undefined for anything that is no such id. */
export function directMembers(roomId: string): readonly [string, string] | undefined {
  if (roomId.length !== DIRECT_LENGTH || !isDirectRoomId(roomId) || roomId[SECOND - 1] !== '_') {
    return undefined;
  }
  const first = roomId.slice(DIRECT_PREFIX.length, SECOND - 1);
  const second = roomId.slice(SECOND);
  return first < second ? [first, second] : undefined;
}

/** The other user of a direct room; undefined where `userId` is not in it, or it is no direct room. */
export function otherMember(roomId: string, userId: string): string | undefined {
  const members = directMembers(roomId);
  if (!members) {
    return undefined;
  }
  return members[0] === userId ? members[1] : members[1] === userId ? members[0] : undefined;
}
