import { Logger } from '@nestjs/common';
import { until } from '../../test/support/until';
import { tokenError } from '../auth/token-errors';
import type { TokenIdentity } from '../auth/token.service';
import { AppError } from '../common/app-error';
import type { MayflySocket } from './socket-session';
import { TokenReview } from './token-review';

Logger.overrideLogger(false);

const SOCKETS = 200;

function identityOf(tokenId: string): TokenIdentity {
  const user = { userId: tokenId, username: tokenId, kind: 'account', role: 'user' } as const;
  return { ...user, tokenId, generation: 0, expiresAt: 1000 };
}

function makeSocket(tokenId: string): MayflySocket {
  return { id: tokenId, data: { identity: identityOf(tokenId), ended: false } } as unknown as MayflySocket;
}

function kit(recheck: (token: TokenIdentity) => Promise<TokenIdentity>) {
  const [standing, ended]: [TokenIdentity[], string[]] = [[], []];
  let [atOnce, most] = [0, 0];
  const tokens = {
    recheck: async (token: TokenIdentity) => {
      most = Math.max(most, ++atOnce);
      await new Promise((resolve) => setImmediate(resolve));
      atOnce--;
      return recheck(token);
    },
  };
  const review = new TokenReview(tokens as ConstructorParameters<typeof TokenReview>[0], {
    stands: (_socket, identity) => standing.push(identity),
    ended: ({ id }) => ended.push(id),
  });
  return { review, standing, ended, mostAtOnce: () => most };
}

describe('a review of tokens', () => {
  it('ends the sockets of those that were revoked and learns of the others what they are now, some at a time', async () => {
    const { review, standing, ended, mostAtOnce } = kit(async (token) => {
      if (token.userId === 't7') {
        throw tokenError('revoked');
      }
      return { ...token, username: 'renamed' };
    });
    review.add(Array.from({ length: SOCKETS }, (_, i) => makeSocket(`t${i}`)));
    await until(() => standing.length === SOCKETS - 1);
    expect(ended).toEqual(['t7']);
    expect(new Set(standing.map(({ username }) => username))).toEqual(new Set(['renamed']));
    expect(mostAtOnce()).toBeLessThan(SOCKETS / 2);
  });

  it('asks until it gets an answer', async () => {
    let tries = 0;
    const { review, ended } = kit(async () => {
      tries++;
      throw tries < 3 ? new AppError('CapacityError', 'away') : tokenError('invalid');
    });
    review.add([makeSocket('t')]);
    await until(() => ended.length === 1);
    expect(tries).toBe(3);
  });

  it('takes those that come while it is at work, and after', async () => {
    const { review, standing } = kit((token) => Promise.resolve(token));
    review.add([makeSocket('a')]);
    review.add([makeSocket('b')]);
    await until(() => standing.length === 2);
    review.add([makeSocket('c')]);
    await until(() => standing.length === 3);
  });

  it('leaves sockets alone that have gone, or have a newer token by now', async () => {
    const [gone, renewed, last] = [makeSocket('gone'), makeSocket('old'), makeSocket('last')];
    gone.data.ended = true;
    const { review, standing, ended } = kit(async (token) => {
      if (token.tokenId === 'old') {
        renewed.data.identity = identityOf('new');
        throw tokenError('revoked');
      }
      return token;
    });
    review.add([gone, renewed, last]);
    await until(() => standing.length === 1);
    expect(standing[0]?.tokenId).toBe('last');
    expect(ended).toEqual([]);
  });
});
