import { ChatApp, expectRefusal, type Person, say } from '../support/chat-app';
import type { Account } from '../support/clients';

let chat: ChatApp;
let alice: Person;
let bob: Person;
let carol: Person;

beforeAll(async () => {
  chat = await ChatApp.start({ MAX_ROOMS_PER_USER: '4', MAX_MEMBERS_PER_ROOM: '50', MAX_MESSAGES_PER_ROOM: '100' });
});

afterAll(() => chat.close());

beforeEach(async () => {
  [alice, bob, carol] = [await chat.person('alice'), await chat.person('bob'), await chat.person('carol')];
});

afterEach(() => [alice, bob, carol].forEach(({ client }) => client.close()));

const create = (who: Account, body: object = {}) =>
  chat.api(who, 'post', 'chat/rooms').send({ type: 'public', name: 'Gardening', ...body });

interface Updated {
  readonly room: { readonly lastActivity: string; readonly settings: { readonly messageTtl: number | null } };
}

/** A room of alice that bob has joined; its id. */
async function gardening(body: object = {}): Promise<string> {
  const { roomId } = (await create(alice, body).expect(201)).body as { roomId: string };
  await chat.api(bob, 'post', `chat/rooms/${roomId}/join`).expect(200);
  return roomId;
}

const room = (who: Account, method: 'get' | 'post' | 'put' | 'patch' | 'delete', roomId: string, rest = '') =>
  chat.api(who, method, `chat/rooms/${roomId}${rest}`);

async function listen(...people: Person[]): Promise<(roomId: string) => Promise<void>> {
  return async (roomId) => {
    for (const { client } of people) {
      expect(await client.emit('room:join', { roomId })).toMatchObject({ success: true });
    }
  };
}

const notes = (person: Person): unknown[] =>
  person.client.all('message:new').flatMap(({ system }) => (system ? [(system as { kind: string }).kind] : []));

describe('making a room', () => {
  it('answers with the room, its creator the admin', async () => {
    const settings = { maxMembers: 10, slowModeSeconds: 5, messageTtl: 60 };
    const { body } = await create(alice, { description: ' Roses ', settings }).expect(201);
    expect(body).toEqual({
      success: true,
      roomId: body.room.id,
      room: {
        id: expect.stringMatching(/^room_[0-9a-f]{24}$/),
        type: 'public',
        name: 'Gardening',
        description: 'Roses',
        creatorId: alice.id,
        memberCount: 1,
        settings: { ...settings, allowFileSharing: true, moderationEnabled: false, encrypted: false },
        lastActivity: chat.iso(),
        createdAt: chat.iso(),
        members: [{ userId: alice.id, username: alice.username, role: 'admin', joinedAt: chat.iso() }],
      },
    });
    expect((await room(alice, 'get', body.roomId).expect(200)).body).toEqual({ room: body.room });
    const { messages } = (await room(alice, 'get', body.roomId, '/messages').expect(200)).body;
    expect(messages).toMatchObject([{ type: 'system', system: { kind: 'created', actorId: alice.id } }]);
  });

  it.each([
    [{ name: undefined }, 'name'],
    [{ name: ' ' }, 'name'],
    [{ name: 'x'.repeat(101) }, 'name'],
    [{ type: 'direct' }, 'otherUserId'],
    [{ otherUserId: 'x' }, 'type'],
    [{ description: 'x'.repeat(501) }, 'description'],
    [{ settings: { maxMembers: 51 } }, 'settings.maxMembers'],
    [{ settings: { messageTtl: 0 } }, 'settings.messageTtl'],
    [{ settings: { slowModeSeconds: 3601 } }, 'settings.slowModeSeconds'],
    [{ memberIds: [5] }, 'memberIds'],
  ])('refuses %j', async (body, field) => {
    expect((await create(alice, body).expect(400)).body.details).toMatchObject([{ field }]);
  });

  it('invites those who are named, and passes over unknown ones', async () => {
    const memberIds = [bob.id, 'nobody', alice.id, bob.id];
    const { body } = await create(alice, { type: 'private', memberIds }).expect(201);
    expect(body.room.memberCount).toBe(1);
    const told = await bob.client.next('room:invited');
    expect(told).toMatchObject({ room: { id: body.roomId, name: 'Gardening' }, from: { id: alice.id } });
    const { invites } = (await chat.api(bob, 'get', 'chat/invites').expect(200)).body;
    expect(invites).toEqual([{ room: told.room, from: told.from, createdAt: chat.iso() }]);
    await carol.client.settle();
    expect(carol.client.all('room:invited')).toEqual([]);
  });

  it('is for accounts, and for so many rooms each', async () => {
    const guest = await chat.guest();
    await chat.api(guest, 'post', 'chat/rooms').send({ type: 'public', name: 'x' }).expect(403);
    for (let i = 0; i < 4; i++) {
      await create(alice).expect(201);
    }
    expect((await create(alice).expect(503)).body.code).toBe('CapacityError');
  });
});

describe('coming and going', () => {
  it('is told to those who listen, with a note', async () => {
    const roomId = await gardening();
    await (
      await listen(alice, bob)
    )(roomId);
    await room(carol, 'post', roomId, '/join').expect(200);
    await alice.client.until(() => alice.client.all('room:updated')[0], 'room:updated');
    expect(alice.client.all('room:updated')).toMatchObject([{ room: { id: roomId, memberCount: 3 } }]);
    await room(carol, 'post', roomId, '/leave').expect(204);
    await alice.client.until(() => (notes(alice).length === 2 ? true : undefined), 'two notes');
    expect(notes(alice)).toEqual(['joined', 'left']);
    expect(notes(carol)).toEqual([]);
    await room(carol, 'post', roomId, '/leave').expect(403);
  });

  it('of who is not let in: 403 for a public room, 404 for a private one', async () => {
    const open = await gardening();
    const hidden = (await create(alice, { type: 'private' }).expect(201)).body.roomId as string;
    for (const [roomId, status, code] of [
      [open, 403, 'AuthorizationError'],
      [hidden, 404, 'NotFoundError'],
    ] as const) {
      await room(carol, 'get', roomId).expect(status);
      await room(carol, 'get', roomId, '/messages').expect(status);
      await room(carol, 'get', roomId, '/members').expect(status);
      await room(carol, 'get', roomId, '/bans').expect(status);
      await room(carol, 'post', roomId, '/messages').send({ content: 'x' }).expect(status);
      await room(carol, 'post', roomId, '/invites').send({ userId: carol.id }).expect(status);
      await room(carol, 'put', roomId, `/bans/${alice.id}`).send({}).expect(status);
      await room(carol, 'patch', roomId).send({ name: 'x' }).expect(status);
      await room(carol, 'delete', roomId).expect(status);
      for (const event of ['room:join', 'message:send', 'typing:start', 'message:status']) {
        const payload = { roomId, content: 'x', upToSeq: 1, status: 'seen' };
        expectRefusal(await carol.client.emit(event, payload), code);
      }
    }
    await room(carol, 'post', hidden, '/join').expect(404);
  });

  it('by an invite, which is used up, taken back or declined', async () => {
    const roomId = (await create(alice, { type: 'private' }).expect(201)).body.roomId as string;
    const invite = (userId: string) => room(alice, 'post', roomId, '/invites').send({ userId });
    expect((await invite(bob.id).expect(201)).body).toEqual({ success: true });
    await room(bob, 'post', roomId, '/join').expect(200);
    expect((await invite(bob.id).expect(409)).body.code).toBe('ConflictError');
    await invite('nobody').expect(404);
    await room(bob, 'post', roomId, '/invites').send({ userId: carol.id }).expect(403);
    await invite(carol.id).expect(201);
    await room(alice, 'delete', roomId, `/invites/${carol.id}`).expect(204);
    await room(carol, 'post', roomId, '/join').expect(404);
    await invite(carol.id).expect(201);
    await chat.api(carol, 'post', `chat/invites/${roomId}/decline`).expect(204);
    await chat.api(carol, 'post', `chat/invites/${roomId}/decline`).expect(204);
    expect((await chat.api(carol, 'get', 'chat/invites')).body).toEqual({ invites: [] });
    await room(carol, 'post', roomId, '/join').expect(404);
  });

  it('of the last admin hands over; of the last member ends the room', async () => {
    const roomId = await gardening();
    await (
      await listen(bob)
    )(roomId);
    await room(alice, 'post', roomId, '/leave').expect(204);
    const { members } = (await room(bob, 'get', roomId, '/members').expect(200)).body;
    expect(members).toMatchObject([{ userId: bob.id, role: 'admin' }]);
    await room(bob, 'post', roomId, '/leave').expect(204);
    await room(bob, 'get', roomId).expect(404);
    expect((await chat.api(bob, 'get', 'chat/rooms')).body).toEqual({ rooms: [] });
  });

  it('shows in the list of rooms, with the fields of a room', async () => {
    const roomId = await gardening({ settings: { encrypted: true } });
    await say(alice, roomId, 'hello');
    const [mine] = (await chat.api(bob, 'get', 'chat/rooms').expect(200)).body.rooms;
    expect(mine).toMatchObject({
      id: roomId,
      type: 'public',
      name: 'Gardening',
      otherUsername: 'Gardening',
      memberCount: 2,
      messageCount: 1,
      activeUsers: [alice.id],
      lastMessage: { senderId: alice.id, content: null },
    });
    expect(mine).not.toHaveProperty('otherUserId');
  });
});

describe('members', () => {
  it('are told in pages with who is online', async () => {
    const roomId = await gardening();
    const first = (await room(bob, 'get', roomId, '/members?limit=1').expect(200)).body;
    expect(first.members).toEqual([
      {
        userId: alice.id,
        username: alice.username,
        role: 'admin',
        joinedAt: chat.iso(),
        isOnline: true,
        lastSeen: expect.any(String),
      },
    ]);
    const second = (await room(bob, 'get', roomId, `/members?limit=1&cursor=${first.nextCursor}`).expect(200)).body;
    expect(second).toMatchObject({ members: [{ userId: bob.id, role: 'member' }], nextCursor: null });
    await room(bob, 'get', roomId, '/members?cursor=made.up').expect(400);
    const other = (await create(bob).expect(201)).body.roomId as string;
    await room(bob, 'get', other, `/members?cursor=${first.nextCursor}`).expect(400);
  });

  it('have roles, which admins give', async () => {
    const roomId = await gardening();
    const role = (who: Account, userId: string, to: string) =>
      room(who, 'put', roomId, `/members/${userId}`).send({ role: to });
    await role(bob, bob.id, 'admin').expect(403);
    await role(alice, alice.id, 'member').expect(409);
    await role(alice, bob.id, 'owner').expect(400);
    await role(alice, carol.id, 'moderator').expect(404);
    await role(alice, bob.id, 'moderator').expect(204);
    await room(bob, 'delete', roomId, `/members/${alice.id}`).expect(403);
    await room(bob, 'patch', roomId).send({ name: 'x' }).expect(403);
  });

  it('hear what is sent once they joined or sent themselves, and type for each other', async () => {
    const roomId = await gardening();
    await (
      await listen(alice)
    )(roomId);
    await say(bob, roomId, 'hello');
    expect(await alice.client.next('message:new', ({ type }) => type === 'text')).toMatchObject({ content: 'hello' });
    await say(alice, roomId, 'hi');
    await bob.client.next('message:new', ({ content }) => content === 'hi');
    await bob.client.emit('typing:start', { roomId });
    expect(await alice.client.next('typing:indicator')).toMatchObject({ roomId, userId: bob.id, isTyping: true });
    expect(carol.client.all('message:new')).toEqual([]);
    expect(await carol.client.emit('room:leave', { roomId })).toEqual({ success: true });
  });
});

describe('an encrypted room', () => {
  it('takes longer texts than others, which are shown in no preview', async () => {
    const long = 'x'.repeat(5001);
    const [encrypted, plain] = [await gardening({ settings: { encrypted: true } }), await gardening()];
    const { messageId } = await say(alice, encrypted, 'x'.repeat(20_000));
    expectRefusal(await alice.client.emit('message:send', { roomId: plain, content: long }), 'ValidationError');
    expectRefusal(
      await alice.client.emit('message:send', { roomId: encrypted, content: 'x'.repeat(20_001) }),
      'ValidationError',
    );
    const edit = (roomId: string, content: string) => alice.client.emit('message:edit', { roomId, messageId, content });
    expect(await edit(encrypted, long)).toMatchObject({ success: true });
    expectRefusal(await edit(plain, long), 'ValidationError');
    expectRefusal(await carol.client.emit('message:send', { roomId: plain, content: long }), 'AuthorizationError');
  });
});

describe('a room that keeps its history no more', () => {
  it('tells by one event when what it kept will go', async () => {
    const roomId = await gardening({ settings: { messageTtl: null } });
    await (
      await listen(bob)
    )(roomId);
    const [kept, short] = [await say(alice, roomId, 'kept'), await say(alice, roomId, 'short', { ttl: 30 })];
    expect(kept.expiresAt).toBeNull();
    await chat.pass(1000);
    await room(alice, 'patch', roomId)
      .send({ settings: { messageTtl: 60 } })
      .expect(200);
    const inTime = (payload: object) => (payload as Updated).room.settings.messageTtl === 60;
    const { room: updated } = (await bob.client.next('room:updated', inTime)) as unknown as Updated;
    const deadline = new Date(Date.parse(updated.lastActivity) + 60_000).toISOString();
    await chat.pass(1);
    const { messages } = await bob.client.emit('room:join', { roomId });
    const deadlines = new Map((messages as { id: string; expiresAt: string }[]).map((one) => [one.id, one.expiresAt]));
    expect([deadlines.get(kept.messageId), deadlines.get(short.messageId)]).toEqual([deadline, short.expiresAt]);
    expect(bob.client.all('message:statusUpdated')).toEqual([]);
    await chat.pass(60_000);
    await bob.client.next('message:expired', ({ messageIds }) => (messageIds as string[]).includes(kept.messageId));
  });
});

describe('public rooms', () => {
  it('are listed for every account, newest activity first, in pages', async () => {
    const name = `Fans of ${alice.username}`;
    const first = (await create(alice, { name }).expect(201)).body.roomId as string;
    const second = (await create(alice, { name: `${name}, too` }).expect(201)).body.roomId as string;
    await create(alice, { type: 'private', name }).expect(201);
    const list = async (query: string): Promise<{ rooms: { id: string }[]; nextCursor: string | null }> =>
      (await chat.api(carol, 'get', `chat/rooms/public?${query}`).expect(200)).body;
    const q = `q=${encodeURIComponent(name.toUpperCase())}`;
    expect((await list(q)).rooms.map(({ id }) => id)).toEqual([second, first]);
    await say(alice, first, 'hello');
    const page = await list(`${q}&limit=1`);
    expect(page.rooms.map(({ id }) => id)).toEqual([first]);
    expect((await list(`${q}&limit=1&cursor=${page.nextCursor}`)).rooms.map(({ id }) => id)).toEqual([second]);
    await chat.api(carol, 'get', 'chat/rooms/public?cursor=made.up').expect(400);
    await chat.api(carol, 'get', 'chat/rooms/public?limit=0').expect(400);
  });
});

describe('changing a room', () => {
  it('is told to those who listen, with notes', async () => {
    const roomId = await gardening();
    await (
      await listen(bob)
    )(roomId);
    const changes = { name: 'Garden', description: 'All of it', settings: { messageTtl: 60, slowModeSeconds: 1 } };
    const { body } = await room(alice, 'patch', roomId).send(changes).expect(200);
    expect(body.room).toMatchObject({ ...changes, settings: changes.settings });
    expect(await bob.client.next('room:updated')).toMatchObject({ room: { id: roomId, name: 'Garden' } });
    await bob.client.until(() => (notes(bob).length === 2 ? true : undefined), 'two notes');
    expect(notes(bob)).toEqual(['name', 'settings']);
    const { expiresAt } = await say(alice, roomId, 'hello');
    expect(expiresAt).toBe(chat.iso(60_000));
    await say(bob, roomId, 'one');
    const slow = await bob.client.emit('message:send', { roomId, content: 'two' });
    expect(slow).toMatchObject({ success: false, code: 'RateLimitError' });
    chat.clock.advance(1000);
    await say(bob, roomId, 'two');
  });

  it.each([
    [{ settings: { encrypted: true } }, 'settings.encrypted'],
    [{ settings: { maxMembers: 51 } }, 'settings.maxMembers'],
    [{ name: '' }, 'name'],
  ])('refuses %j', async (body, field) => {
    const roomId = await gardening();
    expect((await room(alice, 'patch', roomId).send(body).expect(400)).body.details).toMatchObject([{ field }]);
  });

  it('to what it is already is told to nobody, and is for admins all the same', async () => {
    const roomId = await gardening({ description: 'Roses' });
    await (
      await listen(bob)
    )(roomId);
    const { name, description, settings } = (await room(alice, 'get', roomId).expect(200)).body.room;
    const standing = { name, description, settings };
    expect((await room(alice, 'patch', roomId).send(standing).expect(200)).body.room).toMatchObject(standing);
    await room(bob, 'patch', roomId).send(standing).expect(403);
    await bob.client.settle();
    expect(bob.client.all('room:updated')).toEqual([]);
    expect(notes(bob)).toEqual([]);
  });

  it.each([null, ''])('to the description %j takes it away', async (description) => {
    const roomId = await gardening({ description: 'Roses' });
    expect((await room(alice, 'patch', roomId).send({ description }).expect(200)).body.room.description).toBeNull();
  });

  it('takes the settings back as they were told', async () => {
    const roomId = await gardening({ settings: { encrypted: true, messageTtl: null } });
    const { settings } = (await room(alice, 'get', roomId)).body.room;
    expect(settings).toMatchObject({ encrypted: true, messageTtl: null });
    expect((await room(alice, 'patch', roomId).send({ settings }).expect(200)).body.room.settings).toEqual(settings);
  });

  it('gives what was kept so far a deadline when the history ends, at once', async () => {
    const roomId = await gardening({ settings: { messageTtl: null } });
    const { messageId, expiresAt } = await say(alice, roomId, 'kept');
    expect(expiresAt).toBeNull();
    await room(alice, 'patch', roomId)
      .send({ settings: { messageTtl: 60 } })
      .expect(200);
    const ends = chat.iso(60_000);
    await chat.pass(1);
    const { messages } = (await room(alice, 'get', roomId, '/messages').expect(200)).body;
    expect(messages.map(({ expiresAt: at }: { expiresAt: string }) => at)).toEqual(messages.map(() => ends));
    await (
      await listen(bob)
    )(roomId);
    await chat.pass(60_000);
    const { messageIds } = await bob.client.next('message:expired');
    expect(messageIds).toContain(messageId);
  });

  it('ends with a deletion, which everyone who listens is told', async () => {
    const roomId = await gardening();
    await (
      await listen(bob)
    )(roomId);
    await room(bob, 'delete', roomId).expect(403);
    await room(alice, 'delete', roomId).expect(204);
    expect(await bob.client.next('room:closed')).toEqual({ roomId, reason: 'deleted' });
    await room(alice, 'get', roomId).expect(404);
    expectRefusal(await bob.client.emit('message:send', { roomId, content: 'x' }), 'NotFoundError');
  });
});

describe('an erased account', () => {
  it('leaves tombstones that do not name it', async () => {
    const roomId = await gardening();
    const { messageId } = await say(alice, roomId, 'a secret');
    await say(bob, roomId, 'mine stays');
    await (
      await listen(bob)
    )(roomId);
    await chat.api(alice, 'delete', 'users/me').expect(204);
    expect(await bob.client.next('message:deleted')).toMatchObject({ roomId, messageId });
    const { messages } = (await room(bob, 'get', roomId, '/messages').expect(200)).body;
    expect(JSON.stringify(messages)).not.toContain('a secret');
    expect(messages.filter(({ type }: { type: string }) => type !== 'system')).toMatchObject([
      { id: messageId, type: 'deleted', senderUsername: 'Deleted user', content: '[Message deleted]' },
      { type: 'text', content: 'mine stays' },
    ]);
  });

  it('is named nowhere in its rooms: not by notes, not by quotes, and its reactions go', async () => {
    const roomId = await gardening();
    const asked = await say(alice, roomId, 'a question');
    const { messageId } = await say(bob, roomId, 'an answer', { replyTo: asked.messageId });
    const reaction = { roomId, messageId, emoji: '👍' };
    expect(await alice.client.emit('message:react', reaction)).toEqual({ success: true });
    await chat.api(alice, 'delete', 'users/me').expect(204);
    const { messages } = (await room(bob, 'get', roomId, '/messages').expect(200)).body;
    expect(messages.some(({ system }: { system?: { actorId: string } }) => system?.actorId === bob.id)).toBe(true);
    expect(JSON.stringify(messages)).not.toContain(alice.username);
    const answer = messages.find(({ id }: { id: string }) => id === messageId);
    expect(answer).toMatchObject({ replyTo: { senderUsername: 'Deleted user', preview: null } });
    expect(answer).not.toHaveProperty('reactions');
  });

  it('leaves nothing in a room that it had left, either', async () => {
    const roomId = await gardening();
    const { messageId } = await say(bob, roomId, 'a secret');
    await room(bob, 'post', roomId, '/leave').expect(204);
    await chat.api(bob, 'delete', 'users/me').expect(204);
    const { messages } = (await room(alice, 'get', roomId, '/messages').expect(200)).body;
    expect(JSON.stringify(messages)).not.toMatch(new RegExp(`a secret|${bob.username}`));
    expect(messages).toContainEqual(expect.objectContaining({ id: messageId, type: 'deleted' }));
  });

  it('leaves its rooms, its admin role handed over', async () => {
    const roomId = await gardening();
    await (
      await listen(bob)
    )(roomId);
    await chat.api(alice, 'delete', 'users/me').expect(204);
    const { members } = (await room(bob, 'get', roomId, '/members').expect(200)).body;
    expect(members).toMatchObject([{ userId: bob.id, role: 'admin' }]);
    expect(await bob.client.next('room:updated')).toMatchObject({ room: { memberCount: 1 } });
  });
});
