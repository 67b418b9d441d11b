import type { LinkSigner } from '../attachments/link-signer';
import { isoTime } from '../common/clock';
import type { JoinedRoomDto, ReceiptDto, RevealedDto } from './dto/chat-answers.dto';
import type { MessageDto, ReactionDto } from './dto/message.dto';
import type { MemberDto, RoomDto } from './dto/room.dto';
import type { Message, Reaction } from './engine/message';
import type { Membership } from './engine/membership';
import type { MemberReceipt } from './engine/message.store';
import type { Room } from './engine/room';
import type { RoomSummary } from './engine/room.store';

/** A message as this viewer sees it: the one projection for fan-out, history and resume. */
export function messageView(message: Message, viewer: string, links: LinkSigner): MessageDto {
  return message.burn && message.senderId !== viewer ? concealedView(message) : openView(message, links);
}

/** A burn message as its recipients see it before they reveal it, and after. */
export function concealedView(message: Message): MessageDto {
  const { content: _, ...view } = textView(message);
  return { ...view, concealed: true };
}

/** A message with all that is in it; the link to its image is signed anew. */
export function openView(message: Message, links: LinkSigner, until = message.expiresAt): MessageDto {
  const view = textView(message);
  if (message.image) {
    view.imageUrl = links.sign(message.image.filename, { for: message.image.holder, until });
  }
  return view;
}

function textView(message: Message): MessageDto {
  const { clientId, system, replyTo, editedAt, reactions } = message;
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
  if (message.burn) {
    view.burn = true;
  }
  if (clientId !== undefined) {
    view.clientId = clientId;
  }
  if (system !== undefined) {
    view.system = { ...system };
  }
  if (replyTo !== undefined) {
    view.replyTo = { ...replyTo };
  }
  if (editedAt !== undefined) {
    view.editedAt = isoTime(editedAt);
  }
  if (reactions !== undefined) {
    view.reactions = reactions.map(reactionView);
  }
  return view;
}

/** What a recipient has of a message. */
export function receiptView({ userId, deliveredAt, seenAt }: MemberReceipt): ReceiptDto {
  const time = (at: number | undefined): string | null => (at === undefined ? null : isoTime(at));
  return { userId, deliveredAt: time(deliveredAt), seenAt: time(seenAt) };
}

/** A kind of reaction as clients see it. */
export function reactionView({ emoji, userIds }: Reaction): ReactionDto {
  return { emoji, count: userIds.length, userIds: [...userIds] };
}

/** A burn message that was just revealed, and when it is gone for who did. */
export function revealedView(
  { message, expiresAt }: { message: Message; expiresAt: number },
  links: LinkSigner,
): RevealedDto {
  return { message: openView(message, links, expiresAt), expiresAt: isoTime(expiresAt) };
}

/** What a join of all rooms tells of one. */
export function joinedRoomView({ room, unreadCount }: RoomSummary): JoinedRoomDto {
  return { roomId: room.id, lastSeq: room.lastSeq, epoch: room.epoch, unreadCount };
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
