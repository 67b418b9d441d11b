import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import { ExpiryQueue } from '../expiry/expiry-queue';
import { Redis, type Script } from '../storage/redis';
import { REFER, REMOVE, REMOVE_OWNED, RESERVE, SETTLE, SWEEP, UNKNOWN, UNREFER } from './attachment-scripts.lua';
import {
  type Attachment,
  ATTACHMENT_DEADLINE,
  type AttachmentQuota,
  type AttachmentReference,
  AttachmentStore,
  type AttachmentTotals,
  chargedBytes,
  quotaError,
  type Reservation,
  tooManyPlaces,
} from './attachment-store';

type Stored = Omit<Attachment, 'references'>;
type Exceeded = 'total' | 'owner';

/** What is kept as JSON. */
type Details = Pick<Attachment, 'size' | 'mimeType' | 'width' | 'height' | 'createdAt' | 'unusedUntil'>;

const REFERENCE = 'r:';

/**
 * Every method is one script in one slot. A record is a key that Redis itself deletes when it dies. The expiry queue,
 * which lies in another slot, is told afterwards, and only of a death that comes earlier than it knows; a sweep puts
 * those that live longer on it again. What a killed node did not tell it is dead on time all the same: its room is
 * given back a minute later, and its blob, an orphan then, is found by `UploadsJob`.
 */
@Injectable()
export class RedisAttachmentStore extends AttachmentStore {
  private readonly base: string;
  private readonly reserveScript: Script;
  private readonly settleScript: Script;
  private readonly referScript: Script;
  private readonly unreferScript: Script;
  private readonly removeScript: Script;
  private readonly removeOwnedScript: Script;
  private readonly sweepScript: Script;
  private readonly unknownScript: Script;

  constructor(
    private readonly redis: Redis,
    private readonly queue: ExpiryQueue,
    private readonly clock: Clock,
  ) {
    super();
    this.base = `${redis.key('{files}')}:`;
    this.reserveScript = redis.script(RESERVE);
    this.settleScript = redis.script(SETTLE);
    this.referScript = redis.script(REFER);
    this.unreferScript = redis.script(UNREFER);
    this.removeScript = redis.script(REMOVE);
    this.removeOwnedScript = redis.script(REMOVE_OWNED);
    this.sweepScript = redis.script(SWEEP);
    this.unknownScript = redis.script(UNKNOWN);
  }

  override async reserve({ id, ownerId, size, until }: Reservation, quota: AttachmentQuota): Promise<void> {
    const args = [id, ownerId, chargedBytes(size), until, quota.totalBytes, quota.ownerBytes];
    const exceeded = (await this.reserveScript([this.base], args)) as Exceeded | '';
    if (exceeded !== '') {
      throw quotaError(exceeded);
    }
    await this.tell(id, until);
  }

  override async settle(reservationId: string, attachment: Stored, quota: AttachmentQuota): Promise<boolean> {
    const { filename, ownerId, ...details } = attachment;
    const { size, unusedUntil } = details;
    const json = JSON.stringify(details satisfies Details);
    const { totalBytes, ownerBytes } = quota;
    const args = [reservationId, filename, ownerId, chargedBytes(size), unusedUntil, totalBytes, ownerBytes, json];
    const outcome = (await this.settleScript([this.base], args)) as Exceeded | 'lapsed' | '';
    if (outcome === 'lapsed') {
      return false;
    }
    if (outcome !== '') {
      throw quotaError(outcome);
    }
    // That of the reservation, at most two minutes away, is handed out for nothing.
    await this.tell(filename, unusedUntil);
    return true;
  }

  override async find(filename: string): Promise<Attachment | undefined> {
    const flat = await this.redis.run((client) => client.hgetall(`${this.base}k:${filename}`));
    return this.view(filename, flat);
  }

  override async refer(
    filename: string,
    ownerId: string,
    { holder, roomId, expiresAt }: AttachmentReference,
  ): Promise<Attachment | undefined> {
    const args = [filename, ownerId, holder, expiresAt ?? 0, roomId ?? ''];
    const outcome = (await this.referScript([this.base], args)) as [string[], string] | 'full' | null;
    if (outcome === 'full') {
      throw tooManyPlaces();
    }
    if (!outcome) {
      return undefined;
    }
    const [flat, death] = outcome;
    await this.tell(filename, death);
    return this.view(filename, Object.fromEntries(pairs(flat)));
  }

  override release(filename: string, holder: string): Promise<boolean> {
    return this.unrefer(filename, holder, true);
  }

  override withdraw(filename: string, holder: string): Promise<boolean> {
    return this.unrefer(filename, holder, false);
  }

  override async remove(key: string): Promise<boolean> {
    const removed = (await this.removeScript([this.base], [key])) === 1;
    if (removed) {
      await this.untell([key]);
    }
    return removed;
  }

  override async removeOwned(ownerId: string): Promise<string[]> {
    const [filenames, ids] = (await this.removeOwnedScript([this.base], [ownerId])) as [string[], string[]];
    await this.untell([...filenames, ...ids]);
    return filenames;
  }

  override async sweep(keys: readonly string[]): Promise<string[]> {
    if (keys.length === 0) {
      return [];
    }
    const [gone, living] = (await this.sweepScript([this.base], [...keys])) as [string[], string[]];
    // Not by `tell`: here a failure must reach the queue, which hands the keys out once more.
    await Promise.all(
      pairs(living).map(([key, at]) => this.queue.scheduleSooner(ATTACHMENT_DEADLINE, key, Number(at))),
    );
    return gone;
  }

  override async filterUnknown(filenames: readonly string[]): Promise<string[]> {
    return filenames.length === 0 ? [] : ((await this.unknownScript([this.base], [...filenames])) as string[]);
  }

  override async totals(): Promise<AttachmentTotals> {
    const [count, bytes] = await this.redis.run((client) => client.hmget(`${this.base}sum`, 'count', 'bytes'));
    return { count: Number(count ?? 0), bytes: Number(bytes ?? 0) };
  }

  private async unrefer(filename: string, holder: string, used: boolean): Promise<boolean> {
    const args = [filename, holder, used ? 1 : 0];
    const [gone, death] = (await this.unreferScript([this.base], args)) as [number, string];
    await (gone === 1 ? this.untell([filename]) : this.tell(filename, death));
    return gone === 1;
  }

  private view(filename: string, fields: Readonly<Record<string, string>>): Attachment | undefined {
    const { file, owner = '' } = fields;
    if (file === undefined) {
      return undefined;
    }
    const now = this.clock.now();
    const references = Object.entries(fields).flatMap(([field, value]) =>
      field.startsWith(REFERENCE) ? referenceOf(field.slice(REFERENCE.length), value) : [],
    );
    const living = references.filter(({ expiresAt }) => expiresAt === null || expiresAt > now);
    const details = JSON.parse(file) as Details;
    if (living.length === 0 && (references.length > 0 || Number(fields.until) <= now)) {
      return undefined;
    }
    return Object.freeze({ filename, ownerId: owner, ...details, references: Object.freeze(living) });
  }

  /** The change is made, whether the queue hears of it or not: see above for what becomes of it then. */
  private async tell(key: string, at: number | string): Promise<void> {
    if (at !== '') {
      await Promise.resolve(this.queue.scheduleSooner(ATTACHMENT_DEADLINE, key, Number(at))).catch(() => undefined);
    }
  }

  /** A deadline that stays on the queue is handed out for nothing. */
  private async untell(keys: readonly string[]): Promise<void> {
    await Promise.all(keys.map((key) => this.queue.cancel(ATTACHMENT_DEADLINE, key))).catch(() => undefined);
  }
}

function referenceOf(holder: string, value: string): AttachmentReference {
  const space = value.indexOf(' ');
  const [at, room] = [Number(value.slice(0, space)), value.slice(space + 1)];
  return Object.freeze({ holder, roomId: room === '' ? null : room, expiresAt: at === 0 ? null : at });
}

/** Of a flat list, names and values in turn. */
function pairs(flat: readonly string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i] ?? '', flat[2 * i + 1] ?? '']);
}
