import { MAX_REACTION_KINDS, type Quote, type Reaction } from '../engine/message';

/** What a reply answers; the text of that is looked up when it is shown, so that it goes with it. */
export interface Quoted extends Pick<Quote, 'id'> {
  readonly seq: number;
  /** Index into the room's people. */
  readonly sender: number;
}

/** What few messages of a room have besides their records, by seq. */
export class Annotations {
  private readonly editTimes = new Map<number, number>();
  private readonly quotes = new Map<number, Quoted>();
  /** By emoji, who reacted with it. */
  private readonly reactions = new Map<number, Map<string, Set<string>>>();

  quote(seq: number, quoted: Quoted): void {
    this.quotes.set(seq, quoted);
  }

  quotedBy(seq: number): Quoted | undefined {
    return this.quotes.get(seq);
  }

  edited(seq: number, at: number): void {
    this.editTimes.set(seq, at);
  }

  /** Epoch ms. */
  editedAt(seq: number): number | undefined {
    return this.editTimes.get(seq);
  }

  /** `full`: it would be one kind too many. */
  addReaction(seq: number, emoji: string, userId: string): 'added' | 'there' | 'full' {
    const kinds = this.reactions.get(seq) ?? new Map<string, Set<string>>();
    const users = kinds.get(emoji) ?? new Set<string>();
    if (users.has(userId)) {
      return 'there';
    }
    if (users.size === 0 && kinds.size >= MAX_REACTION_KINDS) {
      return 'full';
    }
    this.reactions.set(seq, kinds.set(emoji, users.add(userId)));
    return 'added';
  }

  /** True where it was there. */
  removeReaction(seq: number, emoji: string, userId: string): boolean {
    const kinds = this.reactions.get(seq);
    const users = kinds?.get(emoji);
    if (!kinds || !users?.delete(userId)) {
      return false;
    }
    if (users.size === 0 && kinds.delete(emoji) && kinds.size === 0) {
      this.reactions.delete(seq);
    }
    return true;
  }

  reactionsTo(seq: number): Reaction[] {
    return [...(this.reactions.get(seq) ?? [])].map(([emoji, users]) => ({ emoji, userIds: [...users] }));
  }

  /** The message is gone, or only a tombstone is left. */
  forget(seq: number): void {
    this.editTimes.delete(seq);
    this.quotes.delete(seq);
    this.reactions.delete(seq);
  }
}
