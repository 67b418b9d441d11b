import type { MessageDraft } from '../../src/chat/engine/message';
import type { RoomDraft } from '../../src/chat/engine/room';
import type { RoomEvent } from '../../src/chat/engine/room-event';
import { same } from '../support/same';
import { ALL, type ChatKit, LIMITS, type MakeChatKit, SETTINGS, VIEWER } from './chat-kit';
import { ChatModel } from './chat-model';
import { type Operation, ROOMS, USERS } from './chat-operations';

/** Messages a room: few, so that rooms are full now and then. */
const CAP = 12;

/** How long a revealed message stays, ms. */
const DELAY_MS = 2000;

/** Does the same to a driver and to the model, and compares what they answer, tell and show after each step. */
export async function sameAsModel(makeKit: MakeChatKit, steps: readonly Operation[]): Promise<void> {
  const kit = await makeKit();
  const run = new Run(kit, new ChatModel(await kit.now()));
  try {
    for (const userId of USERS) {
      await kit.feed.follow(userId);
    }
    for (const id of ROOMS) {
      await run.step({ do: 'open', room: id });
    }
    for (const step of steps) {
      await run.step(step);
      await run.compare();
    }
  } finally {
    await kit.close();
  }
}

class Run {
  private readonly told: RoomEvent[] = [];
  private readonly everMade = new Map<string, string>();
  private epochs = 0;

  constructor(
    private readonly kit: ChatKit,
    private readonly model: ChatModel,
  ) {
    kit.feed.subscribe((event) => this.told.push(event));
  }

  async step(step: Operation): Promise<void> {
    const { feed } = this.kit;
    const { model } = this;
    switch (step.do) {
      case 'open': {
        const draft = this.draft(step.room);
        return same((await feed.open(draft, 10)).opened, model.open(draft));
      }
      case 'append':
        return this.append(step);
      case 'raise': {
        const range = step.single ? { messageId: this.idOf(step.room, step.upTo) } : { upToSeq: step.upTo };
        const status = step.seen ? ('seen' as const) : ('delivered' as const);
        const receipt = { roomId: step.room, userId: step.user, status, range, socketId: 's1' };
        return same(await feed.raise(receipt), model.raise(receipt));
      }
      case 'reveal': {
        const { room: roomId, user: userId, revealId } = step;
        const request = {
          roomId,
          userId,
          messageId: this.idOf(roomId, step.seq),
          revealId,
          socketId: 's1',
          delayMs: DELAY_MS,
        };
        return same(await feed.reveal(request), model.reveal(request));
      }
      case 'edit': {
        const { room: roomId, user: userId, content } = step;
        const request = { roomId, userId, messageId: this.idOf(roomId, step.seq), content };
        return same(await feed.edit(request, LIMITS.totalBytes), model.edit(request));
      }
      case 'delete': {
        const { room: roomId, user: userId } = step;
        const change = { roomId, userId, messageId: this.idOf(roomId, step.seq) };
        return same(await feed.delete(change), model.delete(change));
      }
      case 'react': {
        const { room: roomId, user: userId, emoji, action } = step;
        const request = { roomId, userId, messageId: this.idOf(roomId, step.seq), emoji, action };
        return same(await feed.react(request), model.react(request));
      }
      case 'advance':
        model.now += step.seconds * 1000;
        return this.kit.advance(step.seconds * 1000);
      case 'sweep':
      case 'sweepAll': {
        const [before, limit] = [this.told.length, step.do === 'sweep' ? step.limit : 1000];
        const swept = await feed.sweep(step.room, limit);
        const ids = this.told.slice(before).flatMap((event) => (event.kind === 'expired' ? event.messageIds : []));
        const expected = model.sweep(step.room, limit, ids);
        return same([swept?.erased, swept && ids.length], [expected?.erased, expected?.erased]);
      }
      case 'close': {
        const position = model.rooms.get(step.room)?.position ?? 0;
        const ifPosition = step.stale === undefined ? undefined : position - (step.stale ? 1 : 0);
        return same(await feed.close(step.room, 'deleted', ifPosition), model.close(step.room, 'deleted', ifPosition));
      }
      case 'configure': {
        const changed = await feed.configure(step.room, { messageTtl: step.ttl });
        return same(changed !== undefined, model.configure(step.room, { messageTtl: step.ttl }));
      }
      case 'key':
        await feed.setPublicKey(step.room, step.user, step.key);
        return model.setPublicKey(step.room, step.user, step.key);
      case 'enter':
      case 'leave':
      case 'forget':
        await feed[step.do]({ roomId: step.room, userId: step.user, socketId: step.socket });
        return model.move(step.do, step.room, step.user, step.socket);
    }
  }

  /** Everything that a driver shows, and what it told, beside what the model says. */
  async compare(): Promise<void> {
    const { kit, model } = this;
    same(this.told.map(essence), model.events.slice());
    for (const roomId of ROOMS) {
      await this.compareRoom(roomId);
    }
    for (const [id, roomId] of this.everMade) {
      const live = model.live(roomId).find((message) => message.id === id);
      same(await kit.messages.find(roomId, VIEWER, id), live);
      for (const userId of USERS) {
        same(await kit.messages.receipts(roomId, userId, id), model.receipts(roomId, userId, id));
      }
    }
    for (const userId of USERS) {
      const standing = userId === 'stranger' ? [] : [...model.rooms.keys()].sort();
      same([...(await kit.rooms.idsOf(userId))].sort(), standing);
      for (const { room: shown, activeUsers, ...summary } of await kit.rooms.summariesOf(userId)) {
        same({ activeUsers: [...activeUsers].sort(), ...summary }, model.summary(shown.id, userId));
      }
    }
    if (!model.overdue) {
      same(await kit.rooms.totals(), model.totals());
    }
  }

  private async compareRoom(roomId: string): Promise<void> {
    const { kit, model } = this;
    const expected = model.rooms.get(roomId);
    const shown = await kit.rooms.find(roomId);
    same(
      shown && [shown.epoch, shown.lastSeq, shown.position, shown.settings, shown.publicKeys, shown.lastActivity],
      expected && [
        expected.draft.epoch,
        expected.messages.length,
        expected.position,
        expected.settings,
        expected.keys,
        expected.lastActivity,
      ],
    );
    const seqs = expected?.messages.length ?? 0;
    for (const [before, count] of [
      [undefined, 1000],
      [undefined, 3],
      [seqs - 1, 2],
      [2, 5],
    ] as const) {
      same(await kit.messages.page(roomId, VIEWER, before, { ...ALL, count }), model.page(roomId, before, count));
    }
    const epoch = expected?.draft.epoch ?? '';
    for (const since of [undefined, 0, 1, seqs - 2, seqs, seqs + 1]) {
      for (const sinceTime of since === undefined ? [undefined] : [undefined, model.now - 1500]) {
        const from = since === undefined || since < 0 ? undefined : { since, epoch, sinceTime };
        const taken = await kit.messages.snapshot(roomId, VIEWER, from, { ...ALL, count: 4 });
        same(
          taken && {
            messages: taken.messages,
            more: taken.more,
            live: taken.live.flatMap(([first, last]) => numbers(first, last)),
            // More than what rose is allowed: a message that has risen once, or never has to.
            changed: taken.changed.filter(({ id }) => this.roseSince(roomId, id, sinceTime)),
            gap: taken.gap,
            lastSeq: taken.lastSeq,
          },
          model.snapshot(roomId, from, 4),
        );
      }
    }
    const life = await kit.rooms.life(roomId);
    if (!model.overdue) {
      const counted = model.live(roomId).filter(({ type }) => type !== 'system' && type !== 'deleted').length;
      same(
        life && [life.position, life.messageCount, life.waiting, [...life.activeUsers].sort()],
        expected && [
          expected.position,
          counted,
          model.waiting(expected),
          [...new Set([...expected.joined].map((one) => one.split(' ')[0]))].sort(),
        ],
      );
    }
    same(
      [...(life?.leftSockets ?? [])].reduce((sum, [, sockets]) => sum + sockets, 0),
      expected?.left.size ?? 0,
    );
  }

  private async append(step: Extract<Operation, { do: 'append' }>): Promise<void> {
    const draft: MessageDraft = {
      roomId: step.room,
      senderId: step.user,
      senderUsername: step.user,
      type: step.kind === 'system' ? 'system' : 'text',
      content: `message ${this.everMade.size}`,
      ttl: step.ttl,
      expireFrom: step.kind === 'untilSeen' ? 'seen' : 'sent',
      burn: step.kind === 'burn',
      image: undefined,
      clientId: step.clientId,
      ...(step.replyTo !== undefined && { replyTo: this.idOf(step.room, step.replyTo) }),
      system: step.kind === 'system' ? { kind: 'joined', actorId: step.user } : undefined,
    };
    let answer: object | undefined;
    try {
      const appended = await this.kit.feed.append(draft, { ...LIMITS, messagesPerRoom: CAP });
      if (appended) {
        const { id, seq, createdAt, expiresAt } = appended.message;
        answer = { duplicate: appended.duplicate, id, seq, createdAt, expiresAt };
        this.everMade.set(id, step.room);
      }
    } catch (error) {
      answer = { code: (error as { code?: string }).code };
    }
    same(
      answer,
      this.model.append(draft, (answer as { id?: string } | undefined)?.id, { ...LIMITS, messagesPerRoom: CAP }),
    );
  }

  private draft(id: string): RoomDraft {
    const members = ['alice', 'bob'].map((name) => ({ userId: name, username: name }));
    const epoch = `epoch ${this.epochs++}`;
    return { id, type: 'direct', epoch, members, settings: SETTINGS, createdAt: this.model.now, openedBy: 'alice' };
  }

  private idOf(roomId: string, seq: number): string {
    return this.model.rooms.get(roomId)?.messages[seq - 1]?.message.id ?? 'msg_1_none';
  }

  private roseSince(roomId: string, id: string, sinceTime = Infinity): boolean {
    const one = this.model.rooms.get(roomId)?.messages.find(({ message }) => message.id === id);
    return (one?.raisedAt ?? -1) >= sinceTime;
  }
}

/** An event as the model tells it. */
function essence(event: RoomEvent): object {
  const { roomId, position, kind } = event;
  const common = { roomId, position, kind };
  switch (event.kind) {
    case 'opened':
      return { ...common, openedBy: event.openedBy };
    case 'message':
      return { ...common, id: event.message.id, seq: event.message.seq };
    case 'status': {
      const { status, userId, socketId, messages } = event;
      return { ...common, status, userId, socketId, raised: messages.map(({ seq, expiresAt }) => [seq, expiresAt]) };
    }
    case 'expired':
      return { ...common, reason: event.reason, userId: event.userId, ids: [...event.messageIds].sort() };
    case 'edited':
      return { ...common, message: event.message };
    case 'deleted':
      return { ...common, messageId: event.messageId, userId: event.userId };
    case 'reaction': {
      const { messageId, userId, emoji, action, reactions } = event;
      return { ...common, messageId, userId, emoji, action, reactions };
    }
    case 'updated':
    case 'members':
      return common;
    case 'key':
      return { ...common, userId: event.userId, publicKey: event.publicKey };
    case 'joined':
    case 'left':
      return { ...common, userId: event.userId, activeUsers: [...event.activeUsers].sort() };
    case 'replaced':
      return { ...common, userId: event.userId, socketId: event.socketId };
    case 'closed':
      return { ...common, reason: event.reason };
  }
}

function numbers(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
