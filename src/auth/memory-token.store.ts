import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import { ExpiryService } from '../expiry/expiry.service';
import { LocalExpiryQueue } from '../expiry/memory-expiry-queue';
import { MAX_ENDED_TOKENS, type TokenKey, type TokenState, TokenStore } from './token-store';

const DEADLINE = 'token-store';

interface EndedToken {
  readonly revoked: boolean;
  /** Epoch ms. */
  readonly endsAt: number;
  /** When it would have expired anyway, epoch ms. */
  readonly until: number;
}

interface UserTokens {
  generation: number;
  /** Of an older generation and good nevertheless. */
  exceptTokenId: string | undefined;
  readonly ended: Map<string, EndedToken>;
  /** When the last token that this speaks of expires, epoch ms. */
  until: number;
}

/** Only users of whom something is to be remembered have an entry; the expiry clock takes it away whole. */
@Injectable()
export class MemoryTokenStore extends TokenStore {
  private readonly users = new Map<string, UserTokens>();

  constructor(
    private readonly clock: Clock,
    private readonly queue: LocalExpiryQueue,
    expiry: ExpiryService,
  ) {
    super();
    expiry.own(DEADLINE, (due) => due.forEach(({ key }) => this.users.delete(key)));
  }

  /** Users of whom something is remembered. */
  get size(): number {
    return this.users.size;
  }

  override generation(userId: string, until: number): number {
    const tokens = this.users.get(userId);
    if (!tokens) {
      return 0;
    }
    // Forgotten before the new token expires, the count would begin anew and take a later generation for this one.
    this.keep(userId, tokens, until);
    return tokens.generation;
  }

  override state({ userId, tokenId, generation }: TokenKey): TokenState {
    const tokens = this.users.get(userId);
    const ended = tokens?.ended.get(tokenId);
    const current = (tokens?.generation ?? 0) === generation || tokens?.exceptTokenId === tokenId;
    if (!current || ended?.revoked === true) {
      return { revoked: true };
    }
    return { revoked: false, endsAt: ended?.endsAt };
  }

  override revoke(token: TokenKey, until: number): boolean {
    return this.end(token, { revoked: true, endsAt: this.clock.now(), until });
  }

  override revokeAll(userId: string, until: number, exceptTokenId?: string): number {
    const tokens = this.entry(userId);
    const kept = exceptTokenId === undefined ? undefined : tokens.ended.get(exceptTokenId);
    tokens.generation++;
    tokens.exceptTokenId = exceptTokenId;
    tokens.ended.clear();
    if (exceptTokenId !== undefined && kept) {
      tokens.ended.set(exceptTokenId, kept);
    }
    this.keep(userId, tokens, until);
    return tokens.generation;
  }

  override supersede(
    token: TokenKey,
    endsAt: number,
    until: number,
  ): { generation: number; endsAt: number } | 'revoked' | 'full' {
    const state = this.state(token);
    if (state.revoked) {
      return 'revoked';
    }
    const earliest = Math.min(endsAt, state.endsAt ?? endsAt);
    if (!this.end(token, { revoked: false, endsAt: earliest, until })) {
      return 'full';
    }
    return { generation: this.generation(token.userId, until), endsAt: earliest };
  }

  override forget(userId: string): void {
    this.users.delete(userId);
    this.queue.cancel(DEADLINE, userId);
  }

  private end({ userId, tokenId }: TokenKey, ended: EndedToken): boolean {
    const tokens = this.entry(userId);
    if (!tokens.ended.has(tokenId) && tokens.ended.size >= MAX_ENDED_TOKENS) {
      this.dropExpired(tokens);
      if (tokens.ended.size >= MAX_ENDED_TOKENS) {
        return false;
      }
    }
    tokens.ended.set(tokenId, ended);
    this.keep(userId, tokens, ended.until);
    return true;
  }

  private entry(userId: string): UserTokens {
    let tokens = this.users.get(userId);
    if (!tokens) {
      tokens = { generation: 0, exceptTokenId: undefined, ended: new Map(), until: 0 };
      this.users.set(userId, tokens);
    }
    return tokens;
  }

  private keep(userId: string, tokens: UserTokens, until: number): void {
    if (until > tokens.until) {
      tokens.until = until;
      this.queue.schedule(DEADLINE, userId, until);
    }
  }

  private dropExpired(tokens: UserTokens): void {
    const now = this.clock.now();
    for (const [tokenId, { until }] of tokens.ended) {
      if (until <= now) {
        tokens.ended.delete(tokenId);
      }
    }
  }
}
