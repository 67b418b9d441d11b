import { Ids } from '../../src/common/ids';
import {
  type Changed,
  type GroupDraft,
  MAX_INVITES_PER_USER,
  type MembershipChange,
  type Standing,
} from '../../src/chat/engine/membership';
import type { MembershipLimits } from '../../src/chat/engine/membership-feed';
import { groupRoomId, type Member, type Room } from '../../src/chat/engine/room';
import type { Message } from '../../src/chat/engine/message';
import {
  ALL,
  type ChatBench,
  failureOf,
  LIMITS,
  LONG_S,
  type MakeChatKit,
  repeat,
  SETTINGS,
  SHORT_MS,
  useChat,
} from './chat-kit';

type Act<T> = T extends MembershipChange ? Omit<T, 'roomId' | 'actor'> : never;

const ids = new Ids();
const ROOMS_PER_USER = 5;
const MEMBERSHIP: MembershipLimits = { roomsPerUser: ROOMS_PER_USER, membersPerRoom: 4, messages: LIMITS };
const LONG_MS = LONG_S * 1000;

/** A room that is not direct, with names for those who have to do with it. */
export class Group {
  private constructor(
    private readonly bench: ChatBench,
    readonly id: string,
    readonly alice: Member,
  ) {}

  static async open(bench: ChatBench, changes: Partial<GroupDraft> = {}): Promise<Group> {
    const creator = changes.creator ?? person('alice');
    const draft: GroupDraft = {
      id: groupRoomId(ids.id()),
      type: 'public',
      epoch: ids.id(),
      creator,
      name: 'Gardening',
      description: null,
      settings: { ...SETTINGS, maxMembers: 100 },
      createdAt: await bench.kit.now(),
      ...changes,
    };
    await bench.kit.memberships.create(draft, MEMBERSHIP);
    return new Group(bench, draft.id, creator);
  }

  async act(actor: Member, act: Act<MembershipChange>, limits: Partial<MembershipLimits> = {}): Promise<Changed> {
    const change = { roomId: this.id, actor, ...act } as MembershipChange;
    return this.bench.kit.memberships.change(change, { ...MEMBERSHIP, ...limits });
  }

  /** Their account is erased. */
  async forget({ userId }: Member): Promise<void> {
    await this.bench.kit.memberships.forgetUser({ userId }, MEMBERSHIP);
  }

  /** The code of the error that it must fail with. */
  async refusal(actor: Member, act: Act<MembershipChange>, limits: Partial<MembershipLimits> = {}): Promise<unknown> {
    return codeOf(this.act(actor, act, limits));
  }

  async join(name: string): Promise<Member> {
    const user = person(name);
    await this.act(user, { kind: 'join' });
    return user;
  }

  async moderator(name: string): Promise<Member> {
    const user = await this.join(name);
    await this.act(this.alice, { kind: 'role', target: user, role: 'moderator' });
    return user;
  }

  async standing({ userId }: Member): Promise<Standing | undefined> {
    return this.bench.kit.standings.standing(this.id, userId);
  }

  /** Names and roles, longest-standing first. */
  async members(): Promise<string[]> {
    const { members } = await this.bench.kit.standings.members(this.id, undefined, 100);
    return members.map(({ username, role }) => `${username} ${role}`);
  }

  async room(): Promise<Room | undefined> {
    return this.bench.kit.rooms.find(this.id);
  }

  async send(user: Member, content = 'hello', limits = {}): Promise<Message | undefined> {
    const pair = { roomId: this.id, epoch: '', alice: this.alice.userId, bob: '' };
    const draft = this.bench.message(pair, { senderId: user.userId, senderUsername: user.username, content });
    return (await this.bench.append(draft, limits))?.message;
  }

  /** What the system messages tell, oldest first. */
  async notes(): Promise<string[]> {
    const { messages } = await this.bench.kit.messages.page(this.id, this.alice.userId, undefined, ALL);
    return messages.flatMap(({ system, content }) => (system ? [`${system.kind}: ${content}`] : []));
  }
}

function person(username: string): Member {
  return { userId: ids.id(), username };
}

async function codeOf(call: Promise<unknown>): Promise<unknown> {
  return ((await failureOf(call)) as { code?: string } | undefined)?.code;
}

/** What every driver of `MembershipFeed` and `MembershipStore` promises. */
export function membershipContract(makeKit: MakeChatKit): void {
  const bench = useChat(makeKit);

  describe('a room with members', () => {
    it('begins with its creator as admin and a note of it', async () => {
      const group = await Group.open(bench, { description: 'Roses and such' });
      expect(await group.members()).toEqual(['alice admin']);
      expect(await group.notes()).toEqual(['created: alice created Gardening']);
      expect(await group.room()).toMatchObject({
        type: 'public',
        name: 'Gardening',
        description: 'Roses and such',
        creatorId: group.alice.userId,
        memberCount: 1,
        members: [],
      });
      expect(await bench.kit.rooms.idsOf(group.alice.userId)).toEqual([group.id]);
      expect(await group.standing(group.alice)).toMatchObject({ role: 'admin', joinedSeq: 0 });
    });

    it('is joined once, from a seq on', async () => {
      const group = await Group.open(bench);
      await group.send(group.alice);
      const bob = person('bob');
      expect(await group.act(bob, { kind: 'join' })).toMatchObject({ changed: true, room: { memberCount: 2 } });
      expect(await group.act(bob, { kind: 'join' })).toMatchObject({ changed: false, room: { memberCount: 2 } });
      expect(await group.standing(bob)).toEqual({
        type: 'public',
        role: 'member',
        joinedSeq: 2,
        banned: false,
        muted: false,
        invited: false,
      });
      expect(await group.members()).toEqual(['alice admin', 'bob member']);
      expect((await group.notes()).at(-1)).toBe('joined: bob joined');
      expect(await bench.kit.rooms.idsOf(bob.userId)).toEqual([group.id]);
      expect((await bench.kit.rooms.summariesOf(bob.userId))[0]?.room).toEqual(await group.room());
    });

    it('counts a membership anew after a leave', async () => {
      const group = await Group.open(bench);
      const bob = await group.join('bob');
      const carol = await group.join('carol');
      await group.act(bob, { kind: 'leave' });
      expect(await group.standing(bob)).toMatchObject({ role: undefined });
      expect(await bench.kit.rooms.idsOf(bob.userId)).toEqual([]);
      expect(await bench.kit.rooms.summariesOf(bob.userId)).toEqual([]);
      await group.act(bob, { kind: 'join' });
      expect(await group.members()).toEqual(['alice admin', 'carol member', 'bob member']);
      expect((await group.standing(bob))?.joinedSeq).toBeGreaterThan((await group.standing(carol))?.joinedSeq ?? 0);
    });

    it('gives its members in pages', async () => {
      const group = await Group.open(bench);
      const names = ['bob', 'carol', 'dave'];
      for (const name of names) {
        await group.join(name);
      }
      const first = await bench.kit.standings.members(group.id, undefined, 2);
      expect(first.members.map(({ username }) => username)).toEqual(['alice', 'bob']);
      const second = await bench.kit.standings.members(group.id, first.next, 2);
      expect(second.members.map(({ username }) => username)).toEqual(['carol', 'dave']);
      expect(second.next).toBeUndefined();
    });

    it('is full at the least of its own and the server’s limit; a member has only so many rooms', async () => {
      const group = await Group.open(bench);
      await Promise.all(['bob', 'carol', 'dave'].map((name) => group.join(name)));
      expect(await group.refusal(person('eve'), { kind: 'join' })).toBe('CapacityError');
      expect(await group.refusal(person('eve'), { kind: 'join' }, { membersPerRoom: 5 })).toBeUndefined();
      const bob = person('bob');
      for (let i = 0; i < ROOMS_PER_USER; i++) {
        await (await Group.open(bench)).act(bob, { kind: 'join' });
      }
      const other = await Group.open(bench);
      expect(await other.refusal(bob, { kind: 'join' })).toBe('CapacityError');
      expect(await other.standing(bob)).toMatchObject({ role: undefined });
      expect(await codeOf(Group.open(bench, { creator: bob }))).toBe('CapacityError');
      const small = await Group.open(bench, { settings: { ...SETTINGS, maxMembers: 1 } });
      expect(await small.refusal(person('eve'), { kind: 'join' })).toBe('CapacityError');
    });

    it('of ten who join for the last two places lets two in', async () => {
      const group = await Group.open(bench);
      await group.join('bob');
      const outcomes = await Promise.all(repeat(10, () => group.refusal(person('someone'), { kind: 'join' })));
      expect(outcomes.filter((code) => code === undefined)).toHaveLength(2);
      expect((await group.room())?.memberCount).toBe(4);
    });
  });

  describe('an invite', () => {
    it('lets one person into a private room once', async () => {
      const group = await Group.open(bench, { type: 'private' });
      const bob = person('bob');
      expect(await group.refusal(bob, { kind: 'join' })).toBe('NotFoundError');
      expect(await group.act(group.alice, { kind: 'invite', target: bob })).toMatchObject({ changed: true });
      expect(await group.act(group.alice, { kind: 'invite', target: bob })).toMatchObject({ changed: false });
      expect(await group.standing(bob)).toMatchObject({ role: undefined, invited: true });
      expect(await bench.kit.standings.invites(bob.userId)).toMatchObject([
        { roomId: group.id, by: group.alice.userId },
      ]);
      await group.act(bob, { kind: 'join' });
      expect(await bench.kit.standings.invites(bob.userId)).toEqual([]);
      expect(await group.standing(bob)).toMatchObject({ role: 'member', invited: false });
      await group.act(bob, { kind: 'leave' });
      expect(await group.refusal(bob, { kind: 'join' })).toBe('NotFoundError');
    });

    it('is taken back by a moderator or declined', async () => {
      const group = await Group.open(bench, { type: 'private' });
      const [bob, carol] = [person('bob'), person('carol')];
      await group.act(group.alice, { kind: 'invite', target: bob });
      await group.act(group.alice, { kind: 'invite', target: carol });
      await group.act(group.alice, { kind: 'uninvite', target: bob });
      await group.act(carol, { kind: 'uninvite', target: carol });
      expect(await group.act(carol, { kind: 'uninvite', target: carol })).toMatchObject({ changed: false });
      for (const user of [bob, carol]) {
        expect(await bench.kit.standings.invites(user.userId)).toEqual([]);
        expect(await group.refusal(user, { kind: 'join' })).toBe('NotFoundError');
      }
      expect(await group.notes()).toHaveLength(1);
    });

    it('is for moderators to give, not to members or the banned', async () => {
      const group = await Group.open(bench);
      const bob = await group.join('bob');
      expect(await group.refusal(bob, { kind: 'invite', target: person('carol') })).toBe('AuthorizationError');
      expect(await group.refusal(group.alice, { kind: 'invite', target: bob })).toBe('ConflictError');
      const dave = person('dave');
      await group.act(group.alice, { kind: 'ban', target: dave, reason: undefined, until: null });
      expect(await group.refusal(group.alice, { kind: 'invite', target: dave })).toBe('ConflictError');
    });

    it('waits for one user in so many rooms at most', async () => {
      const bob = person('bob');
      const groups = [];
      for (let i = 0; i <= MAX_INVITES_PER_USER; i++) {
        groups.push(await Group.open(bench, { creator: person('alice') }));
      }
      const codes = [];
      for (const group of groups) {
        codes.push(await group.refusal(group.alice, { kind: 'invite', target: bob }));
      }
      expect(codes.filter((code) => code !== undefined)).toEqual(['CapacityError']);
      expect(await bench.kit.standings.invites(bob.userId)).toHaveLength(MAX_INVITES_PER_USER);
    });
  });

  describe('a leave', () => {
    it('of the last admin hands over to the longest-standing moderator', async () => {
      const group = await Group.open(bench);
      await group.join('bob');
      await group.moderator('carol');
      await group.moderator('dave');
      await group.act(group.alice, { kind: 'leave' });
      expect(await group.members()).toEqual(['bob member', 'carol admin', 'dave moderator']);
      expect((await group.notes()).slice(-2)).toEqual(['left: alice left', 'role: carol is an admin now']);
    });

    it('of the last admin hands over to the longest-standing member where there is no moderator', async () => {
      const group = await Group.open(bench);
      const bob = await group.join('bo"b\\n');
      await group.join('carol');
      await group.act(group.alice, { kind: 'leave' });
      expect(await group.members()).toEqual(['bo"b\\n admin', 'carol member']);
      const note = (await bench.kit.messages.page(group.id, bob.userId, undefined, ALL)).messages.at(-1);
      expect(note).toMatchObject({
        senderId: bob.userId,
        senderUsername: 'bo"b\\n',
        content: 'bo"b\\n is an admin now',
        system: { kind: 'role', actorId: bob.userId, targetId: bob.userId },
      });
    });

    it('of one admin of two hands over to nobody', async () => {
      const group = await Group.open(bench);
      const bob = await group.join('bob');
      await group.join('carol');
      await group.act(group.alice, { kind: 'role', target: bob, role: 'admin' });
      await group.act(group.alice, { kind: 'leave' });
      expect(await group.members()).toEqual(['bob admin', 'carol member']);
    });

    it('of the last member takes the room along, and everything of it', async () => {
      const group = await Group.open(bench);
      const carol = person('carol');
      await group.send(group.alice);
      await group.act(group.alice, { kind: 'invite', target: carol });
      expect(await group.act(group.alice, { kind: 'leave' })).toMatchObject({ closed: true });
      expect(await group.room()).toBeUndefined();
      expect(await bench.kit.standings.invites(carol.userId)).toEqual([]);
      expect(await bench.kit.rooms.idsOf(group.alice.userId)).toEqual([]);
      expect(await bench.kit.rooms.totals()).toEqual({ rooms: 0, messages: 0, occupied: 0, participants: 0 });
      expect((await bench.kit.standings.publicRooms('', undefined, 10)).rooms).toEqual([]);
      expect(await group.refusal(group.alice, { kind: 'join' })).toBe('NotFoundError');
    });
  });

  describe('a kick', () => {
    it('ends a membership and what the user’s sockets joined, at once', async () => {
      const group = await Group.open(bench);
      const bob = await group.join('bob');
      const pair = { roomId: group.id, epoch: '', alice: group.alice.userId, bob: bob.userId };
      await bench.enter(pair, bob.userId, 'b1');
      await bench.kit.feed.setPublicKey(group.id, bob.userId, 'key');
      await group.act(group.alice, { kind: 'kick', target: bob });
      expect(await group.members()).toEqual(['alice admin']);
      expect(await bench.kit.rooms.activeUsers(group.id)).toEqual([]);
      expect(await bench.kit.rooms.totals()).toMatchObject({ occupied: 0, participants: 0 });
      expect((await group.room())?.publicKeys).toEqual({});
      expect(await codeOf(group.send(bob))).toBe('AuthorizationError');
      expect(await codeOf(bench.enter(pair, bob.userId, 'b1'))).toBe('AuthorizationError');
      await bench.kit.feed.setPublicKey(group.id, bob.userId, 'another');
      expect((await group.room())?.publicKeys).toEqual({});
      expect(await bench.kit.rooms.idsOf(bob.userId)).toEqual([]);
      expect((await group.notes()).at(-1)).toBe('kicked: alice removed bob');
      expect(await group.refusal(bob, { kind: 'join' })).toBeUndefined();
    });

    it('is for moderators, and hits neither an admin nor oneself', async () => {
      const group = await Group.open(bench);
      const [bob, carol] = [await group.join('bob'), await group.moderator('carol')];
      expect(await group.refusal(bob, { kind: 'kick', target: carol })).toBe('AuthorizationError');
      expect(await group.refusal(carol, { kind: 'kick', target: group.alice })).toBe('AuthorizationError');
      expect(await group.refusal(carol, { kind: 'kick', target: carol })).toBe('ValidationError');
      expect(await group.refusal(carol, { kind: 'kick', target: person('dave') })).toBe('NotFoundError');
      expect(await group.refusal(person('dave'), { kind: 'kick', target: bob })).toBe('AuthorizationError');
      expect(await group.refusal(carol, { kind: 'kick', target: bob })).toBeUndefined();
    });

    it('of two admins who kick each other at once lets one stay', async () => {
      const group = await Group.open(bench);
      const bob = await group.join('bob');
      await group.act(group.alice, { kind: 'role', target: bob, role: 'admin' });
      const codes = await Promise.all([
        group.refusal(group.alice, { kind: 'kick', target: bob }),
        group.refusal(bob, { kind: 'kick', target: group.alice }),
      ]);
      expect(codes.filter((code) => code === undefined)).toHaveLength(1);
      expect(await group.members()).toHaveLength(1);
    });
  });

  describe('a ban', () => {
    const forGood = { reason: 'spam', until: null };

    it('keeps a user out until it is lifted, and posts no kick', async () => {
      const group = await Group.open(bench);
      const bob = await group.join('bob');
      await group.act(group.alice, { kind: 'ban', target: bob, ...forGood });
      expect(await group.members()).toEqual(['alice admin']);
      expect(await group.standing(bob)).toMatchObject({ role: undefined, banned: true });
      expect(await group.refusal(bob, { kind: 'join' })).toBe('AuthorizationError');
      expect(await bench.kit.standings.bans(group.id)).toMatchObject([
        { userId: bob.userId, username: 'bob', reason: 'spam', by: group.alice.userId, until: null },
      ]);
      expect((await group.notes()).slice(2)).toEqual(['banned: alice banned bob']);
      expect(await group.act(group.alice, { kind: 'ban', target: bob, ...forGood })).toMatchObject({ changed: false });
      await group.act(group.alice, { kind: 'unban', target: bob });
      expect(await group.act(group.alice, { kind: 'unban', target: bob })).toMatchObject({ changed: false });
      expect((await group.notes()).at(-1)).toBe('unbanned: alice lifted the ban of bob');
      expect(await bench.kit.standings.bans(group.id)).toEqual([]);
      expect(await group.refusal(bob, { kind: 'join' })).toBeUndefined();
    });

    it('ends by itself', async () => {
      const group = await Group.open(bench);
      const bob = await group.join('bob');
      const until = (await bench.kit.now()) + SHORT_MS;
      await group.act(group.alice, { kind: 'ban', target: bob, reason: undefined, until });
      expect(await group.refusal(bob, { kind: 'join' })).toBe('AuthorizationError');
      await bench.kit.advance(SHORT_MS);
      expect(await bench.kit.standings.bans(group.id)).toEqual([]);
      expect(await group.standing(bob)).toMatchObject({ banned: false });
      expect(await group.refusal(bob, { kind: 'join' })).toBeUndefined();
    });

    it('takes an invite away, hits who is no member, and an admin only from an admin', async () => {
      const group = await Group.open(bench, { type: 'private' });
      const bob = person('bob');
      await group.act(group.alice, { kind: 'invite', target: bob });
      await group.act(group.alice, { kind: 'ban', target: bob, ...forGood });
      expect(await bench.kit.standings.invites(bob.userId)).toEqual([]);
      expect(await group.refusal(bob, { kind: 'join' })).toBe('NotFoundError');
      const carol = person('carol');
      await group.act(group.alice, { kind: 'invite', target: carol });
      await group.act(carol, { kind: 'join' });
      await group.act(group.alice, { kind: 'role', target: carol, role: 'moderator' });
      expect(await group.refusal(carol, { kind: 'ban', target: group.alice, ...forGood })).toBe('AuthorizationError');
    });
  });

  describe('a mute', () => {
    it('keeps a member from sending until it ends or is lifted, over a leave as well', async () => {
      const group = await Group.open(bench);
      const bob = await group.join('bob');
      const until = (await bench.kit.now()) + LONG_MS;
      await group.act(group.alice, { kind: 'mute', target: bob, until });
      expect(await codeOf(group.send(bob))).toBe('AuthorizationError');
      await group.act(bob, { kind: 'leave' });
      await group.act(bob, { kind: 'join' });
      expect(await group.standing(bob)).toMatchObject({ role: 'member', muted: true });
      expect(await codeOf(group.send(bob))).toBe('AuthorizationError');
      await group.act(group.alice, { kind: 'unmute', target: bob });
      expect(await codeOf(group.send(bob))).toBeUndefined();
      const soon = (await bench.kit.now()) + SHORT_MS;
      await group.act(group.alice, { kind: 'mute', target: bob, until: soon });
      expect(await codeOf(group.send(bob))).toBe('AuthorizationError');
      await bench.kit.advance(SHORT_MS);
      expect(await codeOf(group.send(bob))).toBeUndefined();
      expect((await group.notes()).filter((note) => note.startsWith('muted'))).toHaveLength(2);
    });
  });

  describe('a role', () => {
    it('is for admins to give, and the last admin stays one', async () => {
      const group = await Group.open(bench);
      const bob = await group.moderator('bob');
      expect(await group.refusal(bob, { kind: 'role', target: bob, role: 'admin' })).toBe('AuthorizationError');
      expect(await group.refusal(group.alice, { kind: 'role', target: group.alice, role: 'member' })).toBe(
        'ConflictError',
      );
      await group.act(group.alice, { kind: 'role', target: bob, role: 'admin' });
      await group.act(bob, { kind: 'role', target: group.alice, role: 'member' });
      expect(await group.members()).toEqual(['alice member', 'bob admin']);
      expect((await group.notes()).slice(-2)).toEqual(['role: bob is an admin now', 'role: alice is a member now']);
      expect(await group.act(bob, { kind: 'role', target: bob, role: 'admin' })).toMatchObject({ changed: false });
    });
  });

  describe('a configuration', () => {
    it('changes name, description and settings, each where it is named', async () => {
      const group = await Group.open(bench, { description: 'Roses' });
      await group.act(group.alice, { kind: 'configure', name: 'Garden' });
      expect(await group.room()).toMatchObject({ name: 'Garden', description: 'Roses' });
      const changed = await group.act(group.alice, {
        kind: 'configure',
        description: null,
        settings: { messageTtl: 7 },
      });
      expect(changed.room).toEqual(await group.room());
      expect(changed.room).toMatchObject({ name: 'Garden', description: null, settings: { messageTtl: 7 } });
      expect((await group.notes()).slice(1)).toEqual([
        'name: alice named the room Garden',
        'settings: alice changed the settings',
      ]);
      const { createdAt, expiresAt } = (await group.send(group.alice)) as Message;
      expect(expiresAt).toBe(createdAt + 7000);
      expect(await group.refusal(await group.moderator('bob'), { kind: 'configure', name: 'x' })).toBe(
        'AuthorizationError',
      );
    });

    it('slows members down, not moderators', async () => {
      const group = await Group.open(bench);
      const [bob, carol] = [await group.join('bob'), await group.moderator('carol')];
      await group.act(group.alice, { kind: 'configure', settings: { slowModeSeconds: 1 } });
      expect(await codeOf(group.send(bob))).toBeUndefined();
      expect(await failureOf(group.send(bob))).toMatchObject({ code: 'RateLimitError', retryAfter: 1 });
      expect(await codeOf(group.send(carol))).toBeUndefined();
      expect(await codeOf(group.send(carol))).toBeUndefined();
      await bench.kit.advance(1000);
      expect(await codeOf(group.send(bob))).toBeUndefined();
    });
  });

  describe('history', () => {
    const kept = { settings: { ...SETTINGS, maxMembers: 100, messageTtl: null } };
    const texts = async (group: Group): Promise<string[]> => {
      const { messages } = await bench.kit.messages.page(group.id, group.alice.userId, undefined, ALL);
      return messages.flatMap(({ content, system }) => (system ? [] : [content]));
    };

    it('loses a message that is brought to its end', async () => {
      const group = await Group.open(bench, kept);
      await bench.kit.feed.followRoom(group.id);
      const [one, two] = [await group.send(group.alice, 'one'), await group.send(group.alice, 'two')];
      await bench.news(group.id);
      expect(await bench.kit.feed.end(group.id, one?.id ?? '')).toBe(true);
      expect(await texts(group)).toEqual(['two']);
      await bench.kit.advance(1);
      expect(await bench.kit.feed.sweep(group.id, 10)).toMatchObject({ erased: 1 });
      expect(await bench.news(group.id)).toMatchObject([{ kind: 'expired', messageIds: [one?.id] }]);
      expect(two?.expiresAt).toBeNull();
    });

    it('is kept, and the oldest goes where there is no place', async () => {
      const group = await Group.open(bench, kept);
      const idle = (await bench.kit.rooms.totals()).messages;
      await bench.kit.feed.followRoom(group.id);
      const first = await group.send(group.alice, 'one');
      expect(first?.expiresAt).toBeNull();
      const limits = { messagesPerRoom: 3 };
      await group.send(group.alice, 'two', limits);
      for (const content of ['three', 'four', 'five']) {
        await group.send(group.alice, content, limits);
      }
      expect(await texts(group)).toEqual(['three', 'four', 'five']);
      expect(await group.notes()).toEqual([]);
      expect((await bench.kit.rooms.totals()).messages - idle).toBe(3);
      const told = (await bench.news(group.id)).flatMap((event) => (event.kind === 'expired' ? event.messageIds : []));
      expect(told).toHaveLength(3);
      expect(told[1]).toBe(first?.id);
    });

    it('lets a message with a lifetime of its own go first where it is the oldest', async () => {
      const group = await Group.open(bench, kept);
      const pair = { roomId: group.id, epoch: '', alice: group.alice.userId, bob: '' };
      await bench.send(pair, { content: 'short', ttl: LONG_S, clientId: 'c' });
      for (const content of ['one', 'two', 'three']) {
        await group.send(group.alice, content, { messagesPerRoom: 3 });
      }
      expect(await texts(group)).toEqual(['one', 'two', 'three']);
      expect(await bench.append(bench.message(pair, { clientId: 'c' }), LIMITS)).toMatchObject({ duplicate: true });
    });

    it('ends with a lifetime, which what was kept gets from then', async () => {
      const group = await Group.open(bench, kept);
      await group.send(group.alice, 'kept');
      await group.act(group.alice, { kind: 'configure', settings: { messageTtl: SHORT_MS / 1000 } });
      const from = await bench.kit.now();
      await bench.kit.feed.sweep(group.id, 1000);
      const { messages } = await bench.kit.messages.page(group.id, group.alice.userId, undefined, ALL);
      expect(messages.map(({ content }) => content)).toContain('kept');
      for (const { expiresAt } of messages) {
        expect(expiresAt).toBeGreaterThan(from);
        expect(expiresAt).toBeLessThanOrEqual(from + SHORT_MS + 5);
      }
      await bench.kit.advance(SHORT_MS);
      expect(await texts(group)).toEqual([]);
      await bench.kit.feed.sweep(group.id, 1000);
      expect(await bench.kit.rooms.life(group.id)).toMatchObject({ messageCount: 0 });
    });

    it('of many messages ends in steps', async () => {
      const group = await Group.open(bench, kept);
      const many = 1100;
      const pair = { roomId: group.id, epoch: '', alice: group.alice.userId, bob: '' };
      await bench.sendMany(many, pair);
      await group.act(group.alice, { kind: 'configure', settings: { messageTtl: LONG_S } });
      const limits = { count: 2000, bytes: ALL.bytes };
      const withoutEnd = async (): Promise<number> => {
        const { messages } = await bench.kit.messages.page(group.id, group.alice.userId, undefined, limits);
        expect(messages).toHaveLength(many + 2);
        return messages.filter(({ expiresAt }) => expiresAt === null).length;
      };
      await bench.kit.feed.sweep(group.id, 500);
      expect(await withoutEnd()).toBeGreaterThan(0);
      await bench.kit.feed.sweep(group.id, 500);
      await bench.kit.feed.sweep(group.id, 500);
      expect(await withoutEnd()).toBe(0);
    });
  });

  describe('who is no member', () => {
    it('learns of a private room nothing, of a public one that they are out', async () => {
      const hidden = await Group.open(bench, { type: 'private' });
      const open = await Group.open(bench);
      const eve = person('eve');
      for (const act of [{ kind: 'close' }, { kind: 'leave' }, { kind: 'unban', target: eve }] as const) {
        expect(await hidden.refusal(eve, act)).toBe('NotFoundError');
        expect(await open.refusal(eve, act)).toBe('AuthorizationError');
      }
      expect(await codeOf(hidden.send(eve))).toBe('NotFoundError');
      expect(await codeOf(open.send(eve))).toBe('AuthorizationError');
      const missing = { roomId: ids.id(), actor: eve, kind: 'join' as const };
      expect(await codeOf(Promise.resolve().then(() => bench.kit.memberships.change(missing, MEMBERSHIP)))).toBe(
        'NotFoundError',
      );
      expect(await bench.kit.standings.standing(missing.roomId, eve.userId)).toBeUndefined();
      expect(await bench.kit.standings.standing((await bench.pair()).roomId, eve.userId)).toBeUndefined();
    });
  });

  describe('public rooms', () => {
    it('are listed by activity, in pages, by a part of their name', async () => {
      const groups = [];
      for (const name of ['Gardening', 'Chess', 'Garden parties']) {
        groups.push(await Group.open(bench, { name }));
        await bench.kit.advance(5);
      }
      await Group.open(bench, { type: 'private', name: 'Garden of secrets' });
      const names = async (query: string, after?: string, limit = 10): Promise<unknown[]> => {
        const { rooms, next } = await bench.kit.standings.publicRooms(query, after, limit);
        return [rooms.map(({ name }) => name), next];
      };
      expect(await names('')).toEqual([['Garden parties', 'Chess', 'Gardening'], undefined]);
      expect(await names('garden')).toEqual([['Garden parties', 'Gardening'], undefined]);
      const [first, next] = await names('', undefined, 2);
      expect(first).toEqual(['Garden parties', 'Chess']);
      expect(await names('', next as string, 2)).toEqual([['Gardening'], undefined]);
      const [gardening, chess] = groups as [Group, Group];
      await gardening.send(gardening.alice);
      expect((await names(''))[0]).toEqual(['Gardening', 'Garden parties', 'Chess']);
      await bench.kit.advance(5);
      await chess.act(chess.alice, { kind: 'configure', name: 'Go' });
      expect((await names(''))[0]).toEqual(['Go', 'Gardening', 'Garden parties']);
      await chess.act(chess.alice, { kind: 'close' });
      expect((await names(''))[0]).toEqual(['Gardening', 'Garden parties']);
    });
  });

  describe('an erased user', () => {
    it('is not named by the tombstones of what they sent', async () => {
      const group = await Group.open(bench);
      const bob = await group.join('bob');
      const { id: messageId = '' } = (await group.send(bob, 'a secret')) ?? {};
      const deleted = await bench.kit.feed.delete({ roomId: group.id, userId: bob.userId, messageId, erased: true });
      expect(deleted).toMatchObject({ outcome: 'deleted' });
      const message = await bench.kit.messages.find(group.id, group.alice.userId, messageId);
      expect(message).toMatchObject({ type: 'deleted', senderUsername: 'Deleted user' });
    });

    it('is in no room and on no list any more', async () => {
      const [group, other] = [await Group.open(bench), await Group.open(bench)];
      const bob = await group.join('bob');
      const until = (await bench.kit.now()) + LONG_MS;
      await group.act(group.alice, { kind: 'mute', target: bob, until });
      await other.act(other.alice, { kind: 'ban', target: bob, reason: undefined, until: null });
      const third = await Group.open(bench, { creator: bob });
      const fourth = await Group.open(bench);
      await fourth.act(fourth.alice, { kind: 'invite', target: bob });
      await group.act(group.alice, { kind: 'role', target: bob, role: 'admin' });
      await group.act(group.alice, { kind: 'role', target: group.alice, role: 'member' });
      expect(await bench.kit.memberships.forgetUser(bob, MEMBERSHIP)).toEqual([group.id]);
      expect(await group.members()).toEqual(['alice admin']);
      expect((await group.notes()).at(-1)).toBe('role: alice is an admin now');
      expect(await third.room()).toBeUndefined();
      expect(await other.standing(bob)).toMatchObject({ banned: false });
      expect(await group.standing(bob)).toMatchObject({ muted: false, role: undefined });
      expect(await fourth.standing(bob)).toMatchObject({ invited: false });
      expect(await bench.kit.rooms.idsOf(bob.userId)).toEqual([]);
      expect(await bench.kit.standings.invites(bob.userId)).toEqual([]);
    });
  });
}
