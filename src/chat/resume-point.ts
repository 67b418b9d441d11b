import { AppError } from '../common/app-error';
import type { JoinRoomDto } from './dto/chat-requests.dto';
import type { ResumePoint } from './engine/message.store';

/** Where a joining client left off; undefined: nowhere. @throws AppError ValidationError for one of `since` and `epoch` without the other */
export function resumePoint({ since, epoch, sinceTime }: JoinRoomDto): ResumePoint | undefined {
  if (since === undefined && epoch === undefined) {
    return undefined;
  }
  if (since === undefined || epoch === undefined) {
    const missing = since === undefined ? 'since' : 'epoch';
    throw AppError.field(missing, '`since` and `epoch` go together');
  }
  return { since, epoch, sinceTime: sinceTime === undefined ? undefined : Date.parse(sinceTime) };
}
