import type { AnswerEntry, AskEntry, Entry } from './log';
import { shownBy } from './log';

/** An edit or a deletion that was asked for. */
export interface Change {
  readonly ask: AskEntry;
  /** Undefined: it may have been done, or not. */
  readonly answer: AnswerEntry | undefined;
  readonly version: number | undefined;
}

/** Edits and deletions of all messages, as the logs tell of them; what was refused is left out. */
export class Changes {
  private readonly edits = new Map<string, Change[]>();
  private readonly removals = new Map<string, Change[]>();
  /** The first entry that shows that a message was deleted. */
  private readonly removed = new Map<string, Entry>();

  constructor(entries: readonly Entry[]) {
    const answers = new Map(entries.flatMap((entry) => ('answer' in entry ? [[entry.to.n, entry]] : [])));
    for (const entry of entries) {
      if ('ask' in entry && (entry.ask === 'edit' || entry.ask === 'remove')) {
        this.readAsk(entry, answers.get(entry.n));
      } else if ('answer' in entry && entry.answer === 'done' && entry.to.ask === 'remove') {
        this.noteRemoved(entry.to.messageId, entry);
      } else if ('told' in entry && entry.told === 'deleted') {
        this.noteRemoved(entry.messageId, entry);
      }
      shownBy(entry).forEach(({ id, type }) => type === 'deleted' && this.noteRemoved(id, entry));
    }
  }

  editsOf(id: string): readonly Change[] {
    return this.edits.get(id) ?? [];
  }

  /** The first entry that shows that a message was deleted, and what first asked for it. */
  removalOf(id: string): { readonly entry: Entry; readonly ask: AskEntry | undefined } | undefined {
    const entry = this.removed.get(id);
    return entry && { entry, ask: this.removals.get(id)?.[0]?.ask };
  }

  /** Whether a message was certainly deleted when an entry was written. */
  isRemoved(id: string, n: number): boolean {
    return (this.removed.get(id)?.n ?? Infinity) < n;
  }

  /** Whether somebody had asked to delete it. */
  mayBeRemoved(id: string, n: number): boolean {
    return this.removals.get(id)?.some(({ ask }) => ask.n < n) === true;
  }

  /** Whether a text of a message was certainly replaced by another one's before. */
  isBefore(id: string, version: number | undefined, later: Change): boolean {
    const edit = this.editsOf(id).find((one) => one.version === version);
    return version === 0 || (edit?.answer !== undefined && edit.answer.n < later.ask.n);
  }

  /** Whether a text is certainly older than what stood when an entry was written. */
  isStale(id: string, version: number | undefined, n: number): boolean {
    const done = this.editsOf(id).filter(({ answer }) => answer !== undefined && answer.n < n);
    return version !== undefined && done.some((edit) => edit.version !== version && this.isBefore(id, version, edit));
  }

  private readAsk(ask: AskEntry & { ask: 'edit' | 'remove' }, answer: AnswerEntry | undefined): void {
    if (answer?.answer === 'refused' && !['timeout', 'gone'].includes(answer.code)) {
      return;
    }
    const done = answer?.answer === 'refused' ? undefined : answer;
    const [list, version] = ask.ask === 'edit' ? [this.edits, ask.version] : [this.removals, undefined];
    list.set(ask.messageId, [...(list.get(ask.messageId) ?? []), { ask, answer: done, version }]);
  }

  private noteRemoved(id: string, entry: Entry): void {
    if (!this.removed.has(id)) {
      this.removed.set(id, entry);
    }
  }
}
