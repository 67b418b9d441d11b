import { isoTime } from '../common/clock';
import type { MessageDto } from './dto/message.dto';
import type { MemberDto, RoomDto } from './dto/room.dto';
import type { Message } from './engine/message';
import type { Membership } from './engine/membership';
import type { Room } from './engine/room';

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

/** A room as its members see it; `members`: the first of one that is not direct, where they are told. */
export function roomView(room: Room, members?: readonly Membership[]): RoomDto {
  const view: RoomDto = {
    id: room.id,
    type: room.type,
    name: room.name,
    description: room.description,
    creatorId: room.creatorId,
    memberCount: room.memberCount,
    settings: { ...room.settings },
    lastActivity: isoTime(room.lastActivity),
    createdAt: isoTime(room.createdAt),
  };
  if (members) {
    view.members = members.map(memberView);
  } else if (room.type === 'direct') {
    view.members = room.members.map((member) => memberView({ ...member, role: 'member', joinedAt: room.createdAt }));
  }
  return view;
}

function memberView({ userId, username, role, joinedAt }: Omit<Membership, 'joinedSeq'>): MemberDto {
  return { userId, username, role, joinedAt: isoTime(joinedAt) };
}
