import { Injectable } from '@nestjs/common';
import { AppError } from '../common/app-error';
import { type Awaitable, chain, isPromise } from '../common/awaitable';
import { AppConfig } from '../config/app-config';
import { type Bucket, type RateDecision, RateLimiter } from '../limits/rate-limiter';
import { Refusals } from '../limits/refusals';
import type { EventCost } from './gateway.decorator';
import type { SocketSession } from './socket-session';

/** Tokens of the bucket of events that create nothing (errors-and-limits.md). */
const OTHER_BURST = 100;

/** Sockets without a token have no user: their address may do as much as this many of them. */
const SOCKETS_AN_ADDRESS = 10;

/**
 * Rate limits of events and of the REST calls that do the same: by user over all their sockets; in anonymous namespaces
 * by socket, and ten times that by address.
 */
@Injectable()
export class EventLimits {
  private readonly create: Bucket;
  private readonly other: Bucket;
  private readonly createByAddress: Bucket;
  private readonly otherByAddress: Bucket;

  constructor(
    private readonly limiter: RateLimiter,
    private readonly refusals: Refusals,
    config: AppConfig,
  ) {
    const { SOCKET_EVENTS_PER_MINUTE, SOCKET_EVENTS_BURST, SOCKET_OTHER_EVENTS_PER_MINUTE } = config.env;
    this.create = { name: 'create', perMinute: SOCKET_EVENTS_PER_MINUTE, burst: SOCKET_EVENTS_BURST };
    this.other = { name: 'other', perMinute: SOCKET_OTHER_EVENTS_PER_MINUTE, burst: OTHER_BURST };
    this.createByAddress = ofAddress(this.create);
    this.otherByAddress = ofAddress(this.other);
  }

  /** Takes one event of a socket. @throws AppError RateLimitError */
  take(session: SocketSession, cost: EventCost): Awaitable<void> {
    const { anonymousId, ip } = session;
    if (anonymousId === undefined) {
      return this.takeFor(session.identity.userId, cost);
    }
    return chain(this.takeFor(anonymousId, cost), () =>
      this.takeFrom(cost === 'create' ? this.createByAddress : this.otherByAddress, ip),
    );
  }

  /** The same for a REST call of a user. @throws AppError RateLimitError */
  takeFor(userId: string, cost: EventCost): Awaitable<void> {
    return this.takeFrom(cost === 'create' ? this.create : this.other, userId);
  }

  private takeFrom(bucket: Bucket, key: string): Awaitable<void> {
    const decision = this.limiter.take(bucket, key);
    return isPromise(decision) ? decision.then((made) => this.check(made, bucket)) : this.check(decision, bucket);
  }

  private check(decision: RateDecision, bucket: Bucket): void {
    if (!decision.allowed) {
      this.refusals.count(bucket.name);
      const retryAfter = Math.ceil(decision.retryAfterMs / 1000);
      throw new AppError('RateLimitError', 'Too many events, slow down', { retryAfter });
    }
  }
}

function ofAddress({ name, perMinute, burst }: Bucket): Bucket {
  return { name: `${name}-address`, perMinute: perMinute * SOCKETS_AN_ADDRESS, burst: burst * SOCKETS_AN_ADDRESS };
}
