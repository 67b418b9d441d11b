import { AppError } from '../common/app-error';

/** Why a token is refused, in the sentences that clients look for. */
const SENTENCES = {
  missing: 'Authentication token required',
  expired: 'Token has expired',
  guestGone: 'Guest session not found or expired',
  revoked: 'Token has been revoked',
  invalid: 'Invalid or expired token',
} as const;

export function tokenError(reason: keyof typeof SENTENCES): AppError {
  return new AppError('AuthenticationError', SENTENCES[reason]);
}
