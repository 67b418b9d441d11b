import { Injectable } from '@nestjs/common';
import { type Awaitable, isPromise } from '../../../common/awaitable';
import { Clock } from '../../../common/clock';
import { ProfilesService } from '../../../users/profiles.service';
import type { UserRecord } from '../../../users/user-store';
import { UsersService } from '../../../users/users.service';

const MAX_REMEMBERED = 5000;
/** How late a change of a picture may be told where records are not on this node, ms. */
const REMEMBERED_MS = 10_000;

/** What is remembered of a user: nothing that must be gone with the account. */
type Shown = Pick<UserRecord, 'id' | 'avatar'>;

/** Links to the pictures of who sends messages. Pictures of users who are not at hand are remembered for some seconds. */
@Injectable()
export class SenderAvatars {
  private readonly remembered = new Map<string, { readonly shown: Shown | undefined; readonly until: number }>();

  constructor(
    private readonly users: UsersService,
    private readonly profiles: ProfilesService,
    private readonly clock: Clock,
  ) {}

  /** A link, signed anew; null without a picture, or where it cannot be found out. */
  of(userId: string): Awaitable<string | null> {
    const known = this.remembered.get(userId);
    if (known && known.until > this.clock.now()) {
      return this.link(known.shown);
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
      const shown = record && { id: record.id, avatar: record.avatar };
      this.remembered.set(userId, { shown, until: this.clock.now() + REMEMBERED_MS });
      return this.link(shown);
    } catch {
      // The message is told without: it matters more.
      return null;
    }
  }

  private link(shown: Shown | undefined): string | null {
    return (shown && this.profiles.avatarUrl(shown)) ?? null;
  }
}
