import { Injectable } from '@nestjs/common';
import { type Awaitable, isPromise } from '../../../common/awaitable';
import { Clock } from '../../../common/clock';
import { ProfilesService } from '../../../users/profiles.service';
import type { UserRecord } from '../../../users/user-store';
import { UsersService } from '../../../users/users.service';

const MAX_REMEMBERED = 5000;
/** How late a change of a picture may be told where records are not on this node, ms. */
const REMEMBERED_MS = 10_000;

/** Links to the pictures of who sends messages. Records that are not at hand are remembered for some seconds. */
@Injectable()
export class SenderAvatars {
  private readonly remembered = new Map<string, { readonly record: UserRecord | undefined; readonly until: number }>();

  constructor(
    private readonly users: UsersService,
    private readonly profiles: ProfilesService,
    private readonly clock: Clock,
  ) {}

  /** A link, signed anew; null without a picture, or where it cannot be found out. */
  of(userId: string): Awaitable<string | null> {
    const known = this.remembered.get(userId);
    if (known && known.until > this.clock.now()) {
      return this.link(known.record);
    }
    const found = this.users.find(userId);
    return isPromise(found) ? this.remember(userId, found) : this.link(found);
  }

  private async remember(userId: string, finding: Promise<UserRecord | undefined>): Promise<string | null> {
    try {
      const record = await finding;
      if (this.remembered.size >= MAX_REMEMBERED) {
        this.remembered.clear();
      }
      this.remembered.set(userId, { record, until: this.clock.now() + REMEMBERED_MS });
      return this.link(record);
    } catch {
      // The message is told without: it matters more.
      return null;
    }
  }

  private link(record: UserRecord | undefined): string | null {
    return (record && this.profiles.avatarUrl(record)) ?? null;
  }
}
