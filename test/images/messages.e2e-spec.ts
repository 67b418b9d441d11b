import { AttachmentsService } from '../../src/attachments/attachments.service';
import { AttachmentStore } from '../../src/attachments/attachment-store';
import { UploadsJob } from '../../src/attachments/uploads-job.service';
import { RoomFeed } from '../../src/chat/engine/room-feed';
import { AppConfig } from '../../src/config/app-config';
import { ChatApp, expectRefusal, type Person, say, type Trio } from '../support/chat-app';
import { loadImage, storedFiles, uploadImage } from '../support/chat-images';

const HOUR_MS = 3_600_000;
const BURN_MS = 5000;

let chat: ChatApp;
let trio: Trio;

beforeEach(async () => {
  chat = await ChatApp.start({ BURN_DELAY_MS: String(BURN_MS), UPLOADS_PER_MINUTE: '1000', JWT_EXPIRES_IN: '30d' });
  trio = await chat.trio();
});

afterEach(() => chat.close());

const files = (): string[] => storedFiles(chat.nest.get(AppConfig).env.UPLOAD_DIR);
const upload = (who: { token: string }) => uploadImage(chat.url, who);
const load = (link: unknown, token?: string): Promise<number> => loadImage(chat.url, link, token);
const path = (filename: string): string => `/api/images/${filename}`;

/** Lets time pass until what became due is deleted from the disk. */
async function pass(ms: number): Promise<void> {
  await chat.pass(ms);
  await chat.get(AttachmentsService).settled();
}

/** Alice uploads an image and sends it. */
async function show(more: object = {}) {
  const { alice, roomId } = trio;
  const image = await upload(alice);
  const ack = await say(alice, roomId, '', { content: undefined, imageUrl: image.imageUrl, ...more });
  return { ...image, ...ack };
}

async function told({ client }: Person): Promise<Record<string, unknown>[]> {
  await client.settle();
  return client.all('message:new');
}

describe('a message with an image', () => {
  it('shows it to both by a link of its own, and to nobody else', async () => {
    const { alice, bob, carol } = trio;
    const { imageUrl, filename, messageId } = await show();
    const [message] = await told(bob);
    expect(message).toMatchObject({ id: messageId, type: 'image', content: '', senderId: alice.id });
    const link = String(message?.imageUrl);
    expect(link.split('?')[0]).toBe(imageUrl.split('?')[0]);
    expect(link).not.toBe(imageUrl);
    expect(await told(alice)).toEqual([message]);
    expect(await told(carol)).toEqual([]);
    expect(await load(link)).toBe(200);
    expect(await Promise.all([alice, bob, carol].map(({ token }) => load(path(filename), token)))).toEqual([
      200, 200, 404,
    ]);
    expect(await load(path(filename))).toBe(404);
  });

  it('has it in the ack of a join, a resume, in the history and as last message, each time by a new link', async () => {
    const { bob, roomId } = trio;
    await show({ content: 'look' });
    const first = await bob.client.emit('room:join', { roomId });
    chat.clock.advance(1000);
    const [message] = first.messages as Record<string, unknown>[];
    const resumed = await bob.client.emit('room:join', { roomId, since: 0, epoch: first.epoch });
    const [again] = resumed.messages as Record<string, unknown>[];
    const { body: page } = await chat.api(bob, 'get', `chat/rooms/${roomId}/messages`).expect(200);
    const { body: opened } = await chat.api(bob, 'post', 'chat/rooms').send({ otherUserId: trio.alice.id }).expect(200);
    const { body: list } = await chat.api(bob, 'get', 'chat/rooms').expect(200);
    const { lastMessage } = list.rooms[0];
    expect(lastMessage).toMatchObject({ content: 'look', id: message?.id });
    for (const one of [message, again, page.messages[0], opened.messages[0], lastMessage]) {
      expect(one.content).toBe('look');
      expect(await load(one.imageUrl)).toBe(200);
    }
    // The message ends within a day, so its links end with it.
    expect(again?.imageUrl).toBe(message?.imageUrl);
  });

  it('is sent by REST too, and a name or an unsigned path will do', async () => {
    const { alice, bob, roomId } = trio;
    for (const how of [(name: string) => name, path, (name: string) => `https://old.example.com${path(name)}`]) {
      const { filename } = await upload(alice);
      const call = chat.api(alice, 'post', `chat/rooms/${roomId}/messages`).send({ imageUrl: how(filename) });
      const { body } = await call.expect(201);
      expect(body.message).toMatchObject({ type: 'image', imageUrl: expect.stringContaining(filename) });
      expect(await load(body.message.imageUrl)).toBe(200);
    }
    expect(await told(bob)).toHaveLength(3);
  });

  it('is refused for what is no image of the sender’s own, and nothing is opened or told', async () => {
    const { alice, bob, roomId } = trio;
    const bobs = await upload(bob);
    for (const imageUrl of [
      bobs.imageUrl,
      bobs.filename,
      `${'0'.repeat(24)}.webp`,
      'https://evil.example.com/cat.jpg',
      '/api/images/../../etc/passwd',
      '__proto__',
      '',
    ]) {
      expectRefusal(await alice.client.emit('message:send', { roomId, imageUrl, content: 'x' }), 'NotFoundError');
      const rest = await chat.api(alice, 'post', `chat/rooms/${roomId}/messages`).send({ imageUrl });
      expect([rest.status, rest.body.code]).toEqual([404, 'NotFoundError']);
    }
    expect(await told(bob)).toEqual([]);
    expect((await chat.api(alice, 'get', 'chat/rooms')).body).toEqual({ rooms: [] });
    expect(await load(bobs.imageUrl)).toBe(200);
  });

  it('is refused to strangers and to rooms that cannot be, and the image stays as it was', async () => {
    const { carol, roomId } = trio;
    const { imageUrl } = await upload(carol);
    for (const room of [roomId, 'dm_x_y', 'made up']) {
      expectRefusal(await carol.client.emit('message:send', { roomId: room, imageUrl }), 'NotFoundError');
    }
    expect(await load(imageUrl)).toBe(200);
    await pass(HOUR_MS);
    expect(files()).toEqual([]);
  });

  it('that a full room refuses leaves the image unused', async () => {
    await chat.close();
    chat = await ChatApp.start({ MAX_MESSAGES_PER_ROOM: '1' });
    trio = await chat.trio();
    const { alice, roomId } = trio;
    const { imageUrl, filename } = await upload(alice);
    const { messageId } = await say(alice, roomId, 'x', { ttl: 120 });
    expectRefusal(await alice.client.emit('message:send', { roomId, imageUrl }), 'CapacityError');
    expect((await chat.get(AttachmentStore).find(filename))?.references).toEqual([]);
    await pass(120_000);
    expect((await say(alice, roomId, '', { imageUrl })).messageId).not.toBe(messageId);
  });

  it('repeated by clientId is one message with one image, also when that is gone', async () => {
    const { alice, bob, roomId } = trio;
    const { imageUrl, filename, messageId } = await show({ clientId: 'c', ttl: 60 });
    const repeat = { roomId, imageUrl, clientId: 'c', ttl: 60 };
    expect(await alice.client.emit('message:send', repeat)).toMatchObject({
      success: true,
      messageId,
      duplicate: true,
    });
    expect((await chat.get(AttachmentStore).find(filename))?.references).toHaveLength(1);
    await pass(60_000);
    expect(files()).toEqual([]);
    expect(await alice.client.emit('message:send', repeat)).toMatchObject({
      success: true,
      messageId,
      duplicate: true,
    });
    expectRefusal(await alice.client.emit('message:send', { ...repeat, clientId: 'other' }), 'NotFoundError');
    expect(await told(bob)).toHaveLength(1);
  });

  it('serves n pictures that are asked for at once', async () => {
    const { alice, bob, roomId } = trio;
    for (let i = 0; i < 30; i++) {
      await say(alice, roomId, '', { imageUrl: (await upload(alice)).imageUrl });
    }
    const { messages } = (await bob.client.emit('room:join', { roomId })) as unknown as {
      messages: { imageUrl: string }[];
    };
    const loaded = await Promise.all(messages.map(({ imageUrl }) => load(imageUrl)));
    expect(loaded).toEqual(Array.from({ length: 30 }, () => 200));
  });
});

describe('the file of an image goes', () => {
  it('with its message, which no path shows from its deadline on', async () => {
    const { bob } = trio;
    const { filename, imageUrl } = await show({ ttl: 60 });
    const [message] = await told(bob);
    chat.clock.advance(60_000);
    for (const [link, token] of [[message?.imageUrl], [path(filename), bob.token]] as const) {
      expect(await load(link, token)).toBe(404);
    }
    await pass(0);
    expect(files()).toEqual([]);
    expect(await load(imageUrl)).toBe(404);
    expect(await load(path(filename), trio.alice.token)).toBe(404);
  });

  it('with the last message that shows it, and each message’s link with that', async () => {
    const { alice, bob, roomId } = trio;
    const { imageUrl } = await show({ ttl: 60 });
    await say(alice, roomId, '', { imageUrl, ttl: 7200 });
    const [short, long] = (await told(bob)).map((message) => message.imageUrl);
    await pass(60_000);
    expect(files()).toHaveLength(1);
    expect(await Promise.all([load(short), load(long)])).toEqual([404, 200]);
    await pass(7200_000);
    expect(files()).toEqual([]);
  });

  it('when its deadline came closer: a lifetime from being seen', async () => {
    const { bob, roomId } = trio;
    const { messageId } = await show({ ttl: 60, expireFrom: 'seen' });
    const [message] = await told(bob);
    await pass(2 * HOUR_MS);
    expect(await load(message?.imageUrl)).toBe(200);
    await bob.client.emit('message:status', { roomId, messageId, status: 'seen' });
    await pass(59_999);
    expect(files()).toHaveLength(1);
    await pass(1);
    expect(await load(message?.imageUrl)).toBe(404);
    expect(files()).toEqual([]);
  });

  it('with its room, whoever wipes it', async () => {
    const { bob, roomId } = trio;
    await show();
    const [message] = await told(bob);
    await chat.api(bob, 'delete', `chat/rooms/${roomId}`).expect(204);
    expect(await load(message?.imageUrl)).toBe(404);
    await pass(0);
    expect(files()).toEqual([]);
  });

  it('with the deletion of its message, which then shows nothing; an edit of the text leaves it', async () => {
    const { alice, bob, roomId } = trio;
    const { filename, messageId } = await show({ content: 'look' });
    const [message] = await told(bob);
    expect(await alice.client.emit('message:edit', { roomId, messageId, content: 'see' })).toMatchObject({
      success: true,
    });
    const { messages } = await bob.client.emit('room:join', { roomId });
    expect(messages).toMatchObject([{ content: 'see', imageUrl: expect.stringContaining(filename) }]);
    expect(await load(message?.imageUrl)).toBe(200);
    expect(await alice.client.emit('message:delete', { roomId, messageId })).toMatchObject({ success: true });
    expect(await load(message?.imageUrl)).toBe(404);
    expect(await load(path(filename), bob.token)).toBe(404);
    await pass(0);
    expect(files()).toEqual([]);
    const { body } = await chat.api(bob, 'get', `chat/rooms/${roomId}/messages`).expect(200);
    expect(JSON.stringify(body)).not.toContain(filename);
  });

  it('with the account of its sender, and with that of its recipient', async () => {
    const { alice, bob, carol } = trio;
    await show();
    const { imageUrl } = await upload(bob);
    await say(bob, `dm_${[bob.id, carol.id].sort().join('_')}`, '', { imageUrl });
    expect(files()).toHaveLength(2);
    await chat.api(carol, 'delete', 'users/me').expect(204);
    await pass(0);
    expect(files()).toHaveLength(1);
    await chat.api(alice, 'delete', 'users/me').expect(204);
    await pass(0);
    expect(files()).toEqual([]);
  });

  it('a while later where its process did not get to release it', async () => {
    const { bob, roomId } = trio;
    await show();
    const [message] = await told(bob);
    const release = jest.spyOn(chat.get(AttachmentsService), 'release').mockImplementation(() => {
      throw new Error('dead');
    });
    await chat.get(RoomFeed).close(roomId, 'deleted');
    release.mockRestore();
    // Gone is gone, though the file is there.
    expect(await load(message?.imageUrl)).toBe(404);
    expect(await load(path(files()[0] ?? ''), bob.token)).toBe(404);
    await pass(60_000);
    await pass(HOUR_MS);
    expect(files()).toEqual([]);
  });
});

describe('a burn message with an image', () => {
  it('shows it to its recipient by the reveal only, and as long as that holds', async () => {
    const { alice, bob, roomId } = trio;
    const { filename, messageId } = await show({ burn: true, content: 'needle' });
    const [concealed] = await told(bob);
    expect(concealed).toMatchObject({ concealed: true, type: 'image' });
    expect(JSON.stringify([bob.client.received, (await chat.api(bob, 'get', 'chat/rooms')).body])).not.toContain(
      filename,
    );
    const [own] = await told(alice);
    expect(await load(own?.imageUrl)).toBe(200);
    expect(await load(path(filename), bob.token)).toBe(404);
    const revealed = await bob.client.emit('message:reveal', { roomId, messageId });
    const { imageUrl } = revealed.message as { imageUrl: string };
    expect(await load(imageUrl)).toBe(200);
    expect(await load(path(filename), bob.token)).toBe(200);
    expect((await chat.api(bob, 'get', 'chat/rooms')).body.rooms[0].lastMessage.imageUrl).toBeNull();
    chat.clock.advance(BURN_MS);
    expect(await Promise.all([load(imageUrl), load(own?.imageUrl), load(path(filename), bob.token)])).toEqual([
      404, 404, 404,
    ]);
    await pass(0);
    expect(files()).toEqual([]);
  });

  it('that nobody reveals goes at its deadline', async () => {
    await show({ burn: true });
    await pass(HOUR_MS);
    expect(files()).toEqual([]);
  });
});

describe('an image in a room of many', () => {
  it('is for its members as long as they are, and goes with the room', async () => {
    const { alice, bob, carol } = trio;
    const { body } = await chat.api(alice, 'post', 'chat/rooms').send({ type: 'public', name: 'Gardening' });
    const roomId = body.roomId as string;
    await chat.api(bob, 'post', `chat/rooms/${roomId}/join`).expect(200);
    const { imageUrl, filename } = await upload(bob);
    const sent = { roomId, imageUrl };
    expect(
      (await carol.client.emit('message:send', { roomId, imageUrl: (await upload(carol)).imageUrl })).success,
    ).toBe(false);
    await bob.client.emit('room:join', { roomId });
    expect(await bob.client.emit('message:send', sent)).toMatchObject({ success: true });
    const { messages } = await alice.client.emit('room:join', { roomId });
    const shown = (messages as Record<string, unknown>[]).find(({ type }) => type === 'image');
    expect(await load(shown?.imageUrl)).toBe(200);
    const byToken = (): Promise<number[]> =>
      Promise.all([alice, bob, carol].map(({ token }) => load(path(filename), token)));
    expect(await byToken()).toEqual([200, 200, 404]);
    await chat.api(carol, 'post', `chat/rooms/${roomId}/join`).expect(200);
    expect(await byToken()).toEqual([200, 200, 200]);
    await chat.api(alice, 'delete', `chat/rooms/${roomId}/members/${carol.id}`).expect(204);
    expect(await byToken()).toEqual([200, 200, 404]);
    await chat.api(alice, 'delete', `chat/rooms/${roomId}`).expect(204);
    expect(await load(shown?.imageUrl)).toBe(404);
    await pass(0);
    expect(files()).not.toContain(filename);
  });
});

describe('counts', () => {
  it('of images are in the statistics and in the line of the job', async () => {
    await show();
    const { body } = await chat.api(trio.alice, 'get', 'chat/stats').expect(200);
    expect(body).toMatchObject({ activeChatCount: 1, messageCount: 1, imageCount: 1 });
    const logged = jest.spyOn(chat.get(UploadsJob)['logger'], 'log');
    await chat.get(UploadsJob).run();
    expect(logged.mock.calls[0]?.[0]).toEqual({
      filesDeleted: 0,
      images: 1,
      bytes: 4096,
      activeChats: 1,
      usersOnline: 3,
      messages: 1,
    });
  });
});
