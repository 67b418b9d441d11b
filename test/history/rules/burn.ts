import { type AnswerEntry, type AskEntry, type Entry, type Shown, shownBy } from '../log';
import { kicksOf, returnsOf } from '../memberships';
import type { Known, Truth } from '../truth';
import type { Report } from '../violations';

type Reveal = AskEntry & { readonly ask: 'reveal' };

/** The text of a burn message is for its recipients once each, by a reveal; and that alone makes it seen. */
export function checkBurns(truth: Truth, report: Report): void {
  const reveals = new Map<string, Reveal[]>();
  for (const entries of truth.entriesOf.values()) {
    for (const entry of entries) {
      shownBy(entry).forEach((shown) => checkShown(entry, shown, truth, report));
      checkSeen(entry, truth, report);
      if ('answer' in entry && entry.answer === 'listed' && entry.lastOpen) {
        const last = truth.messages.get(entry.lastId ?? '');
        if (last?.mode === 'burn') {
          report.add('exposed', entry, `${last.id} is the last message of a list, with its text`);
        }
      } else if ('ask' in entry && entry.ask === 'reveal') {
        const key = `${truth.userOf(entry)} ${entry.messageId}`;
        reveals.set(key, [...(reveals.get(key) ?? []), entry]);
      }
    }
  }
  for (const asks of reveals.values()) {
    checkReveals(asks, truth, report);
  }
}

function checkShown(
  entry: Entry,
  { id, type, burn, concealed, open, senderId }: Shown,
  truth: Truth,
  report: Report,
): void {
  const known = truth.messages.get(id);
  if (!known || type === 'deleted') {
    return;
  }
  const isBurn = known.mode === 'burn';
  const since = 'answer' in entry ? entry.to.n : 0;
  if (isBurn && senderId !== truth.userOf(entry)) {
    const back = returnsOf(truth.userOf(entry), truth).find(({ ask, n }) => known.first.n < ask.n && n < since);
    if (back) {
      report.add('exposed', entry, `${id} (seq ${known.seq}) was sent before they came (#${back.n})`);
    }
  }
  const hides = isBurn && senderId !== truth.userOf(entry) && !('answer' in entry && entry.answer === 'revealed');
  if (hides && open) {
    report.add('exposed', entry, `${id} (seq ${known.seq}) is not concealed`);
  } else if (burn !== isBurn || concealed !== hides || open === hides) {
    const how = `burn ${burn}, concealed ${concealed}, ${open ? 'with' : 'without'} text`;
    report.add('corrupt', entry, `${id} (seq ${known.seq}) was sent as ${known.mode} and is ${how}`);
  }
}

function checkSeen(entry: Entry, truth: Truth, report: Report): void {
  const seen = shownBy(entry).flatMap(({ id, status }) => (status === 'seen' ? id : []));
  if ('told' in entry && entry.told === 'status' && entry.status === 'seen' && 'messageId' in entry.range) {
    seen.push(entry.range.messageId);
  }
  for (const known of seen.flatMap((id) => truth.messages.get(id) ?? [])) {
    if (known.mode === 'burn' && !truth.causesOf(known).some(({ ask }) => ask.n < entry.n)) {
      report.add('status', entry, `${known.id} (seq ${known.seq}) is seen, and nobody had revealed it`);
    }
  }
}

/** All reveals of one message by one user. */
function checkReveals(asks: readonly Reveal[], truth: Truth, report: Report): void {
  const known = truth.messages.get(asks[0]?.messageId ?? '');
  const answers = asks.flatMap((ask) => truth.answers.get(ask.n) ?? []);
  const revealed = answers.flatMap((answer) => (answer.answer === 'revealed' ? answer : []));
  for (const answer of revealed.slice(1)) {
    const [first] = revealed;
    if (idOf(answer) === undefined || idOf(answer) !== (first && idOf(first))) {
      report.add('reveal', answer, `${answer.message.id} was handed out before (#${first?.n})`);
    } else if (answer.expiresAt !== first?.expiresAt) {
      report.add('reveal', answer, `${answer.message.id} is given another deadline than before (#${first?.n})`);
    }
  }
  for (const answer of known ? answers : []) {
    if (known && answer.answer === 'refused') {
      checkRefusal(answer, known, asks, truth, report);
    }
  }
}

function checkRefusal(
  entry: AnswerEntry & { answer: 'refused' },
  known: Known,
  asks: readonly Reveal[],
  truth: Truth,
  report: Report,
): void {
  const { code, to } = entry;
  const isOwn = truth.userOf(to) === known.senderId;
  const others = asks.some((ask) => {
    const answer = truth.answers.get(ask.n);
    const mayCount = answer?.answer !== 'refused' || ['timeout', 'gone'].includes(answer.code);
    const differs = ask.revealId === undefined || ask.revealId !== idOf(entry);
    return ask !== to && ask.n < entry.n && mayCount && differs;
  });
  if (code === 'ConflictError' && !others) {
    report.add('reveal', entry, `${known.id} (seq ${known.seq}) was revealed by nobody else`);
  } else if (code === 'AuthorizationError' && !isOwn) {
    report.add('reveal', entry, `${known.id} (seq ${known.seq}) is none of the user's own`);
  } else if (
    code === 'NotFoundError' &&
    !kicksOf(truth.userOf(to), truth).some(({ from }) => from < entry.n) &&
    !truth.changes.mayBeRemoved(known.id, entry.n) &&
    truth.aliveAt(known, entry.at) &&
    truth.epochs.stoodAt(known, entry.n)
  ) {
    report.add('reveal', entry, `${known.id} (seq ${known.seq}) is there and not found`);
  }
}

function idOf({ to }: AnswerEntry): string | undefined {
  return to.ask === 'reveal' ? to.revealId : undefined;
}
