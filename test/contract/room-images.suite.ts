import type { ErasedImage } from '../../src/chat/engine/room-feed';
import type { MessageDraft } from '../../src/chat/engine/message';
import { LONG_S, type MakeChatKit, type Pair, SHORT_MS, SHORT_S, useChat, VIEWER } from './chat-kit';

/** What the stores know of images that messages show. */
export function roomImagesContract(makeKit: MakeChatKit): void {
  const bench = useChat(makeKit);

  const showing = (holder: string, more: Partial<MessageDraft> = {}): Partial<MessageDraft> => {
    const image = { filename: `${holder}.webp`, holder, name: 'cat', width: 3 };
    return { type: 'image', content: '', image, ...more };
  };
  const find = async ({ roomId }: Pair, holder: string, viewer = VIEWER) =>
    bench.kit.messages.findShowing(roomId, viewer, holder);
  const sweep = async ({ roomId }: Pair) => bench.kit.feed.sweep(roomId, 1000);
  const told = (...holders: string[]): ErasedImage[] =>
    holders.map((holder) => ({ filename: `${holder}.webp`, holder }));

  let erased: ErasedImage[];

  beforeEach(() => {
    erased = [];
    bench.kit.feed.onErased((images) => void erased.push(...images));
  });

  it('a message is found by what keeps its image, and has it wherever it is read', async () => {
    const [pair, other] = [await bench.pair(), await bench.pair()];
    const sent = await bench.send(pair, showing('a'));
    await bench.send(pair);
    expect(sent).toMatchObject({ type: 'image', content: '', ...showing('a') });
    expect(await find(pair, 'a')).toEqual(sent);
    expect(await bench.live(pair)).toContainEqual(sent);
    expect(await bench.news(pair.roomId)).toContainEqual(expect.objectContaining({ kind: 'message', message: sent }));
    expect(await find(pair, 'b')).toBeUndefined();
    expect(await find(other, 'a')).toBeUndefined();
    expect(await find({ ...pair, roomId: 'none' }, 'a')).toBeUndefined();
  });

  it('a repeat brings no image of its own', async () => {
    const pair = await bench.pair();
    const first = await bench.send(pair, showing('a', { clientId: 'c' }));
    expect(await bench.append(bench.message(pair, showing('b', { clientId: 'c' })))).toEqual({
      message: first,
      duplicate: true,
    });
    expect(await find(pair, 'b')).toBeUndefined();
    expect(await find(pair, 'a')).toEqual(first);
  });

  it('from its deadline on a message shows nothing, and when it is erased its image is told, once', async () => {
    const pair = await bench.pair();
    await bench.send(pair, showing('short', { ttl: SHORT_S, clientId: 'c' }));
    await bench.send(pair, { ttl: SHORT_S });
    await bench.send(pair, showing('long', { ttl: LONG_S }));
    await bench.kit.advance(SHORT_MS);
    expect(await find(pair, 'short')).toBeUndefined();
    expect(erased).toEqual([]);
    await sweep(pair);
    expect(erased).toEqual(told('short'));
    await sweep(pair);
    expect(erased).toEqual(told('short'));
    expect(await find(pair, 'long')).toMatchObject(showing('long'));
    const repeat = await bench.append(bench.message(pair, showing('again', { clientId: 'c' })));
    expect(repeat).toMatchObject({ duplicate: true, message: { image: undefined } });
  });

  it('of a burn message it is told when that has burned, and it is found only by whom it is there for', async () => {
    const pair = await bench.pair();
    const sent = await bench.send(pair, showing('a', { burn: true }));
    const { roomId, bob: userId } = pair;
    const request = { roomId, userId, messageId: sent.id, revealId: undefined, socketId: undefined, delayMs: SHORT_MS };
    expect(await bench.kit.feed.reveal(request)).toMatchObject({ outcome: 'revealed', message: showing('a') });
    expect(await find(pair, 'a', pair.alice)).toMatchObject(showing('a'));
    expect(await find(pair, 'a', pair.bob)).toMatchObject(showing('a'));
    await bench.kit.advance(SHORT_MS);
    expect(await find(pair, 'a', pair.bob)).toBeUndefined();
    expect(await find(pair, 'a', pair.alice)).toBeUndefined();
    await sweep(pair);
    expect(erased).toEqual(told('a'));
  });

  it('all are told when their room is closed', async () => {
    const pair = await bench.pair();
    await bench.send(pair, showing('a'));
    await bench.send(pair);
    await bench.send(pair, showing('b', { ttl: undefined }));
    expect(await bench.kit.feed.close(pair.roomId, 'deleted')).toBe(true);
    expect([...erased].sort((x, y) => x.holder.localeCompare(y.holder))).toEqual(told('a', 'b'));
    expect(await find(pair, 'a')).toBeUndefined();
    const [alice, bob] = [pair.alice, pair.bob];
    await bench.open(bench.draft({}, alice, bob));
    expect(await find(pair, 'a')).toBeUndefined();
  });

  it('of messages without one nobody is told', async () => {
    const pair = await bench.pair();
    const listener = jest.fn();
    bench.kit.feed.onErased(listener);
    await bench.sendMany(3, pair, { ttl: SHORT_S });
    await bench.kit.advance(SHORT_MS);
    await sweep(pair);
    await bench.send(pair);
    await bench.kit.feed.close(pair.roomId, 'left');
    expect(listener).not.toHaveBeenCalled();
  });
}
