import { Injectable, Logger } from '@nestjs/common';
import type { ErrorCode } from '../common/app-error';
import { Clock, isoTime } from '../common/clock';
import { ID_LENGTH } from '../common/ids';

/** Who called, where it was no account. */
export const TOKEN_ACTOR = 'admin-token';
export const UNKNOWN_ACTOR = 'unknown';

const ID = new RegExp(`^[0-9a-f]{${ID_LENGTH}}$`);

export interface AuditEntry {
  /** Such as `users.erase`. */
  readonly action: string;
  /** Id of an account, or one of the constants above. */
  readonly actor: string;
  /** Id of the user it was about; anything that is no id is left out of the log. */
  readonly target?: string;
  readonly outcome: 'ok' | ErrorCode;
}

/** One line in the log for every call of the admin routes, whatever came of it. */
@Injectable()
export class AuditLog {
  private readonly logger = new Logger('Audit');

  constructor(private readonly clock: Clock) {}

  write({ action, actor, target, outcome }: AuditEntry): void {
    const known = target !== undefined && ID.test(target) ? target : null;
    this.logger.log({ action, actor, target: known, at: isoTime(this.clock.now()), outcome }, 'Admin call');
  }
}
