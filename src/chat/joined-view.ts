import type { LinkSigner } from '../attachments/link-signer';
import { isoTime } from '../common/clock';
import type { JoinedDto } from './dto/chat-answers.dto';
import type { RoomDto } from './dto/room.dto';
import type { Snapshot } from './engine/message.store';
import { otherMember } from './engine/room';
import { messageView } from './view';

/** What a join is answered: the room and its messages as the user sees them, and where the room stands. */
export function joinedView(
  snapshot: Snapshot,
  messages: ReturnType<typeof messageView>[],
  view: RoomDto,
  viewer: string,
  links: LinkSigner,
): JoinedDto {
  const { room } = snapshot;
  const otherUserId = otherMember(room.id, viewer);
  const otherUserPublicKey = otherUserId === undefined ? undefined : room.publicKeys[otherUserId];
  return {
    room: view,
    messages,
    live: snapshot.live,
    changed: snapshot.changed.map((message) => messageView(message, viewer, links)),
    ...(snapshot.more && { more: true }),
    ...(snapshot.watermarks && { watermarks: { ...snapshot.watermarks } }),
    activeUsers: [...snapshot.activeUsers],
    ...(otherUserId !== undefined && { otherUserId }),
    ...(otherUserPublicKey !== undefined && { otherUserPublicKey }),
    publicKeys: { ...room.publicKeys },
    lastSeq: snapshot.lastSeq,
    epoch: room.epoch,
    gap: snapshot.gap,
    // A later one would leave out what changed between the reading and this ack.
    serverTime: isoTime(snapshot.at),
  };
}
