import type { IdentityKind, Role } from '../common/identity';
import type { UserRecord } from './user-store';

/** Names and addresses in lower case. */
export type Names = Readonly<Partial<Record<'username' | 'email', string>>>;

/** The hash of a user as Redis gives it. */
export type Fields = Readonly<Record<string, string | undefined>>;

/** The record in a hash. Frozen. */
export function toRecord(id: string, fields: Fields): UserRecord {
  const { kind, username = '', email, role, displayName, bio, avatar, status, createdAt, lastSeen } = fields;
  return Object.freeze({
    id,
    kind: kind as IdentityKind,
    username,
    ...(email !== undefined && { email }),
    role: role as Role,
    ...(displayName !== undefined && { displayName }),
    ...(bio !== undefined && { bio }),
    ...(avatar !== undefined && { avatar }),
    ...(status !== undefined && { status }),
    createdAt: Number(createdAt),
    lastSeen: Number(lastSeen),
  });
}

/** Fields and values in a row, as scripts take them; what is undefined or null is left out. */
export function pairsOf(fields: object): string[] {
  return Object.entries(fields).flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [name, String(value)],
  );
}

/** The other way round. */
export function fieldsOf(pairs: readonly string[]): Fields {
  const fields: Record<string, string> = {};
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    fields[pairs[i] ?? ''] = pairs[i + 1] ?? '';
  }
  return fields;
}

/** What of a user, or of a change, is unique. */
export function namesOf({ username, email }: { username?: string; email?: string }): Names {
  return { ...(username !== undefined && { username: username.toLowerCase() }), ...(email !== undefined && { email }) };
}

/** Those of the names that are not among the others. */
export function without(names: Names, others: Names): Names {
  return {
    ...(names.username !== others.username && { username: names.username }),
    ...(names.email !== others.email && { email: names.email }),
  };
}
