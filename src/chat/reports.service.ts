import { Injectable } from '@nestjs/common';
import { AppError } from '../common/app-error';
import type { Identity } from '../common/identity';
import { MessageStore } from './engine/message.store';
import { MAX_REPORTS_PER_MEMBER, type Report, type Reported } from './engine/report';
import { RoomFeed } from './engine/room-feed';
import type { MessageRef } from './message-changes.service';
import { ModerationService } from './moderation.service';
import { RoomsService } from './rooms.service';

/** A report that was just made, and who moderates the room. */
export interface NewReport {
  readonly roomId: string;
  readonly report: Report;
  readonly moderators: readonly string[];
}

/** What members say is wrong with messages, to who moderates their room. */
@Injectable()
export class ReportsService {
  private readonly listeners: ((report: NewReport) => void)[] = [];

  constructor(
    private readonly rooms: RoomsService,
    private readonly moderation: ModerationService,
    private readonly feed: RoomFeed,
    private readonly messages: MessageStore,
  ) {}

  /** Calls `listener` on the node that took a report in: its moderators are to be told wherever their sockets are. */
  subscribe(listener: (report: NewReport) => void): void {
    this.listeners.push(listener);
  }

  /**
   * Reports a message; again it gives the first report. @throws AppError NotFoundError (also where the message expired or
   * was deleted), AuthorizationError, ConflictError (no moderation), ValidationError (own and system messages),
   * CapacityError
   */
  async report(user: Identity, { roomId, messageId }: MessageRef, reason: string): Promise<Report> {
    await this.rooms.authorize(user, roomId);
    const result = await this.feed.report({ roomId, userId: user.userId, messageId, reason });
    if (result?.outcome !== 'reported') {
      throw refusal(result?.outcome);
    }
    const { report, moderators } = result;
    if (moderators.length > 0) {
      this.listeners.forEach((listener) => listener({ roomId, report, moderators }));
    }
    return report;
  }

  /** Reports of live messages, newest first. @throws AppError NotFoundError, AuthorizationError */
  async list(user: Identity, roomId: string): Promise<Report[]> {
    await this.moderation.assertRole(user, roomId, 'moderator');
    return this.messages.reports(roomId);
  }
}

function refusal(outcome: Exclude<Reported['outcome'], 'reported'> | undefined): AppError {
  switch (outcome) {
    case undefined:
      return new AppError('NotFoundError', 'There is no such message');
    case 'off':
      return new AppError('ConflictError', 'This room has no moderation');
    case 'own':
      return AppError.field('messageId', 'A message of your own cannot be reported');
    case 'fixed':
      return AppError.field('messageId', 'This message cannot be reported');
    case 'full':
      return new AppError('CapacityError', 'The room has as many reports as it may have');
    case 'spent':
      return new AppError('CapacityError', `A member has at most ${MAX_REPORTS_PER_MEMBER} reports in a room`);
  }
}
