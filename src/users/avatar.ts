const PREFIX = 'avatar_';

/** What keeps the file of an account's avatar, and what its links are signed for. */
export function avatarHolder(userId: string): string {
  return PREFIX + userId;
}

export function isAvatarHolder(holder: string): boolean {
  return holder.startsWith(PREFIX);
}
