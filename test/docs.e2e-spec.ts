import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'dotenv';
import type { Socket } from 'socket.io-client';
import { SYSTEM_KINDS } from '../src/chat/engine/message';
import { HandlerMap } from '../src/realtime/handler-map';
import { serverEvents } from '../src/realtime/server-event';
import { type Account, call, register, TestClient } from './support/clients';
import { createApp, type TestApp } from './support/create-app';
import { until } from './support/until';

const ROOT = join(__dirname, '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const PAGES = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
const page = (name: string): string => read(join('docs', name));
const matches = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, found = '']) => found);

interface Kept {
  id: string;
  seq: number;
  content: string;
  status: string;
}

/** The class that docs/events.md prints. */
interface RoomCopy {
  readonly messages: Map<number, Kept>;
  readonly current: boolean;
  join(): void;
}

type RoomCopyClass = new (
  socket: Pick<Socket, 'on' | 'emit' | 'connected'>,
  roomId: string,
  userId: string,
) => RoomCopy;

function roomCopyClass(): RoomCopyClass {
  const [code = ''] = matches(page('events.md'), /^```js\n([^]*?^class RoomCopy[^]*?)^```$/gm).slice(-1);
  const source = code.slice(code.indexOf('/** What a client keeps'));
  return new Function(`${source}\nreturn RoomCopy;`)() as RoomCopyClass;
}

describe('docs/', () => {
  it.each(PAGES)('%s links only to files and headings that there are', (name) => {
    const headings = (text: string): string[] =>
      matches(text, /^#+ (.*)$/gm).map((heading) =>
        heading
          .toLowerCase()
          .replaceAll(/[^a-z0-9 _-]/g, '')
          .replaceAll(' ', '-'),
      );
    const broken = matches(page(name), /\]\(([^)\s]+)\)/g)
      .filter((link) => !link.startsWith('http'))
      .filter((link) => {
        const [path = '', heading] = link.split('#');
        const target = path === '' ? join('docs', name) : join('docs', path);
        return !existsSync(join(ROOT, target)) || (heading !== undefined && !headings(read(target)).includes(heading));
      });
    expect(broken).toEqual([]);
  });

  it.each([...PAGES.map((name) => join('docs', name)), 'README.md'])(
    '%s names only settings that there are',
    (path) => {
      const known = new Set([
        ...Object.keys(parse(read('.env.example'))),
        ...matches(read('.env.example'), /^# {3}([A-Z_]+)/gm),
      ]);
      const named = matches(read(path), /`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=[^`]*)?`/g);
      expect(named.filter((name) => !known.has(name))).toEqual([]);
    },
  );

  it('operating.md tells of every setting', () => {
    const text = page('operating.md');
    expect(Object.keys(parse(read('.env.example'))).filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });

  describe('events.md', () => {
    let app: TestApp;

    beforeAll(async () => {
      app = await createApp();
    });

    afterAll(() => app.close());

    it('has every event of a client, and no other', () => {
      const native = app.app
        .get(HandlerMap)
        .build()
        .find(({ namespace }) => namespace === '/');
      const [, sent = ''] = page('events.md').split(/^## What you send$|^## What you are sent$/m);
      const documented = matches(sent, /^### (.*)$/gm).flatMap((heading) => matches(heading, /`([^`]+)`/g));
      expect(documented.sort()).toEqual([...(native?.handlers.keys() ?? [])].sort());
    });

    it('has every event of the server, and no other', () => {
      const [, , told = ''] = page('events.md').split(/^## What you send$|^## What you are sent$|^## Resume$/m);
      const rows = matches(told, /^\| (`[^|]*) \|/gm).flatMap((cell) => matches(cell, /`([^`]+)`/g));
      expect(rows.sort()).toEqual(
        serverEvents()
          .filter(({ namespace }) => namespace === '/')
          .map(({ name }) => name)
          .sort(),
      );
    });

    it('has every kind of system message', () => {
      const [row = ''] = /^\| `system` \|.*$/m.exec(page('events.md')) ?? [];
      expect(SYSTEM_KINDS.filter((kind) => !row.includes(`\`${kind}\``))).toEqual([]);
    });

    it('has every event of the other namespaces, and no other', () => {
      const [, ...parts] = page('events.md').split(/^## The namespace `(?=\/)/m);
      const documented = parts.flatMap((part) => {
        const [namespace = ''] = part.split('`', 1);
        const cells = matches(part, /^\| (`[^|]*) \|/gm).flatMap((cell) => matches(cell, /`([^`]+)`/g));
        return cells.map((event) => `${namespace} ${event}`);
      });
      const others = app.app
        .get(HandlerMap)
        .build()
        .filter(({ namespace }) => namespace !== '/');
      const known = [
        ...others.flatMap(({ namespace, handlers }) => [...handlers.keys()].map((event) => `${namespace} ${event}`)),
        ...serverEvents()
          .filter(({ namespace }) => namespace !== '/')
          .map(({ namespace, name }) => `${namespace} ${name}`),
      ];
      expect(documented.sort()).toEqual(known.sort());
    });

    it('has a worked example of a resume that is true', async () => {
      const [alice, bob] = [await register(app.url, 'alice'), await register(app.url, 'bob')];
      const roomId = `dm_${[alice.id, bob.id].sort().join('_')}`;
      const a = await TestClient.connect(app.url, alice.token);
      const b = await TestClient.connect(app.url, bob.token);
      const send = (from: TestClient, content: string, ttl = 60) => from.emit('message:send', { roomId, content, ttl });
      await send(a, '1');
      await send(a, '2', 2);
      await send(a, '3');
      await send(b, '4');
      const { epoch, serverTime, lastSeq } = await b.emit('room:join', { roomId });
      expect(lastSeq).toBe(4);
      await send(a, '5');
      b.close();
      await a.emit('message:status', { roomId, upToSeq: 5, status: 'seen' });
      const { messageId } = await send(a, '6', 2);
      await send(a, '7');
      await a.next('message:expired', ({ messageIds }) => (messageIds as string[]).includes(String(messageId)));

      const back = await TestClient.connect(app.url, bob.token);
      const ack = await back.emit('room:join', { roomId, since: 5, epoch, sinceTime: serverTime });

      expect(ack).toMatchObject({
        messages: [{ seq: 7 }],
        live: [
          [1, 1],
          [3, 5],
        ],
        changed: [{ seq: 4, status: 'seen' }],
        gap: false,
        lastSeq: 7,
        epoch,
      });
      a.close();
      back.close();
    });

    it('has code that keeps a copy of a room through interruptions', async () => {
      const [alice, bob] = [await register(app.url, 'alice'), await register(app.url, 'bob')];
      const roomId = `dm_${[alice.id, bob.id].sort().join('_')}`;
      const a = await TestClient.connect(app.url, alice.token);
      const b = await TestClient.connect(app.url, bob.token, { reconnection: true, reconnectionDelay: 20 });
      const RoomCopy = roomCopyClass();
      const copy = new RoomCopy(b.socket, roomId, bob.id);
      let sent = 0;
      const send = (ttl: number) => a.emit('message:send', { roomId, content: String(++sent), ttl });
      const interrupt = async (meanwhile: () => Promise<unknown>): Promise<void> => {
        const connections = b.all('connection:established').length;
        b.socket.io.engine.close();
        await meanwhile();
        await b.until(() => b.all('connection:established')[connections], 'A new connection');
        await b.settle();
        expect(copy.current).toBe(true);
      };

      for (let round = 0; round < 5; round++) {
        await Promise.all([send(600), send(1), send(600)]);
        const receipt = { roomId, upToSeq: sent, status: 'seen' };
        await interrupt(() => Promise.all([send(1), send(600), a.emit('message:status', receipt)]));
        await b.emit('message:send', { roomId, content: 'from Bob', ttl: 600 });
      }
      await b.emit('message:status', { roomId, upToSeq: sent, status: 'seen' });
      const expired = () => a.all('message:expired').flatMap(({ messageIds }) => messageIds);
      await a.until(() => (expired().length === 10 ? true : undefined), 'The end of ten messages');
      // Receipts are not told to the socket that gave them: the next resume brings them.
      await interrupt(() => Promise.resolve());

      const { messages } = (await a.emit('room:join', { roomId })) as unknown as { messages: Kept[] };
      expect(messages).toHaveLength(20);
      expect([...copy.messages.values()].sort((x, y) => x.seq - y.seq)).toEqual(messages);
      a.close();
      b.close();
    });

    describe('has code that in a room for more than two', () => {
      let roomId: string;
      let alice: Account;
      let bob: Account;
      let a: TestClient;
      let b: TestClient;
      const RoomCopy = roomCopyClass();
      const rest = (who: Account, method: 'post' | 'delete', path: string) =>
        call(app.url, who.token, method, `/api/chat/rooms${path}`);
      const contents = ({ messages }: RoomCopy): string[] => [...messages.values()].map(({ content }) => content);

      beforeEach(async () => {
        [alice, bob] = [await register(app.url, 'alice'), await register(app.url, 'bob')];
        const { body } = await rest(alice, 'post', '').send({ type: 'public', name: 'Gardening' }).expect(201);
        roomId = body.roomId as string;
        await rest(bob, 'post', `/${roomId}/join`).expect(200);
        a = await TestClient.connect(app.url, alice.token);
        b = await TestClient.connect(app.url, bob.token, { reconnection: true, reconnectionDelay: 20 });
      });

      afterEach(() => {
        a.close();
        b.close();
      });

      it('forgets it when its user is put out, and has all of it again, also where a join crosses that', async () => {
        await a.emit('message:send', { roomId, content: 'before' });
        let held: (() => void)[] | undefined;
        const emit = (...args: Parameters<Socket['emit']>): Socket => {
          const send = (): unknown => b.socket.emit(...args);
          void (held ? held.push(send) : send());
          return b.socket;
        };
        const copy = new RoomCopy({ connected: true, on: b.socket.on.bind(b.socket), emit } as Socket, roomId, bob.id);
        await until(() => copy.current);
        expect(contents(copy)).toContain('before');
        held = [];
        copy.join();
        await rest(alice, 'delete', `/${roomId}/members/${bob.id}`).expect(204);
        await b.next('room:kicked');
        expect(contents(copy)).toEqual([]);
        await rest(bob, 'post', `/${roomId}/join`).expect(200);
        const crossing = held;
        held = undefined;
        crossing.forEach((send) => send());
        await until(() => copy.current);
        const { messages } = (await a.emit('room:join', { roomId })) as unknown as { messages: Kept[] };
        expect(messages.map(({ content }) => content)).toContain('before');
        expect([...copy.messages.values()]).toEqual(messages);
      });

      it('knows after an interruption how far the others have come', async () => {
        const copy = new RoomCopy(b.socket, roomId, bob.id);
        await until(() => copy.current);
        for (const content of ['one', 'two', 'three']) {
          await b.emit('message:send', { roomId, content });
        }
        const statuses = (): string[] =>
          [...copy.messages.values()].flatMap(({ content, status }) => (content.length > 5 ? [] : status));
        await until(() => statuses().length === 3);
        const [two] = [...copy.messages.values()].filter(({ content }) => content === 'two');
        b.socket.disconnect();
        expect(copy.current).toBe(false);
        await a.emit('message:status', { roomId, upToSeq: (two?.seq ?? 0) + 1, status: 'delivered' });
        await a.emit('message:status', { roomId, upToSeq: two?.seq, status: 'seen' });
        b.socket.connect();
        await until(() => copy.current);
        expect(statuses()).toEqual(['seen', 'seen', 'delivered']);
      });
    });
  });
});
