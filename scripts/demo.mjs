// `npm run demo`: two people chat on a server of their own, and what they wrote goes away before your eyes.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { buildWhenNeeded } from './start.mjs';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
/** How long anything that has to happen is waited for, ms. */
const PATIENCE = 5000;
const START_PATIENCE = 30_000;
/** Lifetime of every message of the demo, s. */
const TTL = 7;
/** How long a message that burns after reading stays, s. */
const BURN_DELAY = 5;
/** How far from its deadline a message may be told to be gone, ms: far more than it is, for busy machines. */
const TOLERANCE = 1000;
/** A red square of 16 pixels, as a PNG. */
const PICTURE =
  'iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAMAAAAoLQ9TAAAAA1BMVEXMMzN0dFbYAAAACXBIWXMAAAPoAAAD6AG1e1JrAAAADUlEQVQY02NgGAXIAAABEAAB7JfjegAAAABJRU5ErkJggg==';
/** All that the server gets of this shell's environment: settings of yours must not change the story. */
const PASSED_ON = ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'SystemRoot'];

const tty = process.stdout.isTTY === true;
const colours = tty && !process.env.NO_COLOR;
const paint = (code) => (text) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
const [bold, dim, green, red, cyan, yellow, magenta] = [1, 2, 32, 31, 36, 33, 35].map(paint);

const startedAt = performance.now();
const WIDTH = 6;

/** One line of the story: when, who, what. */
function say(who, text, colour = (plain) => plain) {
  const at = `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
  process.stdout.write(`${dim(at.padStart(7))}  ${colour(who.padEnd(WIDTH))}  ${text}\n`);
}

const chapter = (text) => process.stdout.write(`\n${bold(text)}\n`);

class DemoError extends Error {}

function check(holds, otherwise) {
  if (!holds) {
    throw new DemoError(otherwise);
  }
}

/** Mayfly as a child process, on a free port, in an empty folder. */
class Server {
  log = [];
  #folder = mkdtempSync(join(tmpdir(), 'mayfly-demo-'));

  constructor() {
    const env = Object.fromEntries(PASSED_ON.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
    Object.assign(env, { NODE_ENV: 'development', PORT: '0', LOG_LEVEL: 'debug', SEED_DEMO_USERS: 'false' });
    env.BURN_DELAY_MS = String(BURN_DELAY * 1000);
    this.process = spawn(process.execPath, [MAIN], { cwd: this.#folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.ended = new Promise((resolve) => this.process.once('close', (code) => resolve(code)));
  }

  /** Its address, once it listens. */
  start() {
    return new Promise((resolve, reject) => {
      const fail = (why) => reject(new DemoError(`The server did not start: ${why}\n${this.log.join('\n')}`));
      const timer = setTimeout(() => fail(`it said nothing for ${START_PATIENCE / 1000} s`), START_PATIENCE);
      const read = (line) => {
        this.log.push(line);
        const [, port] = /Listening on port (\d+)/.exec(line) ?? [];
        if (port) {
          clearTimeout(timer);
          resolve(`http://localhost:${port}`);
        }
      };
      createInterface({ input: this.process.stdout }).on('line', read);
      createInterface({ input: this.process.stderr }).on('line', read);
      void this.ended.then((code) => {
        clearTimeout(timer);
        fail(`it ended with code ${code}`);
      });
    });
  }

  /** Uploaded files that lie on its disk. */
  files() {
    return readdirSync(join(this.#folder, 'uploads'), { recursive: true, withFileTypes: true }).filter((one) =>
      one.isFile(),
    ).length;
  }

  /** Ends it as an operator would; gives its exit code. */
  async stop() {
    this.process.kill('SIGTERM');
    return this.ended;
  }

  /** Fails as soon as the server ends by itself. */
  async watch() {
    const code = await this.ended;
    if (!this.process.killed) {
      throw new DemoError(`The server ended by itself, with code ${code}\n${this.log.slice(-5).join('\n')}`);
    }
    return new Promise(() => {});
  }

  /** Leaves nothing behind, whatever happened. */
  clear() {
    if (this.process.exitCode === null) {
      this.process.kill('SIGKILL');
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Somebody with an account and a socket. */
class Person {
  #received = [];
  #waiting = new Set();

  constructor(url, name, colour) {
    Object.assign(this, { url, name, colour });
  }

  say(text) {
    say(this.name, text, this.colour);
  }

  async rest(method, path, body) {
    const response = await fetch(this.url + path, {
      method,
      headers: { 'Content-Type': 'application/json', ...(this.token && { Authorization: `Bearer ${this.token}` }) },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  }

  async register() {
    const account = { username: this.name, email: `${this.name}@example.com`, password: 'a long password' };
    const { status, body } = await this.rest('POST', '/api/auth/register', account);
    check(status === 201, `${this.name} could not register: ${status} ${body?.error}`);
    this.token = body.token;
    this.id = body.user.id;
    this.say('registered: POST /api/auth/register');
  }

  async connect(io) {
    this.socket = io(this.url, { auth: { token: this.token }, transports: ['websocket'], forceNew: true });
    this.socket.onAny((event, payload) => {
      this.#received.push({ event, payload, at: Date.now() });
      for (const look of [...this.#waiting]) {
        look();
      }
    });
    await this.told('connection:established');
    this.say('connected to the namespace /');
  }

  /** Sends an event and gives its ack, which has to be a success. */
  async emit(event, payload) {
    const answer = await this.socket.timeout(PATIENCE).emitWithAck(event, payload);
    check(answer.success, `${event} was refused: ${answer.error}`);
    return answer;
  }

  /** The first event of this name, past or to come, that matches. */
  told(event, matches = () => true, patience = PATIENCE) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.#received.find((one) => one.event === event && matches(one.payload));
        if (found) {
          clearTimeout(timer);
          this.#waiting.delete(look);
          resolve(found);
        }
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new DemoError(`${this.name} was not told ${event} within ${patience / 1000} s`));
      }, patience);
      this.#waiting.add(look);
      look();
    });
  }
}

/** One person writes, the other sees them typing, reads, and the receipt comes back. */
async function exchange(from, to, roomId, content) {
  await from.emit('typing:start', { roomId });
  await to.told('typing:indicator', ({ userId, isTyping }) => userId === from.id && isTyping);
  to.say(dim(`sees: ${from.name} is typing …`));
  await sleep(1200);
  const { messageId, seq, expiresAt } = await from.emit('message:send', { roomId, content, ttl: TTL });
  from.say(`"${content}"  ${dim(`seq ${seq}, ttl ${TTL} s`)}`);
  const { payload: message } = await to.told('message:new', ({ id }) => id === messageId);
  check(message.content === content, `${to.name} got another text than ${from.name} wrote`);
  for (const status of ['delivered', 'seen']) {
    await to.emit('message:status', { roomId, messageId, status });
    await from.told('message:statusUpdated', (told) => told.messageId === messageId && told.status === status);
    from.say(dim(`receipt: ${status}`));
    await sleep(500);
  }
  return { id: messageId, content, deadline: Date.parse(expiresAt) };
}

/** One person sends a picture; the other loads it by its link. */
async function picture(from, to, roomId, server) {
  const form = new FormData();
  form.append('image', new Blob([Buffer.from(PICTURE, 'base64')]), 'square.png');
  const headers = { Authorization: `Bearer ${from.token}` };
  const upload = await fetch(`${from.url}/api/images/upload`, { method: 'POST', headers, body: form });
  const { imageUrl, error } = await upload.json();
  check(upload.ok, `A picture was refused: ${error}`);
  const { messageId, expiresAt } = await from.emit('message:send', { roomId, imageUrl, ttl: TTL });
  from.say(`sends a picture  ${dim(`ttl ${TTL} s`)}`);
  const { payload: message } = await to.told('message:new', ({ id }) => id === messageId);
  const loaded = await fetch(message.imageUrl);
  check(loaded.ok && loaded.headers.get('content-type') === 'image/webp', `The picture answered ${loaded.status}`);
  const { byteLength } = await loaded.arrayBuffer();
  to.say(`loads it by its signed link: ${byteLength} bytes of WebP`);
  check(server.files() === 1, 'The picture does not lie on the disk');
  await to.emit('message:status', { roomId, messageId, status: 'seen' });
  return { id: messageId, content: 'the picture', link: message.imageUrl, deadline: Date.parse(expiresAt) };
}

/** One person writes what burns after reading; the other gets it concealed and reveals it, once. */
async function burn(from, to, roomId, content) {
  const { messageId } = await from.emit('message:send', { roomId, content, burn: true });
  from.say(`"${content}"  ${dim('burns after reading')}`);
  const { payload: message } = await to.told('message:new', ({ id }) => id === messageId);
  check(message.concealed && !('content' in message), `${to.name} got a burn message that is not concealed`);
  to.say(dim('got a message that is concealed'));
  await sleep(1200);
  const revealed = await to.emit('message:reveal', { roomId, messageId, revealId: 'once' });
  check(revealed.message.content === content, `${to.name} was handed another text than ${from.name} wrote`);
  to.say(`reveals it: it is gone in ${BURN_DELAY} s`);
  const again = await to.socket.timeout(PATIENCE).emitWithAck('message:reveal', { roomId, messageId });
  check(again.code === 'ConflictError', 'A burn message was handed out twice');
  to.say(dim(`reveals it again: ${again.code}`));
  await from.told('message:statusUpdated', (told) => told.messageId === messageId && told.status === 'seen');
  return { id: messageId, content, deadline: Date.parse(revealed.expiresAt) };
}

/** Counts down to the last deadline, and says when each message was told to be gone. */
async function watch(people, messages) {
  const gone = messages.map(async (message) => {
    const told = await Promise.all(
      people.map((person) =>
        person.told('message:expired', ({ messageIds }) => messageIds.includes(message.id), PATIENCE * 3),
      ),
    );
    message.gone = true;
    clearCountdown();
    const late = Math.max(...told.map(({ at }) => at - message.deadline));
    check(Math.abs(late) <= TOLERANCE, `A message was told to be gone ${late} ms after its deadline`);
    say('server', `message:expired to both, ${late} ms after its deadline: "${message.content}"`, yellow);
  });
  const allGone = Promise.all(gone);
  // Awaited below; a failure before that must not count as unhandled.
  allGone.catch(() => {});
  const last = Math.max(...messages.map(({ deadline }) => deadline));
  for (let left = secondsTo(last); left > 0; left = secondsTo(last)) {
    countdown(left, messages.filter((message) => !message.gone).length);
    await sleep(Math.max(1, last - (left - 1) * 1000 - Date.now()));
  }
  await allGone;
}

const secondsTo = (deadline) => Math.ceil((deadline - Date.now()) / 1000);

function countdown(left, count) {
  const text = `${'●'.repeat(count)} ${count} ${count === 1 ? 'message' : 'messages'} left, the last for ${left} s`;
  if (tty) {
    process.stdout.write(`\r\u001b[K         ${text}`);
  } else {
    say('', text);
  }
}

function clearCountdown() {
  if (tty) {
    process.stdout.write('\r\u001b[K');
  }
}

/** Its link, and its file. */
async function pictureIsGone(messages, server) {
  for (const { link } of messages.filter((message) => message.link)) {
    const { status } = await fetch(link);
    check(status === 404, `The link of a picture that is gone answered ${status}`);
  }
  for (const until = Date.now() + PATIENCE; server.files() > 0 && Date.now() < until; await sleep(20));
  check(server.files() === 0, 'The picture is still on the disk');
  say('server', 'the link of the picture: 404; files on its disk: 0', green);
}

/** What anybody could still get out of the server. */
async function whatIsLeft(ann, ben, roomId, joined) {
  const page = await ann.rest('GET', `/api/chat/rooms/${roomId}/messages`);
  check(page.status === 200 && page.body.messages.length === 0, 'The history still has messages');
  say('server', 'history by REST: 0 messages', green);
  const { lastSeq, messages, live } = await ben.emit('room:join', {
    roomId,
    since: joined.lastSeq,
    epoch: joined.epoch,
    sinceTime: joined.serverTime,
  });
  check(messages.length === 0 && live.length === 0, 'A client that resumes still gets messages');
  say('server', `a client that resumes: 0 messages, though the room counted to ${lastSeq}`, green);

  for (const person of [ann, ben]) {
    await person.emit('room:leave', { roomId });
    person.say('leaves');
  }
  for (const person of [ann, ben]) {
    await person.told('room:closed');
  }
  const { body: list } = await ben.rest('GET', '/api/chat/rooms');
  check(list.rooms.length === 0, 'The room is still there');
  const { status } = await ann.rest('GET', `/api/chat/rooms/${roomId}/messages`);
  check(status === 404, `The room still answers ${status}`);
  say('server', 'room:closed to both; the list of rooms: 0; the history: 404', green);
  const { body: stats } = await ann.rest('GET', '/api/chat/stats');
  check(stats.activeChatCount === 0 && stats.messageCount === 0, 'The statistics still count something');
  say('server', `statistics: ${stats.activeChatCount} chats, ${stats.messageCount} messages`, green);
}

async function play(server, io) {
  chapter('Two people');
  const url = await server.start();
  say('server', `listens on ${url}`);
  const ann = new Person(url, 'ann', cyan);
  const ben = new Person(url, 'ben', magenta);
  for (const person of [ann, ben]) {
    await person.register();
  }
  for (const person of [ann, ben]) {
    await person.connect(io);
  }
  await ann.told('user:online', ({ userId }) => userId === ben.id);
  ann.say(dim('sees: ben is online'));

  chapter('A chat');
  const { body: opened } = await ann.rest('POST', '/api/chat/rooms', { otherUserId: ben.id });
  const { roomId } = opened;
  await ben.told('room:created', ({ room }) => room.id === roomId);
  ann.say('opened a room with ben, who was told');
  const joined = await ben.emit('room:join', { roomId });
  await ann.emit('room:join', { roomId });
  const messages = [
    await exchange(ann, ben, roomId, 'Are you at the door?'),
    await exchange(ben, ann, roomId, 'Yes. What was the code?'),
    await exchange(ann, ben, roomId, '4711, but only for a moment.'),
    await picture(ann, ben, roomId, server),
    await burn(ann, ben, roomId, 'The key to the flat is under the third stone.'),
  ];

  chapter('It goes away');
  await watch([ann, ben], messages);

  chapter('What is left');
  await pictureIsGone(messages, server);
  await whatIsLeft(ann, ben, roomId, joined);

  const code = await server.stop();
  check(code === 0, `The server stopped with code ${code}`);
  await Promise.all([ann, ben].map((person) => person.told('server:draining')));
  for (const person of [ann, ben]) {
    person.socket.close();
  }
  const told = messages.filter(({ content }) => server.log.some((line) => line.includes(content)));
  check(told.length === 0, 'The log of the server has a text of the chat');
  say('server', `stopped; ${server.log.length} lines of log at level debug, none with a word of the chat`, green);
  process.stdout.write(`\n${bold('Nothing is left.')}\n`);
}

async function clientLibrary() {
  try {
    return (await import('socket.io-client')).io;
  } catch {
    throw new DemoError('socket.io-client is missing: run `npm ci` with development dependencies first');
  }
}

let server;
const end = (code) => {
  server?.clear();
  process.exit(code);
};
process.once('SIGINT', () => end(130));
process.once('SIGTERM', () => end(143));

try {
  const io = await clientLibrary();
  process.stdout.write('Starts a Mayfly of its own, after a build where one is needed …\n');
  buildWhenNeeded();
  server = new Server();
  await Promise.race([play(server, io), server.watch()]);
  end(0);
} catch (error) {
  clearCountdown();
  process.stderr.write(`${red('The demo failed:')} ${error instanceof DemoError ? error.message : error.stack}\n`);
  end(1);
}
