import { Injectable } from '@nestjs/common';
import { Ids } from '../../common/ids';
import type { Report, Reported, ReportRequest } from '../engine/report';
import { RedisRooms, type RoomScript } from './redis-rooms';
import { REPORT, REPORTS_OF } from './report-scripts.lua';

type ReportReply =
  readonly ['reported', entry: string, moderators: string[]] | readonly [Exclude<Reported['outcome'], 'reported'>];

/** Reports of messages, which nobody hears of but who moderates. */
@Injectable()
export class RedisReports {
  private readonly reportScript: RoomScript<ReportReply | null>;
  private readonly listScript: RoomScript<string[]>;

  constructor(
    rooms: RedisRooms,
    private readonly ids: Ids,
  ) {
    this.reportScript = rooms.script(REPORT);
    this.listScript = rooms.script(REPORTS_OF);
  }

  /** See `RoomFeed.report`. */
  async report({ roomId, userId, messageId, reason }: ReportRequest): Promise<Reported | undefined> {
    const reply = await this.reportScript(roomId, userId, messageId, this.ids.id(), JSON.stringify(reason));
    if (!reply) {
      return undefined;
    }
    if (reply[0] !== 'reported') {
      return { outcome: reply[0] };
    }
    const [outcome, entry, moderators] = reply;
    return { outcome, report: reportOf(messageId, userId, entry), moderators };
  }

  /** See `MessageStore.reports`. */
  async list(roomId: string): Promise<Report[]> {
    const flat = await this.listScript(roomId);
    const reports: Report[] = [];
    for (let i = 0; i < flat.length; i += 3) {
      reports.push(reportOf(flat[i] ?? '', flat[i + 1] ?? '', flat[i + 2] ?? ''));
    }
    return reports.sort((a, b) => b.createdAt - a.createdAt);
  }
}

/** From `<id>,<createdAt>,<JSON of the reason>`. */
function reportOf(messageId: string, reporterId: string, entry: string): Report {
  const [id = '', createdAt = '', ...reason] = entry.split(',');
  return { id, messageId, reporterId, reason: JSON.parse(reason.join(',')) as string, createdAt: Number(createdAt) };
}
