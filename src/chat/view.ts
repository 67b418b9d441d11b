import { isoTime } from '../common/clock';
import type { MessageDto } from './dto/message.dto';
import type { MemberDto, RoomDto } from './dto/room.dto';
import type { Message } from './engine/message';
import type { Room } from './engine/room';

/** Members told with a room. */
const MAX_MEMBERS = 200;

/** A message as clients see it: the one projection for fan-out, history and resume. */
export function messageView(message: Message): MessageDto {
  const { clientId, system } = message;
  const view: MessageDto = {
    id: message.id,
    roomId: message.roomId,
    seq: message.seq,
    senderId: message.senderId,
    senderUsername: message.senderUsername,
    type: message.type,
    content: message.content,
    status: message.status,
    createdAt: isoTime(message.createdAt),
    expiresAt: message.expiresAt === null ? null : isoTime(message.expiresAt),
  };
  if (clientId !== undefined) {
    view.clientId = clientId;
  }
  if (system !== undefined) {
    view.system = { ...system };
  }
  return view;
}

/** A room as its members see it. */
export function roomView(room: Room): RoomDto {
  return {
    id: room.id,
    type: room.type,
    name: room.name,
    description: room.description,
    creatorId: room.creatorId,
    memberCount: room.members.length,
    settings: { ...room.settings },
    lastActivity: isoTime(room.lastActivity),
    createdAt: isoTime(room.createdAt),
    members: room.members.slice(0, MAX_MEMBERS).map((member) => memberView(member, room)),
  };
}

function memberView({ userId, username }: Room['members'][number], room: Room): MemberDto {
  return { userId, username, role: 'member', joinedAt: isoTime(room.createdAt) };
}
