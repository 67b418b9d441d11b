import { isoTime } from '../../../common/clock';
import type { Message, MessageImage } from '../../engine/message';
import type { GhostMessageDto, SentGhostImageDto } from './dto/ghost-answers.dto';
import { agentIdOf } from './ghost-places';
import { imageIdOf, imagePath } from './ghost-image-names';

/** A message as the dialect tells it, live and in the history. */
export function ghostView(message: Message, roomToken: string): GhostMessageDto {
  const { id, content, senderId, createdAt, image } = message;
  const common = {
    sender: agentIdOf(senderId),
    timestamp: isoTime(createdAt),
    ttl: ttlOf(message),
    roomToken,
  };
  return image
    ? { id, type: 'image', imageData: imageView(image), caption: content, ...common }
    : { id, type: 'text', message: content, ...common };
}

function ttlOf({ burn, createdAt, expiresAt }: Message): number {
  return burn || expiresAt === null ? 0 : Math.round((expiresAt - createdAt) / 1000);
}

function imageView({
  filename,
  name = '',
  size = 0,
  mimeType = '',
  width = 0,
  height = 0,
}: MessageImage): SentGhostImageDto {
  return {
    id: imageIdOf(filename),
    name,
    filename,
    imageUrl: imagePath(filename),
    size,
    mimeType,
    dimensions: { width, height },
  };
}
