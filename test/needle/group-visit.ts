import type { Test } from 'supertest';
import { type AckBody, call, TestClient } from '../support/clients';
import { until } from '../support/until';
import type { Needles } from './needles';
import { arrive, type Person } from './people';
import { EXPIRED_MS } from './visit';

/** The names that three people have: needles as well. */
const NAMES = ['ann', 'ben', 'cat'] as const;
type Name = (typeof NAMES)[number];

/** Three people use rooms for more than two in every way there is, and leave a needle by each. */
export class GroupVisit {
  /** Ways of texts that stand until they expire. */
  static readonly TEXTS = ['grouptext', 'groupreply', 'groupedited', 'hyphen', 'invitedtext'];
  /** Ways of what stands as long as they do: reports of messages. */
  static readonly REPORTS = ['reason'];
  /** Ways of what belongs to a room. */
  static readonly ROOM = ['roomname', 'roomdescription'];
  /** Ways of what was taken back, or never to be kept. */
  static readonly NOWHERE = ['groupold', 'groupdeleted', 'liftedreason', 'bad'];
  /** Whose the needles are of which the way is no name. */
  static readonly BY_ANN = ['ann', 'grouptext', ...GroupVisit.ROOM];
  private readonly clients: TestClient[] = [];
  private roomId = '';

  private constructor(
    private readonly urls: readonly string[],
    private readonly needles: Needles,
    private readonly people: Readonly<Record<Name, Person>>,
  ) {}

  /** Ann comes to the first of the servers, Ben to the last, Cat to the first. */
  static async begin(urls: readonly string[], needles: Needles): Promise<GroupVisit> {
    const people: Partial<Record<Name, Person>> = {};
    for (const [i, name] of NAMES.entries()) {
      const url = urls.at(i === 1 ? -1 : 0) ?? '';
      people[name] = await arrive(url, needles.of(name), `${name}@example.com`, 'correct horse', 'websocket');
    }
    const visit = new GroupVisit(urls, needles, people as Record<Name, Person>);
    visit.clients.push(...Object.values(visit.people).map(({ client }) => client));
    return visit;
  }

  /** Makes a room whose messages live so long, s, and does in it whatever leaves something. */
  async gather(ttl: number): Promise<void> {
    const { ann, ben, cat } = this.people;
    const of = (way: string): string => this.needles.of(way);
    const settings = { messageTtl: ttl, moderationEnabled: true };
    const about = { name: of('roomname'), description: of('roomdescription') };
    this.roomId = await this.make({ type: 'public', ...about, settings });
    for (const person of [ben, cat]) {
      await this.room(person, 'post', 'join').expect(200);
    }
    for (const { client } of Object.values(this.people)) {
      await this.ok(client.emit('room:join', { roomId: this.roomId }));
    }
    await this.room(ann, 'put', `members/${ben.id}`).send({ role: 'moderator' }).expect(204);
    const text = await this.say(ann, 'grouptext');
    await this.say(ben, 'groupreply', { replyTo: text });
    const old = await this.say(cat, 'groupold');
    await this.room(cat, 'patch', `messages/${old}`)
      .send({ content: of('groupedited') })
      .expect(200);
    await this.say(ann, 'grouptext', { replyTo: old });
    await this.ok(ann.client.emit('message:react', { roomId: this.roomId, messageId: old, emoji: '👍' }));
    const deleted = await this.say(cat, 'groupdeleted');
    await this.room(ben, 'post', `messages/${deleted}/report`)
      .send({ reason: of('liftedreason') })
      .expect(201);
    await this.room(ben, 'delete', `messages/${deleted}`).expect(204);
    await this.report(old);
    await this.expel();
    await this.speakHyphens();
    await this.invite(ttl);
  }

  /** Waits until everything that expires has been told to be gone, to who stayed. */
  async expire(): Promise<void> {
    for (const { client } of [this.people.ann, this.people.ben]) {
      const here = client.all('message:new').filter(({ roomId }) => roomId === this.roomId);
      const sent = here.map(({ id }) => id as string);
      await until(() => {
        const gone = new Set(client.all('message:expired').flatMap(({ messageIds }) => messageIds as string[]));
        return sent.length > 0 && sent.every((id) => gone.has(id));
      }, EXPIRED_MS);
    }
  }

  /** Ends the accounts of these. */
  async erase(...names: Name[]): Promise<void> {
    for (const name of names) {
      await this.api(this.people[name], 'delete', 'users/me').expect(204);
      await this.people[name].client.closed();
    }
  }

  close(): void {
    this.clients.forEach((client) => client.close());
  }

  /** What Ann is served of the room, as text. */
  async served(): Promise<string> {
    const { ann } = this.people;
    const paths = ['', '/messages', '/members', '/bans', '/reports'].map((rest) => `chat/rooms/${this.roomId}${rest}`);
    const answers: unknown[] = [await ann.client.emit('room:join', { roomId: this.roomId })];
    for (const path of [...paths, 'chat/rooms', 'chat/rooms/public', 'chat/invites']) {
      answers.push((await this.api(ann, 'get', path).expect(200)).body);
    }
    return JSON.stringify(answers);
  }

  /** Ben and Ann report a message; what is wrong with a report is nowhere. */
  private async report(messageId: string): Promise<void> {
    const { ann, ben } = this.people;
    const path = `messages/${messageId}/report`;
    await this.room(ben, 'post', path)
      .send({ reason: this.needles.of('reason') })
      .expect(201);
    await ann.client.next('message:reported', ({ report }) => {
      return (report as { reason: string }).reason === this.needles.of('reason');
    });
    await this.room(ben, 'post', path)
      .send({ reason: this.needles.of('bad') })
      .expect(201);
    await this.room(ben, 'post', path)
      .send({ reason: [this.needles.of('bad')] })
      .expect(400);
    await this.room(ann, 'post', `messages/${this.needles.of('bad')}/report`)
      .send({ reason: this.needles.of('bad') })
      .expect(404);
  }

  /** Cat is muted, kicked, banned, let in and banned again, by Ben. */
  private async expel(): Promise<void> {
    const { ben, cat } = this.people;
    await this.room(ben, 'put', `mutes/${cat.id}`).send({ minutes: 1 }).expect(204);
    await this.room(ben, 'delete', `mutes/${cat.id}`).expect(204);
    await this.room(ben, 'delete', `members/${cat.id}`).expect(204);
    await cat.client.next('room:kicked');
    await this.room(ben, 'put', `bans/${cat.id}`)
      .send({ reason: this.needles.of('liftedreason') })
      .expect(204);
    await this.room(ben, 'delete', `bans/${cat.id}`).expect(204);
    await this.room(ben, 'put', `bans/${cat.id}`)
      .send({ reason: this.needles.of('banreason') })
      .expect(204);
  }

  /** Ben sends in `/rooms`. */
  private async speakHyphens(): Promise<void> {
    const { roomId, needles } = this;
    const client = await TestClient.connect(this.urls.at(-1) ?? '', this.people.ben.token, {}, '/rooms');
    this.clients.push(client);
    await this.ok(client.emit('join-rooms'));
    await this.ok(client.emit('send-message', { roomId, content: needles.of('hyphen') }));
    await client.next('new-message', ({ content }) => content === needles.of('hyphen'));
    await client.emit('send-message', { roomId, content: [needles.of('bad')] });
    await client.emit(needles.of('bad'), { roomId });
    await this.ok(client.emit('typing-start', { roomId, text: needles.of('bad') }));
  }

  /** Ben is asked into a private room, and comes; Cat is asked and does not. */
  private async invite(ttl: number): Promise<void> {
    const { ann, ben, cat } = this.people;
    const roomId = await this.make({ type: 'private', name: 'A few', settings: { messageTtl: ttl } });
    for (const { id } of [ben, cat]) {
      await this.api(ann, 'post', `chat/rooms/${roomId}/invites`).send({ userId: id }).expect(201);
    }
    await this.api(ben, 'post', `chat/rooms/${roomId}/join`).expect(200);
    await this.ok(ben.client.emit('message:send', { roomId, content: this.needles.of('invitedtext') }));
    await this.api(ben, 'post', `chat/rooms/${roomId}/leave`).expect(204);
    await this.ok(ann.client.emit('room:join', { roomId }));
  }

  private async make(room: object): Promise<string> {
    return (await this.api(this.people.ann, 'post', 'chat/rooms').send(room).expect(201)).body.roomId as string;
  }

  private async say({ client }: Person, way: string, more: object = {}): Promise<string> {
    const sent = { roomId: this.roomId, content: this.needles.of(way), ...more };
    return (await this.ok(client.emit('message:send', sent))).messageId as string;
  }

  private room(person: Person, method: Parameters<typeof call>[2], path: string): Test {
    return this.api(person, method, `chat/rooms/${this.roomId}/${path}`);
  }

  private api(person: Person, method: Parameters<typeof call>[2], path: string): Test {
    return call(this.urls.at(person === this.people.ben ? -1 : 0) ?? '', person.token, method, `/api/${path}`);
  }

  private async ok(sent: Promise<AckBody>): Promise<AckBody> {
    const ack = await sent;
    expect(ack).toMatchObject({ success: true });
    return ack;
  }
}
