/** `account`: registered, with a password. `guest`: a JWT without one. */
export type IdentityKind = 'account' | 'guest';
export type Role = 'user' | 'admin';

/** Who is asking: made from a verified token, never from a payload. Frozen. */
export interface Identity {
  readonly userId: string;
  readonly username: string;
  readonly kind: IdentityKind;
  readonly role: Role;
  /** `jti` of the token. */
  readonly tokenId: string;
  /** When the token ends, epoch ms. */
  readonly expiresAt: number;
}

/** Channel of the node bus on which live sockets learn of a new name or role. */
export const USER_CHANGED = 'user-changed';

export interface UserChanged {
  readonly userId: string;
  readonly username: string;
  readonly role: Role;
}
