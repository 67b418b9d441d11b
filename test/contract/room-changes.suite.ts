import { DELETED_CONTENT, MAX_REACTION_KINDS, type Message } from '../../src/chat/engine/message';
import type { RoomEvent } from '../../src/chat/engine/room-event';
import {
  ALL,
  failureOf,
  LIMITS,
  LONG_S,
  type MakeChatKit,
  type Pair,
  repeat,
  SHORT_MS,
  SHORT_S,
  useChat,
} from './chat-kit';

/** What every driver of the chat's stores promises of edits, deletions, reactions and replies. */
export function roomChangesContract(makeKit: MakeChatKit): void {
  const bench = useChat(makeKit);

  const edit = async (pair: Pair, messageId: string, content: string, userId = pair.alice) =>
    bench.kit.feed.edit({ roomId: pair.roomId, userId, messageId, content }, LIMITS.totalBytes);
  const erase = async (pair: Pair, messageId: string, userId = pair.alice) =>
    bench.kit.feed.delete({ roomId: pair.roomId, userId, messageId });
  const react = async (
    pair: Pair,
    messageId: string,
    emoji: string,
    userId = pair.bob,
    action: 'added' | 'removed' = 'added',
  ) => bench.kit.feed.react({ roomId: pair.roomId, userId, messageId, emoji, action });
  const find = async (pair: Pair, id: string, viewer = pair.bob): Promise<Message | undefined> =>
    bench.kit.messages.find(pair.roomId, viewer, id);
  const life = async (pair: Pair) => bench.kit.rooms.life(pair.roomId);
  const summary = async (pair: Pair, userId = pair.bob) =>
    (await bench.kit.rooms.summariesOf(userId)).find(({ room }) => room.id === pair.roomId);
  const resume = async (pair: Pair, since: number, sinceTime: number) =>
    bench.kit.messages.snapshot(pair.roomId, pair.bob, { since, epoch: pair.epoch, sinceTime }, ALL);
  const kinds = (events: RoomEvent[]): string[] => events.map(({ kind }) => kind);

  describe('an edit', () => {
    it('gives a message another text and tells it; everything else stays', async () => {
      const pair = await bench.pair();
      const sent = await bench.send(pair, { clientId: 'c1', content: 'before' });
      await bench.raise(pair, 'seen', { messageId: sent.id });
      await bench.news(pair.roomId);
      const long = 'after '.repeat(300);
      const edited = await edit(pair, sent.id, long);
      const message = { ...sent, status: 'seen', content: long, editedAt: expect.any(Number) };
      expect(edited).toEqual({ outcome: 'edited', message });
      expect(await bench.live(pair)).toEqual([message]);
      expect(await bench.news(pair.roomId)).toMatchObject([{ kind: 'edited', message }]);
      expect(await edit(pair, sent.id, 'short')).toMatchObject({ message: { content: 'short' } });
      expect(await bench.send(pair, { clientId: 'c1', content: 'again' })).toMatchObject({ id: sent.id });
      expect((await summary(pair))?.lastMessage).toMatchObject({ content: 'short' });
    });

    it('to the same text changes nothing and tells nobody', async () => {
      const pair = await bench.pair();
      const { id } = await bench.send(pair, { content: 'same' });
      await bench.news(pair.roomId);
      expect(await edit(pair, id, 'same')).toMatchObject({ outcome: 'edited', message: { content: 'same' } });
      expect((await find(pair, id))?.editedAt).toBeUndefined();
      expect(await bench.news(pair.roomId)).toEqual([]);
    });

    it('is for the sender, for messages that stand, and not for those that burn or of the system', async () => {
      const pair = await bench.pair();
      const { id } = await bench.send(pair);
      const burn = await bench.send(pair, { burn: true });
      const system = (await bench.append(bench.systemMessage(pair)))?.message.id ?? '';
      const before = await bench.live(pair);
      await bench.news(pair.roomId);
      expect(await edit(pair, id, 'x', pair.bob)).toEqual({ outcome: 'foreign' });
      expect(await edit(pair, id, 'x', 'stranger')).toBeUndefined();
      expect(await edit(pair, burn.id, 'x')).toEqual({ outcome: 'fixed' });
      expect(await edit(pair, system, 'x')).toEqual({ outcome: 'fixed' });
      expect(await edit(pair, 'msg_1_none', 'x')).toBeUndefined();
      expect(
        await bench.kit.feed.edit({ roomId: 'none', userId: pair.alice, messageId: id, content: 'x' }, 1),
      ).toBeUndefined();
      expect(await bench.live(pair)).toEqual(before);
      expect(await bench.news(pair.roomId)).toEqual([]);
    });

    it('does not move the deadline, and is of nothing once that has come', async () => {
      const pair = await bench.pair();
      const { id, expiresAt } = await bench.send(pair, { ttl: SHORT_S });
      await edit(pair, id, 'longer than it was before');
      expect(await find(pair, id)).toMatchObject({ expiresAt });
      await bench.kit.advance(SHORT_MS);
      expect(await find(pair, id)).toBeUndefined();
      expect(await edit(pair, id, 'late')).toBeUndefined();
      expect(await react(pair, id, '👍')).toBeUndefined();
      expect(await erase(pair, id)).toBeUndefined();
      await bench.news(pair.roomId);
      expect(await bench.kit.feed.sweep(pair.roomId, 10)).toMatchObject({ erased: 1 });
      expect(await bench.news(pair.roomId)).toMatchObject([{ kind: 'expired', messageIds: [id] }]);
    });

    it('is one of many at once', async () => {
      const pair = await bench.pair();
      const { id } = await bench.send(pair);
      await bench.news(pair.roomId);
      const answers = await Promise.all(repeat(5, (i) => edit(pair, id, `text ${i}`)));
      expect(answers.map((answer) => answer?.outcome)).toEqual(repeat(5, () => 'edited'));
      const events = await bench.news(pair.roomId);
      expect(kinds(events)).toEqual(repeat(5, () => 'edited'));
      const last = events.at(-1);
      expect(last?.kind === 'edited' && last.message).toEqual(await find(pair, id));
    });

    it('is refused where the server is full', async () => {
      const pair = await bench.pair();
      const { id } = await bench.send(pair);
      const request = { roomId: pair.roomId, userId: pair.alice, messageId: id, content: 'x' };
      const refused = failureOf(Promise.resolve().then(() => bench.kit.feed.edit(request, 0)));
      expect(await refused).toMatchObject({ code: 'CapacityError' });
      expect(await find(pair, id)).toMatchObject({ content: 'hello' });
    });
  });

  describe('a deletion', () => {
    it('leaves a tombstone until the deadline, which is in no count', async () => {
      const pair = await bench.pair();
      const first = await bench.send(pair, { content: 'first' });
      const sent = await bench.send(pair, { content: 'needle', clientId: 'needle-id', ttl: SHORT_S });
      await react(pair, sent.id, '👍');
      await bench.news(pair.roomId);
      expect(await erase(pair, sent.id)).toEqual({ outcome: 'deleted', waiting: 1 });
      const { id, seq, senderId, senderUsername, createdAt, expiresAt } = sent;
      const tombstone = { id, seq, senderId, senderUsername, createdAt, expiresAt, type: 'deleted' };
      const [, shown] = await bench.live(pair);
      expect(shown).toMatchObject({ ...tombstone, content: DELETED_CONTENT });
      expect(JSON.stringify(shown)).not.toContain('needle');
      expect(shown?.reactions).toBeUndefined();
      expect(await bench.news(pair.roomId)).toMatchObject([{ kind: 'deleted', messageId: id, userId: pair.alice }]);
      expect(await summary(pair)).toMatchObject({ messageCount: 1, unreadCount: 1, lastMessage: { id: first.id } });
      expect(await life(pair)).toMatchObject({ messageCount: 1, waiting: 1 });
      expect(await bench.kit.rooms.totals()).toMatchObject({ messages: 1 });
      await bench.kit.advance(SHORT_MS);
      expect(await bench.live(pair)).toEqual([first]);
      expect(await summary(pair)).toMatchObject({ messageCount: 1, unreadCount: 1 });
      await bench.kit.feed.sweep(pair.roomId, 10);
      expect(await bench.news(pair.roomId)).toMatchObject([
        { kind: 'expired', messageIds: [id], reason: 'expired', userId: undefined },
      ]);
      expect(await life(pair)).toMatchObject({ messageCount: 1, waiting: 1 });
      expect(await bench.kit.rooms.totals()).toMatchObject({ messages: 1 });
    });

    it('again is a success that tells nobody, and what is deleted is changed no more', async () => {
      const pair = await bench.pair();
      const { id } = await bench.send(pair, { clientId: 'c1' });
      await erase(pair, id);
      await bench.news(pair.roomId);
      const before = await bench.live(pair);
      expect(await erase(pair, id)).toEqual({ outcome: 'deleted', waiting: 0 });
      expect(await edit(pair, id, 'x')).toBeUndefined();
      expect(await react(pair, id, '👍')).toBeUndefined();
      expect(await bench.raise(pair, 'seen', { upToSeq: 9 })).toBeUndefined();
      expect(await bench.append(bench.message(pair, { clientId: 'c1' }))).toMatchObject({
        duplicate: true,
        message: { id },
      });
      expect(await bench.live(pair)).toEqual(before);
      expect(await bench.news(pair.roomId)).toEqual([]);
    });

    it('is for the sender and not for messages of the system', async () => {
      const pair = await bench.pair();
      const { id } = await bench.send(pair);
      const system = (await bench.append(bench.systemMessage(pair)))?.message.id ?? '';
      expect(await erase(pair, id, pair.bob)).toEqual({ outcome: 'foreign' });
      expect(await erase(pair, id, 'stranger')).toBeUndefined();
      expect(await erase(pair, system)).toEqual({ outcome: 'fixed' });
      expect(await bench.live(pair)).toHaveLength(2);
    });

    it('of a burn message takes its text and its reveals, for everyone', async () => {
      const pair = await bench.pair();
      const { id } = await bench.send(pair, { burn: true, content: 'needle' });
      const reveal = { roomId: pair.roomId, userId: pair.bob, messageId: id, revealId: undefined, socketId: undefined };
      await erase(pair, id);
      expect(await bench.kit.feed.reveal({ ...reveal, delayMs: 1000 })).toEqual({ outcome: 'ordinary' });
      expect(await find(pair, id)).toMatchObject({ type: 'deleted', burn: false, content: DELETED_CONTENT });
      const revealed = await bench.send(pair, { burn: true });
      await bench.kit.feed.reveal({ ...reveal, messageId: revealed.id, delayMs: SHORT_MS });
      await erase(pair, revealed.id);
      await bench.news(pair.roomId);
      await bench.kit.advance(SHORT_MS);
      await bench.kit.feed.sweep(pair.roomId, 10);
      expect(await bench.news(pair.roomId)).toMatchObject([{ kind: 'expired', messageIds: [revealed.id] }]);
    });

    it('of a message with an image tells of that, once, and nobody is shown it any more', async () => {
      const pair = await bench.pair();
      const erased: unknown[] = [];
      bench.kit.feed.onErased((images) => void erased.push(...images));
      const image = { filename: 'a.webp', holder: 'h' };
      const { id } = await bench.send(pair, { type: 'image', content: '', image });
      expect(await edit(pair, id, 'a caption')).toMatchObject({
        message: { type: 'image', content: 'a caption', image },
      });
      expect(erased).toEqual([]);
      await erase(pair, id);
      await erase(pair, id);
      expect(erased).toEqual([{ filename: 'a.webp', holder: 'h' }]);
      expect(await find(pair, id)).toMatchObject({ type: 'deleted', image: undefined });
      expect(await bench.kit.messages.findShowing(pair.roomId, pair.bob, 'h')).toBeUndefined();
      await bench.kit.feed.close(pair.roomId, 'deleted');
      expect(erased).toHaveLength(1);
    });

    it('while others react leaves a tombstone without reactions', async () => {
      const pair = await bench.pair();
      const { id } = await bench.send(pair);
      await Promise.all([react(pair, id, '👍'), erase(pair, id), react(pair, id, '😀'), react(pair, id, '❤️')]);
      expect(await find(pair, id)).toMatchObject({ type: 'deleted', reactions: undefined });
      const after = kinds(await bench.news(pair.roomId));
      expect(after.slice(after.indexOf('deleted') + 1)).toEqual([]);
    });
  });

  describe('a reaction', () => {
    it('is shown with the message and told with all that it has', async () => {
      const pair = await bench.pair();
      const { id } = await bench.send(pair);
      await bench.news(pair.roomId);
      await react(pair, id, '👍', pair.alice);
      await react(pair, id, '😀');
      await react(pair, id, '👍');
      const both = { emoji: '👍', userIds: [pair.alice, pair.bob] };
      const one = { emoji: '😀', userIds: [pair.bob] };
      expect((await find(pair, id))?.reactions).toEqual([both, one]);
      const about = { kind: 'reaction', messageId: id, userId: pair.bob, action: 'added' };
      const events = await bench.news(pair.roomId);
      expect(events).toHaveLength(3);
      expect(events[2]).toMatchObject({ ...about, emoji: '👍', reactions: [both, one] });
      await react(pair, id, '👍', pair.alice, 'removed');
      await react(pair, id, '😀', pair.bob, 'removed');
      expect((await find(pair, id))?.reactions).toEqual([{ emoji: '👍', userIds: [pair.bob] }]);
      await react(pair, id, '👍', pair.bob, 'removed');
      expect((await find(pair, id))?.reactions).toBeUndefined();
      expect((await bench.news(pair.roomId)).at(-1)).toMatchObject({ action: 'removed', reactions: [] });
    });

    it('that is there, or is not, is a success that tells nobody', async () => {
      const pair = await bench.pair();
      const { id } = await bench.send(pair);
      await react(pair, id, '👍');
      await bench.news(pair.roomId);
      expect(await react(pair, id, '👍')).toEqual({ outcome: 'done' });
      expect(await react(pair, id, '😀', pair.bob, 'removed')).toEqual({ outcome: 'done' });
      expect(await react(pair, id, '👍', pair.alice, 'removed')).toEqual({ outcome: 'done' });
      expect(await bench.news(pair.roomId)).toEqual([]);
    });

    it('is of twenty kinds at most, and not for strangers or messages of the system', async () => {
      const pair = await bench.pair();
      const { id } = await bench.send(pair);
      const system = (await bench.append(bench.systemMessage(pair)))?.message.id ?? '';
      for (let i = 0; i < MAX_REACTION_KINDS; i++) {
        expect(await react(pair, id, `kind${i}`)).toEqual({ outcome: 'done' });
      }
      expect(await react(pair, id, 'another')).toEqual({ outcome: 'full' });
      expect(await react(pair, id, 'kind0', pair.alice)).toEqual({ outcome: 'done' });
      await react(pair, id, 'kind7', pair.bob, 'removed');
      expect(await react(pair, id, 'another')).toEqual({ outcome: 'done' });
      const shown = (await find(pair, id))?.reactions?.map(({ emoji }) => emoji);
      expect(shown).toEqual([
        ...repeat(MAX_REACTION_KINDS, (i) => `kind${i}`).filter((one) => one !== 'kind7'),
        'another',
      ]);
      expect(await react(pair, id, '👍', 'stranger')).toBeUndefined();
      expect(await react(pair, system, '👍')).toEqual({ outcome: 'fixed' });
    });
  });

  describe('a reply', () => {
    it('shows the beginning of what it answers, as that is now', async () => {
      const pair = await bench.pair();
      const original = await bench.send(pair, { content: `${'😀'.repeat(200)} end` });
      const reply = await bench.send(pair, { senderId: pair.bob, replyTo: original.id });
      const quote = { id: original.id, senderId: pair.alice, senderUsername: 'alice' };
      expect(reply.replyTo).toEqual({ ...quote, preview: '😀'.repeat(100) });
      const told = (await bench.news(pair.roomId)).at(-1);
      expect(told?.kind === 'message' && told.message).toEqual(reply);
      expect((await find(pair, reply.id))?.replyTo).toEqual(reply.replyTo);
      await edit(pair, original.id, 'edited');
      expect((await find(pair, reply.id))?.replyTo).toEqual({ ...quote, preview: 'edited' });
      await edit(pair, reply.id, 'another reply', pair.bob);
      expect((await find(pair, reply.id))?.replyTo).toEqual({ ...quote, preview: 'edited' });
      await erase(pair, original.id);
      expect((await find(pair, reply.id))?.replyTo).toEqual({ ...quote, preview: null });
      expect((await bench.live(pair))[1]?.replyTo).toEqual({ ...quote, preview: null });
    });

    it('shows nothing of what has expired, from that instant on', async () => {
      const pair = await bench.pair();
      const original = await bench.send(pair, { content: 'needle', ttl: SHORT_S });
      const reply = await bench.send(pair, { replyTo: original.id, ttl: LONG_S });
      await bench.kit.advance(SHORT_MS);
      expect(await bench.live(pair)).toMatchObject([{ id: reply.id, replyTo: { id: original.id, preview: null } }]);
      await bench.kit.feed.sweep(pair.roomId, 10);
      expect(await bench.live(pair)).toMatchObject([{ id: reply.id, replyTo: { id: original.id, preview: null } }]);
    });

    it('shows nothing of a burn message, nor of an encrypted room', async () => {
      const pair = await bench.pair();
      const burn = await bench.send(pair, { burn: true, content: 'needle' });
      expect((await bench.send(pair, { replyTo: burn.id })).replyTo).toMatchObject({ preview: null });
      const encrypted = await bench.pair({ encrypted: true });
      const original = await bench.send(encrypted, { content: 'needle' });
      const reply = await bench.send(encrypted, { replyTo: original.id });
      expect(reply.replyTo).toMatchObject({ id: original.id, preview: null });
      expect((await find(encrypted, reply.id))?.replyTo).toMatchObject({ preview: null });
    });

    it('names who wrote what it answers, until their account is erased', async () => {
      const pair = await bench.pair();
      const [original, deleted] = [await bench.send(pair), await bench.send(pair)];
      const replies = [
        await bench.send(pair, { senderId: pair.bob, replyTo: original.id }),
        await bench.send(pair, { senderId: pair.bob, replyTo: deleted.id }),
      ];
      const names = async (): Promise<unknown[]> =>
        Promise.all(replies.map(async ({ id }) => (await find(pair, id))?.replyTo?.senderUsername));
      await erase(pair, deleted.id);
      expect(await names()).toEqual([original.senderUsername, original.senderUsername]);
      for (const { id: messageId } of [original, deleted]) {
        await bench.kit.feed.delete({ roomId: pair.roomId, userId: pair.alice, messageId, erased: true });
        expect(await find(pair, messageId)).toMatchObject({ type: 'deleted', senderUsername: 'Deleted user' });
      }
      expect(await names()).toEqual(['Deleted user', 'Deleted user']);
    });

    it('to what is gone, deleted, of the system or of another room is refused; a repeat is not', async () => {
      const pair = await bench.pair();
      const other = await bench.pair();
      const original = await bench.send(pair);
      const { id } = await bench.send(pair, { replyTo: original.id, clientId: 'c1' });
      const elsewhere = await bench.send(other);
      const system = (await bench.append(bench.systemMessage(pair)))?.message.id ?? '';
      await erase(pair, original.id);
      await bench.news(pair.roomId);
      for (const replyTo of [original.id, elsewhere.id, system, 'msg_1_none', 'none']) {
        const failed = failureOf(Promise.resolve().then(() => bench.append(bench.message(pair, { replyTo }))));
        expect(await failed).toMatchObject({ code: 'NotFoundError' });
      }
      const again = await bench.append(bench.message(pair, { replyTo: original.id, clientId: 'c1' }));
      expect(again).toMatchObject({ duplicate: true, message: { id } });
      expect(await bench.news(pair.roomId)).toEqual([]);
    });
  });

  describe('a resume', () => {
    it('tells what was edited, deleted and reacted to since; what is deleted stands no more', async () => {
      const pair = await bench.pair();
      const [untouched, edited, deleted, reacted] = await bench.sendMany(4, pair);
      const before = await bench.kit.now();
      await bench.kit.advance(5);
      const after = await bench.kit.now();
      await edit(pair, edited?.id ?? '', 'edited');
      await erase(pair, deleted?.id ?? '');
      await react(pair, reacted?.id ?? '', '👍');
      const snapshot = await resume(pair, 4, before);
      expect(snapshot?.live).toEqual([
        [1, 2],
        [4, 4],
      ]);
      const changed = snapshot?.changed.filter(({ id }) => id !== untouched?.id);
      expect(changed).toMatchObject([
        { id: edited?.id, content: 'edited' },
        { id: deleted?.id, type: 'deleted' },
        { id: reacted?.id, reactions: [{ emoji: '👍', userIds: [pair.bob] }] },
      ]);
      expect((await resume(pair, 4, after + 3_600_000))?.changed).toEqual([]);
      const later = await resume(pair, 1, before);
      expect(later?.messages).toMatchObject([{ content: 'edited' }, { type: 'deleted' }, { seq: 4 }]);
      expect(later?.live).toEqual([[1, 1]]);
    });
  });

  it('goes with its room', async () => {
    const pair = await bench.pair();
    const { id } = await bench.send(pair);
    await bench.send(pair, { replyTo: id });
    await react(pair, id, '👍');
    const { id: deleted } = await bench.send(pair);
    await erase(pair, deleted);
    await bench.kit.feed.close(pair.roomId, 'deleted');
    const draft = bench.draft({}, pair.alice, pair.bob);
    await bench.kit.feed.open(draft, 100);
    const fresh = await bench.send(pair);
    expect(await bench.live(pair)).toEqual([fresh]);
    expect(fresh).toMatchObject({ seq: 1, reactions: undefined, replyTo: undefined });
    expect(await bench.kit.rooms.totals()).toMatchObject({ messages: 1 });
  });
}
