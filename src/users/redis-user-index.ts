import type { IdentityKind } from '../common/identity';
import type { Redis, Script } from '../storage/redis';
import { PENDING_MS } from './redis-user-names';
import { ENTER, OPEN, SETTLE } from './redis-user-scripts';

/** A change that stayed open for so long was left alone by its process: anyone may settle it. */
const STALE_MS = 2 * PENDING_MS;
/** How many of those the creation of a user sees to. */
const HEALED_AT_ONCE = 4;
/** Between a part of a name and the id of the account. */
const SEPARATOR = '\0';
/** Sorts behind everything that a name is made of. */
const BEYOND = '\u{10ffff}';

/** What a record says that the index has to say too. */
export interface Indexed {
  readonly rev: number;
  readonly username: string;
}

/** An account and its place in the order of creation. */
export interface Place {
  readonly id: string;
  readonly seq: string;
}

/**
 * How many users there are, in which order accounts came, and who has a name that begins so: one slot for all. A change
 * is noted as open before the record changes and settled after it, so that whatever a crash leaves behind is settled by
 * a later one.
 */
export class RedisUserIndex {
  private readonly enterScript: Script;
  private readonly openScript: Script;
  private readonly settleScript: Script;

  constructor(private readonly redis: Redis) {
    this.enterScript = redis.script(ENTER);
    this.openScript = redis.script(OPEN);
    this.settleScript = redis.script(SETTLE);
  }

  /** Counts a user in, unless there are `most` of the kind. Gives users whose change was left open by somebody. */
  async enter(id: string, kind: IdentityKind, most: number): Promise<{ entered: boolean; leftOpen: string[] }> {
    const keys = [this.key(kind), this.key('open'), this.key('seq')];
    const [entered, ...leftOpen] = (await this.enterScript(keys, [id, most, STALE_MS, HEALED_AT_ONCE])) as [
      number,
      ...string[],
    ];
    return { entered: entered === 1, leftOpen };
  }

  /** The name of an account is about to change. */
  async open(id: string): Promise<void> {
    await this.openScript([this.key('open')], [id]);
  }

  /** The change is through: of an account this is how it is; `gone` for who is no more; nothing for a guest. */
  async settle(id: string, now?: Indexed | 'gone'): Promise<void> {
    const keys = ['account', 'guest', 'open', 'names', 'indexed'].map((name) => this.key(name));
    const said = now === undefined ? [] : now === 'gone' ? ['gone'] : [now.rev, now.username];
    await this.settleScript(keys, [id, ...said]);
  }

  count(kind: IdentityKind): Promise<number> {
    return this.redis.run((client) => client.zcard(this.key(kind)));
  }

  /** At most `limit` accounts that came after the place. */
  async listAfter(seq: string, limit: number): Promise<Place[]> {
    const key = this.key('account');
    const found = await this.redis.run((client) =>
      client.zrangebyscore(key, `(${seq}`, '+inf', 'WITHSCORES', 'LIMIT', 0, limit),
    );
    return Array.from({ length: found.length / 2 }, (_, i) => ({
      id: found[2 * i] ?? '',
      seq: found[2 * i + 1] ?? '',
    }));
  }

  /** At most `limit` ids, each once, of accounts with a part of the name that begins so, in the order of what matched. */
  async find(prefix: string, limit: number): Promise<string[]> {
    const ids = new Set<string>();
    let from = `[${prefix}`;
    for (;;) {
      const entries = await this.redis.run((client) =>
        client.zrangebylex(this.key('names'), from, `(${prefix}${BEYOND}`, 'LIMIT', 0, limit),
      );
      for (const entry of entries) {
        ids.add(entry.slice(entry.indexOf(SEPARATOR) + 1));
        if (ids.size === limit) {
          return [...ids];
        }
      }
      if (entries.length < limit) {
        return [...ids];
      }
      from = `(${entries.at(-1)}`;
    }
  }

  private key(name: string): string {
    return this.redis.key('{users}', name);
  }
}
