import { Injectable } from '@nestjs/common';
import { AppError } from '../common/app-error';
import { MemoryAttachmentStore } from './memory-attachment.store';

/**
 * Stands where several nodes share a Redis and no attachment may be kept by one of them alone: takes nothing in, and so
 * has nothing. A folder that only one node has would make links fail on all others.
 */
@Injectable()
export class ClosedAttachmentStore extends MemoryAttachmentStore {
  override reserve(): never {
    throw new AppError('CapacityError', 'Several nodes cannot take pictures in yet');
  }
}
