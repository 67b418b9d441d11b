import type { Answer, Ask, Range, Shown, Status } from './log';
import { Tab } from './tab';
import { type Body, joinedOf, sentOf, textOf, time } from './wire';

const PAGE_LIMIT = 200;

/** What a client of the room can do. */
export class HistoryClient extends Tab {
  /** True where it is acked. */
  send({ key, ttl, mode, replyTo }: Omit<Ask & { readonly ask: 'send' }, 'ask'>): Promise<boolean> {
    const special = { plain: {}, burn: { burn: true }, seen: { expireFrom: 'seen' } }[mode];
    const payload = {
      content: textOf(key),
      clientId: key,
      ...(ttl !== undefined && { ttl }),
      ...(replyTo !== undefined && { replyTo }),
      ...special,
    };
    return this.emit(
      'message:send',
      payload,
      { ask: 'send', key, ttl, mode, ...(replyTo !== undefined && { replyTo }) },
      (ack) => ({
        answer: 'sent',
        sent: sentOf(ack),
        serverTime: time(ack.serverTime),
      }),
    );
  }

  /** Joins, with the point that the client rule gives, until there is no more; or without one. */
  async join(resume: boolean): Promise<boolean> {
    const point = resume ? this.copy.point : undefined;
    let again = false;
    const done = await this.emit('room:join', { ...point }, { ask: 'join', point }, (ack) => {
      const joined = joinedOf(ack, this.shown);
      again = point !== undefined && joined.more && !joined.gap;
      return { answer: 'joined', joined };
    });
    return done && again ? this.join(true) : done;
  }

  leave(): Promise<boolean> {
    return this.emit('room:leave', {}, { ask: 'leave' });
  }

  raise(range: Range, status: Status): Promise<boolean> {
    return this.emit('message:status', { ...range, status }, { ask: 'raise', range, status });
  }

  /** Gives an own message another text, by socket or REST. */
  async edit({ id, clientId = '' }: Shown, version: number, byRest: boolean): Promise<void> {
    const ask = { ask: 'edit', messageId: id, version } as const;
    const content = textOf(clientId, version);
    if (byRest) {
      return this.call('PATCH', `/messages/${id}`, { ...ask, call: true }, { content });
    }
    await this.emit('message:edit', { messageId: id, content }, ask);
  }

  /** Deletes an own message, by socket or REST. */
  async remove(messageId: string, byRest: boolean): Promise<void> {
    if (byRest) {
      return this.call('DELETE', `/messages/${messageId}`, { ask: 'remove', messageId, call: true });
    }
    await this.emit('message:delete', { messageId }, { ask: 'remove', messageId });
  }

  /** Asks for the text of a burn message. */
  reveal(messageId: string, revealId: string | undefined): Promise<boolean> {
    const payload = { messageId, ...(revealId !== undefined && { revealId }) };
    return this.emit('message:reveal', payload, { ask: 'reveal', messageId, revealId }, this.revealed);
  }

  /** The same by REST. */
  async revealByRest(messageId: string, revealId: string | undefined): Promise<void> {
    const asked = this.ask({ ask: 'reveal', messageId, revealId, call: true });
    const path = `/messages/${messageId}/reveal`;
    this.answerRest(asked, await this.rest('POST', path, revealId === undefined ? {} : { revealId }), this.revealed);
  }

  /** Waits until everything that the server wrote to this connection before is here. */
  async settle(): Promise<void> {
    await this.emit('an event that nobody handles', {}, { ask: 'settle' });
  }

  /** Reads history by REST; `final` when the run is over: what it shows is what the client must hold. */
  async page(final = false): Promise<void> {
    const asked = this.ask({ ask: 'page', call: true, final });
    const answer = await this.rest('GET', `/messages?limit=${PAGE_LIMIT}`);
    this.answerRest(asked, answer, (body) => ({
      answer: 'page',
      messages: (body.messages as Body[]).map(this.shown),
      more: body.hasMore === true,
    }));
  }

  /** Reads the list of rooms, which shows each one's last message. */
  async list(): Promise<void> {
    const asked = this.ask({ ask: 'list', call: true });
    const answer = await this.rest('GET', undefined);
    this.answerRest(asked, answer, ({ rooms }) => {
      const room = (rooms as Body[]).find(({ id }) => id === this.info.roomId);
      const last = room?.lastMessage as Body | null | undefined;
      return { answer: 'listed', lastId: last?.id as string | undefined, lastOpen: typeof last?.content === 'string' };
    });
  }

  /** Gives messages without a ttl of their own another one, which the server notes in the room. */
  async configure(messageTtl: number): Promise<void> {
    await this.call('PATCH', '', { ask: 'configure', call: true }, { settings: { messageTtl } });
  }

  /** Wipes the room. */
  async wipe(): Promise<void> {
    await this.call('DELETE', '', { ask: 'delete', call: true });
  }

  /** Takes a member out of the group. */
  kick(userId: string): Promise<void> {
    return this.call('DELETE', `/members/${userId}`, { ask: 'kick', userId, call: true });
  }

  /** Keeps a user out of the group. */
  ban(userId: string): Promise<void> {
    return this.call('PUT', `/bans/${userId}`, { ask: 'ban', userId, call: true }, {});
  }

  /** Lifts a ban. */
  unban(userId: string): Promise<void> {
    return this.call('DELETE', `/bans/${userId}`, { ask: 'unban', userId, call: true });
  }

  /** Asks a user into the group. */
  invite(userId: string): Promise<void> {
    return this.call('POST', '/invites', { ask: 'invite', userId, call: true }, { userId });
  }

  /** Becomes a member of the group, where invited. */
  enter(): Promise<void> {
    return this.call('POST', '/join', { ask: 'enter', call: true });
  }

  private readonly revealed = ({ message, expiresAt }: Body): Answer => ({
    answer: 'revealed',
    message: this.shown(message as Body),
    expiresAt: time(expiresAt),
  });
}
