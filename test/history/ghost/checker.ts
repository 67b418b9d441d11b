import { Unanswered } from '../unanswered';
import { Report, type Violation } from '../violations';
import { type AnswerEntry, type Entry, type GhostHistory, isRefused } from './log';
import { checkPresence, Presences } from './presence';
import { FAN_OUT_MS, type GhostTimes, GhostTruth, isAnswered, type Known, type Span } from './truth';

/** Who comes gets what waits after so long (ghost.md), ms. */
const SETTLING_MS = 3000;
/** How long a leave may take until it holds on every node, ms. */
const LEAVE_MS = 1000;
const FAILURES = ['InternalServerError', 'ValidationError'];

export interface GhostCounts {
  readonly clients: number;
  readonly entered: number;
  readonly messages: number;
  readonly burns: number;
  readonly waitingBurns: number;
  readonly delivered: number;
  readonly cameOrWent: number;
  readonly stranded: number;
  readonly refused: Readonly<Record<string, number>>;
}

export interface GhostVerdict {
  readonly violations: readonly Violation[];
  readonly counts: GhostCounts;
}

/** Judges what clients of anonymous rooms saw. Depends on nothing but their logs. */
export function checkGhosts(history: GhostHistory, times: GhostTimes): GhostVerdict {
  const report = new Report();
  const truth = new GhostTruth(history, times, report);
  const presences = new Presences(truth);
  for (const [name, entries] of truth.entriesOf) {
    checkAnswers(entries, new Unanswered(), report);
    checkTold(entries, truth, report);
    checkLeft(name, entries, truth, report);
  }
  truth.spans.forEach((span) => checkSpan(span, truth, report));
  checkOrder(truth, report);
  checkPresence(truth, presences, report);
  const waiting = checkWaiting(truth, presences, report);
  return { violations: report.violations.sort((a, b) => a.n - b.n), counts: count(history, truth, waiting) };
}

type Page = AnswerEntry & { readonly answer: 'page' };

function pageOf(entry: Entry): Page | undefined {
  return 'answer' in entry && entry.answer === 'page' ? entry : undefined;
}

function checkAnswers(entries: readonly Entry[], unanswered: Unanswered, report: Report): void {
  for (const entry of entries) {
    unanswered.read(entry);
    if ('answer' in entry && entry.answer === 'refused' && entry.code === 'timeout') {
      unanswered.check(entry, report);
    } else if ('answer' in entry && entry.answer === 'refused' && FAILURES.includes(entry.code)) {
      report.add('failed', entry, `${entry.to.ask} was refused with ${entry.code}`);
    }
  }
}

/** Each message once, none after its time, all that history has to show and nothing else. */
function checkTold(entries: readonly Entry[], truth: GhostTruth, report: Report): void {
  const told = new Set<string>();
  const ended = new Set<string>();
  /** Of the last request of this connection that was acked: what comes unasked was written later. */
  let floor = -Infinity;
  for (const entry of entries) {
    const page = pageOf(entry);
    if (page) {
      checkPage(page, truth, report);
    } else if (isAnswered(entry)) {
      floor = Math.max(floor, entry.to.at);
    } else if (!('told' in entry)) {
      continue;
    } else if (entry.told === 'connect') {
      floor = -Infinity;
    } else if (entry.told === 'foreign') {
      report.add('foreign', entry, entry.event);
    } else if (entry.told === 'new') {
      const { id } = entry.message;
      if (told.has(id)) {
        report.add('doubled', entry, `${id} was told before`);
      }
      told.add(id);
      checkGone(entry, id, floor, truth, report);
    } else if (entry.told === 'expired') {
      if (ended.has(entry.id)) {
        report.add('doubled', entry, `${entry.id} was told to be gone before`);
      }
      ended.add(entry.id);
      const known = truth.messages.get(entry.id);
      const left = known ? truth.aliveUntil(known) - entry.at : 0;
      if (left > 0) {
        report.add('early-expiry', entry, `${entry.id} had ${Math.round(left)} ms left`);
      }
    }
  }
}

function checkGone(entry: Entry, id: string, since: number, truth: GhostTruth, report: Report): void {
  const known = truth.messages.get(id);
  const late = known ? since - truth.goneAt(known) : -1;
  if (late >= 0) {
    report.add('after-expiry', entry, `${id} came ${Math.round(late)} ms after its end, or later`);
  }
}

function checkPage(entry: Page, truth: GhostTruth, report: Report): void {
  const { roomId } = truth.infoFor(entry.client);
  const shown = new Set(entry.messages.map(({ id }) => id));
  if (shown.size < entry.messages.length) {
    report.add('doubled', entry, 'a message is in the history twice');
  }
  for (const { id, ttl } of entry.messages) {
    checkGone(entry, id, entry.to.at, truth, report);
    if (ttl === 0) {
      report.add('exposed', entry, `${id} burns, and is in the history`);
    }
  }
  for (const known of truth.messagesIn(roomId)) {
    if (known.ttl > 0 && known.first.n < entry.to.n && truth.aliveUntil(known) > entry.at && !shown.has(known.id)) {
      report.add('lost', entry, `${known.id} is not in the history`);
    }
  }
}

/** Nothing of a room comes to who left it, or whose place another tab took. */
function checkLeft(name: string, entries: readonly Entry[], truth: GhostTruth, report: Report): void {
  const info = truth.infoFor(name);
  let [floor, out] = [-Infinity, Infinity];
  for (const entry of entries) {
    if ('ask' in entry && entry.ask === 'enter') {
      out = Infinity;
    } else if ('told' in entry && entry.told === 'connect') {
      [floor, out] = [-Infinity, Infinity];
    } else if (
      'told' in entry &&
      !['disconnect', 'dropped', 'stranded', 'foreign'].includes(entry.told) &&
      floor > out
    ) {
      report.add('after-leave', entry, `${entry.told} came ${Math.round(floor - out)} ms too late, or later`);
    } else if (isAnswered(entry)) {
      floor = Math.max(floor, entry.to.at);
      if (entry.to.ask === 'leave') {
        out = Math.min(out, entry.at + LEAVE_MS + truth.slowness.at(entry.at));
      } else if (entry.answer === 'entered') {
        const taken = truth.rivalsAfter(info, entry).map(({ entered }) => entered?.at ?? Infinity);
        out = Math.min(...taken) + LEAVE_MS + truth.slowness.at(entry.at);
      }
    }
  }
}

/** Who is in a room hears everything that is said in it, and that it is gone. */
function checkSpan(span: Span, truth: GhostTruth, report: Report): void {
  const { info, from, entries, heardUntil } = span;
  const last = entries.at(-1);
  const told = new Set(entries.flatMap((entry) => ('told' in entry && entry.told === 'new' ? entry.message.id : [])));
  const paged = entries.map(pageOf).find((page) => page && page.to.n > from.n);
  const held = new Set([...told, ...(paged?.messages ?? []).map(({ id }) => id)]);
  const ended = new Set(entries.flatMap((entry) => ('told' in entry && entry.told === 'expired' ? entry.id : [])));
  for (const known of truth.messagesIn(info.roomId)) {
    const heard = known.first.at < heardUntil && known.first.n < span.to;
    const isLive = known.ask !== undefined && known.ask.n > from.n;
    if (heard && isLive && !told.has(known.id)) {
      report.add('lost', last, `${known.id} (#${known.first.n}) never came`);
    } else if (heard && paged && known.ttl > 0 && known.first.n > paged.to.n && !held.has(known.id)) {
      if (truth.aliveUntil(known) > paged.at) {
        report.add('lost', last, `${known.id} (#${known.first.n}) neither came nor was in the history`);
      }
    }
    const goneAt = truth.goneAt(known);
    const tellMs = truth.times.tellMs + truth.slowness.at(goneAt);
    const isOver = goneAt > from.at && goneAt + tellMs < heardUntil + FAN_OUT_MS;
    if (held.has(known.id) && isOver && !ended.has(known.id)) {
      report.add('not-dropped', last, `${known.id} (#${known.first.n}) is gone and nobody told`);
    }
  }
}

/** Everyone sees messages in the same order. */
function checkOrder(truth: GhostTruth, report: Report): void {
  for (const roomId of new Set(truth.history.clients.map((info) => info.roomId))) {
    const sequences = truth.clientsIn(roomId).flatMap(({ name }) => sequencesOf(truth.entriesOf.get(name) ?? []));
    for (const [index, first] of sequences.entries()) {
      const places = new Map(first.map(({ id }, place) => [id, place]));
      for (const second of sequences.slice(index + 1)) {
        let before = -1;
        for (const { id, entry } of second) {
          const place = places.get(id) ?? before;
          if (place < before) {
            report.add('reordered', entry, `${id} comes after ${first[before]?.id}, which others saw after it`);
          }
          before = Math.max(before, place);
        }
      }
    }
  }
}

interface Seen {
  readonly id: string;
  readonly entry: Entry;
}

/** What a client was told, but what burns, which may have waited; and its last history. */
function sequencesOf(entries: readonly Entry[]): Seen[][] {
  const told = entries.flatMap((entry) =>
    'told' in entry && entry.told === 'new' && entry.message.ttl > 0 ? { id: entry.message.id, entry } : [],
  );
  const page = entries.map(pageOf).findLast((one) => one);
  return [told, page ? page.messages.map(({ id }) => ({ id, entry: page })) : []];
}

/** What burns and was sent to nobody goes to the first who comes and stays, alone. Gives how many such there were. */
function checkWaiting(truth: GhostTruth, presences: Presences, report: Report): number {
  let waiting = 0;
  for (const known of truth.messages.values()) {
    const answer = known.ask && truth.answers.get(known.ask.n);
    if (known.ttl > 0 || !known.ask || answer?.answer !== 'sent') {
      continue;
    }
    const { roomId, sender } = known;
    const window = [known.ask.n, answer.n] as const;
    if (!presences.others(roomId, sender).every((other) => presences.isOut(roomId, other, ...window))) {
      continue;
    }
    waiting++;
    const others = known.told.filter((entry) => truth.infoFor(entry.client).userId !== sender);
    if (others.length > 1) {
      report.add('reveal', others[1], `${known.id} waited for one, and came to ${others.length}`);
    }
    if (others.length === 0) {
      checkAwaited(known, answer, truth, report);
    }
  }
  return waiting;
}

/** It came to nobody: then nobody stayed long enough, or it may have gone to somebody who could not tell. */
function checkAwaited(known: Known, sent: AnswerEntry, truth: GhostTruth, report: Report): void {
  const isOther = (name: string): boolean => {
    const { roomId, userId } = truth.infoFor(name);
    return roomId === known.roomId && userId !== known.sender;
  };
  const stayed = truth.spans.find(
    ({ info, from, heardUntil }) =>
      isOther(info.name) && from.n > sent.n && heardUntil > from.at + SETTLING_MS + truth.fanOutMs(from.at),
  );
  const stayedUntil = stayed ? truth.numberAt(stayed.from.at + SETTLING_MS + truth.fanOutMs(stayed.from.at)) : 0;
  const others = truth.history.entries.filter(
    (entry) =>
      'ask' in entry &&
      entry.ask === 'enter' &&
      isOther(entry.client) &&
      entry.n > sent.n &&
      entry.n < stayedUntil &&
      !isRefused(truth.answers.get(entry.n)),
  );
  if (stayed && others.every(({ n }) => n === stayed.from.to.n)) {
    report.add('lost', stayed.from, `${known.id} (#${known.first.n}) waited, and did not come`);
  }
}

function count({ clients, entries }: GhostHistory, truth: GhostTruth, waitingBurns: number): GhostCounts {
  const of = (matches: (entry: Entry) => boolean): number => entries.filter(matches).length;
  const refusals = entries.flatMap((entry) => ('answer' in entry && entry.answer === 'refused' ? entry.code : []));
  return {
    clients: clients.length,
    entered: of((entry) => 'answer' in entry && entry.answer === 'entered'),
    messages: truth.messages.size,
    burns: [...truth.messages.values()].filter(({ ttl }) => ttl === 0).length,
    waitingBurns,
    delivered: of((entry) => 'told' in entry && entry.told === 'new'),
    cameOrWent: of((entry) => 'told' in entry && (entry.told === 'came' || entry.told === 'went')),
    stranded: of((entry) => 'told' in entry && entry.told === 'stranded'),
    refused: Object.fromEntries(
      [...new Set(refusals)].map((code) => [code, refusals.filter((one) => one === code).length]),
    ),
  };
}
