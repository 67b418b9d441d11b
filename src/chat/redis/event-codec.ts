import type { CloseReason } from '../engine/room';
import type { MessagesExpired, RaisedMessage, ReactionChanged, RoomEvent } from '../engine/room-event';
import { decodeMessage, decodeReactions, decodeRoom, list, type RawView, statusOf } from './codec';

/** An event from its letter, position and body (see the scripts). Undefined for a letter that is none. */
export function decodeEvent(kind: string, roomId: string, position: number, body: string): RoomEvent | undefined {
  switch (kind) {
    case 'm':
      return { kind: 'message', roomId, position, message: decodeMessage(roomId, body) };
    case 's':
      return { kind: 'status', roomId, position, ...decodeRaised(body) };
    case 'e':
      return { kind: 'edited', roomId, position, message: decodeMessage(roomId, body) };
    case 'd': {
      const [messageId, userId, at] = JSON.parse(body) as [string, string, number];
      return { kind: 'deleted', roomId, position, messageId, userId, at };
    }
    case 'a': {
      const [[messageId, userId, emoji, action], reactions] = JSON.parse(body) as RawReaction;
      return {
        kind: 'reaction',
        roomId,
        position,
        messageId,
        userId,
        emoji,
        action,
        reactions: decodeReactions(reactions),
      };
    }
    case 'x':
      return { kind: 'expired', roomId, position, ...decodeExpired(body) };
    case 'o': {
      const [, openedBy, view] = JSON.parse(body) as [string, string, RawView];
      return { kind: 'opened', roomId, position, openedBy, room: decodeRoom(view) };
    }
    case 'u':
      return { kind: 'updated', roomId, position, room: decodeRoom(JSON.parse(body) as RawView) };
    case 'p': {
      const [userId, member, view] = JSON.parse(body) as [string, number, RawView];
      return { kind: 'members', roomId, position, userId, member: member === 1, room: decodeRoom(view) };
    }
    case 'k': {
      const [userId = '', publicKey = ''] = JSON.parse(body) as string[];
      return { kind: 'key', roomId, position, userId, publicKey };
    }
    case 'j':
    case 'l': {
      const [userId, activeUsers] = JSON.parse(body) as [string, string[] | object];
      return { kind: kind === 'j' ? 'joined' : 'left', roomId, position, userId, activeUsers: list(activeUsers) };
    }
    case 'r': {
      const [userId = '', socketId = ''] = body.split(' ');
      return { kind: 'replaced', roomId, position, userId, socketId };
    }
    case 'c':
      return { kind: 'closed', roomId, position, reason: body as CloseReason };
    default:
      return undefined;
  }
}

/** The position that an `opened` follows: the last one of the room's earlier life, 0 where there was none of late. */
export function previousOf(openedBody: string): number {
  return Number((JSON.parse(openedBody) as [string])[0]);
}

function decodeExpired(body: string): Omit<MessagesExpired, 'kind'> {
  const [reason, userId, messageIds] = JSON.parse(body) as [MessagesExpired['reason'], string, string[]];
  return { reason, userId: userId === '' ? undefined : userId, messageIds };
}

type RawReaction = [
  about: [messageId: string, userId: string, emoji: string, action: ReactionChanged['action']],
  reactions: string[] | object,
];
type RawRaised = [
  common: [rank: number, userId: string, socketId: string, at: number, upToSeq?: number],
  raised: [string, number, string, number?][] | object,
];

function decodeRaised(
  body: string,
): Pick<Extract<RoomEvent, { kind: 'status' }>, 'status' | 'userId' | 'socketId' | 'at' | 'messages' | 'upToSeq'> {
  const [[rank, userId, socketId, at, upToSeq], found] = JSON.parse(body) as RawRaised;
  // None come as an object out of Lua's JSON.
  const raised = Array.isArray(found) ? (found as [string, number, string, number?][]) : [];
  const messages = raised.map(([id, seq, senderId, expiresAt]): RaisedMessage => ({ id, seq, senderId, expiresAt }));
  return { status: statusOf(rank), userId, socketId: socketId === '' ? undefined : socketId, at, messages, upToSeq };
}
