import { MessageStore } from '../../src/chat/engine/message.store';
import { ChatApp, expectRefusal, say, type Trio } from '../support/chat-app';
import type { AckBody } from '../support/clients';

let chat: ChatApp;
let trio: Trio;

const MINUTE_MS = 60_000;

const start = async (settings: Record<string, string> = {}): Promise<void> => {
  chat = await ChatApp.start(settings);
  trio = await chat.trio();
};

afterEach(() => chat.close());

interface Joined extends AckBody {
  messages: { seq: number; status: string; content: string }[];
  changed: { seq: number; status: string }[];
  live: [number, number][];
  lastSeq: number;
  epoch: string;
  gap: boolean;
  more?: boolean;
  serverTime: string;
}

const join = async (point: object = {}): Promise<Joined> => {
  const ack = await trio.bob.client.emit('room:join', { roomId: trio.roomId, ...point });
  expect(ack).toMatchObject({ success: true });
  return ack as Joined;
};

const resume = ({ lastSeq, epoch, serverTime }: Joined): Promise<Joined> =>
  join({ since: lastSeq, epoch, sinceTime: serverTime });

const seqs = (messages: { seq: number }[]): number[] => messages.map(({ seq }) => seq);

/** Sends so many messages from Alice to Bob; the first alone, since it opens the room. */
async function fill(count: number, more: object = {}): Promise<void> {
  for (let sent = 0; sent < count;) {
    const batch = sent === 0 ? 1 : Math.min(200, count - sent);
    await Promise.all(Array.from({ length: batch }, () => say(trio.alice, trio.roomId, 'x', more)));
    sent += batch;
  }
}

describe('a resume', () => {
  beforeEach(() => start());

  it('brings what came after since, and what of the rest still stands', async () => {
    await fill(3);
    const last = await join();
    await fill(2);
    const ack = await resume(last);
    expect(seqs(ack.messages)).toEqual([4, 5]);
    expect(ack).toMatchObject({ live: [[1, 3]], changed: [], lastSeq: 5, epoch: last.epoch, gap: false });
    expect(ack).not.toHaveProperty('more');
  });

  it('knows what changed between the reading of the last join and its ack', async () => {
    const { alice, bob, roomId } = trio;
    await say(bob, roomId, 'read while Bob joins');
    const store = chat.get(MessageStore);
    const snapshot = store.snapshot.bind(store);
    jest.spyOn(store, 'snapshot').mockImplementationOnce(async (...asked) => {
      const taken = await snapshot(...asked);
      chat.clock.advance(1);
      await alice.client.emit('message:status', { roomId, upToSeq: 1, status: 'seen' });
      chat.clock.advance(1);
      return taken;
    });
    const last = await join();
    expect(last.messages).toMatchObject([{ status: 'sent' }]);
    // The event that follows the ack is lost with the connection.
    expect((await resume(last)).changed).toMatchObject([{ seq: 1, status: 'seen' }]);
  });

  it('of somebody who has everything brings nothing', async () => {
    await fill(3);
    expect(await resume(await join())).toMatchObject({
      messages: [],
      live: [[1, 3]],
      changed: [],
      lastSeq: 3,
      gap: false,
    });
  });

  it('of a room in which nothing was said yet brings nothing', async () => {
    expect(await resume(await join())).toMatchObject({ messages: [], live: [], changed: [], lastSeq: 0, gap: false });
  });

  it('accounts for every number when some are gone, before since and after', async () => {
    const { alice, roomId } = trio;
    const last = await join();
    for (const ttl of [3600, 3600, 60, 3600, 60, 60, 3600]) {
      await say(alice, roomId, 'x', { ttl });
    }
    const held = await resume(last);
    expect(seqs(held.messages)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    await say(alice, roomId, 'gone before it was seen', { ttl: 60 });
    await say(alice, roomId, 'stays');
    await chat.pass(MINUTE_MS);
    const ack = await resume(held);
    expect(ack.live).toEqual([
      [1, 2],
      [4, 4],
      [7, 7],
    ]);
    expect(seqs(ack.messages)).toEqual([9]);
    expect(ack.lastSeq).toBe(9);
    await chat.pass(60 * MINUTE_MS - MINUTE_MS);
    expect(await resume(ack)).toMatchObject({ messages: [], live: [], lastSeq: 9, gap: false });
  });

  it('never lists what is due, swept or not', async () => {
    const { alice, roomId } = trio;
    const last = await join();
    for (const ttl of [3600, 60, 3600, 60]) {
      await say(alice, roomId, 'x', { ttl });
    }
    chat.stopSweeping();
    chat.clock.advance(MINUTE_MS);
    expect(seqs((await resume(last)).messages)).toEqual([1, 3]);
    const { epoch } = last;
    expect((await join({ since: 4, epoch, sinceTime: last.serverTime })).live).toEqual([
      [1, 1],
      [3, 3],
    ]);
  });

  it('tells what was raised in status since sinceTime, and nothing without it', async () => {
    const { bob, alice, roomId } = trio;
    await fill(4);
    await bob.client.emit('message:status', { roomId, upToSeq: 1, status: 'seen' });
    const last = await join();
    chat.clock.advance(1000);
    await bob.client.emit('message:status', { roomId, upToSeq: 2, status: 'delivered' });
    await say(bob, roomId, 'own');
    await alice.client.emit('message:status', { roomId, upToSeq: 5, status: 'seen' });
    const ack = await resume({ ...last, lastSeq: 5, serverTime: chat.iso() });
    const changed = ack.changed.map(({ seq, status }) => [seq, status]);
    expect(changed).toEqual([
      [2, 'delivered'],
      [5, 'seen'],
    ]);
    expect((await join({ since: 5, epoch: last.epoch })).changed).toEqual([]);
    chat.clock.advance(1000);
    expect((await join({ since: 5, epoch: last.epoch, sinceTime: chat.iso() })).changed).toEqual([]);
  });

  it('does not repeat what waits', async () => {
    const last = await join();
    await fill(2);
    const bob2 = await chat.connect(trio.bob);
    const { epoch } = last;
    const ack = await bob2.emit('room:join', { roomId: trio.roomId, since: 1, epoch });
    expect(ack).toMatchObject({ messages: [{ seq: 2, status: 'sent' }] });
    await bob2.settle();
    expect(bob2.all('message:new')).toEqual([]);
  });

  it('goes on with more until everything is there', async () => {
    const first = await join();
    await fill(1003);
    const held: number[] = [];
    let ack = first;
    do {
      ack = await join({ since: ack.lastSeq, epoch: ack.epoch });
      expect(ack.messages.length).toBeLessThanOrEqual(500);
      expect(ack.lastSeq).toBe(ack.messages.at(-1)?.seq);
      expect(ack.gap).toBe(false);
      held.push(...seqs(ack.messages));
    } while (ack.more);
    expect(held).toEqual(Array.from({ length: 1003 }, (_, i) => i + 1));
  });

  it('keeps on counting when the last message is gone', async () => {
    const { alice, roomId } = trio;
    const last = await join();
    await say(alice, roomId, 'gone', { ttl: 1 });
    await chat.pass(1000);
    expect(await resume(last)).toMatchObject({ messages: [], live: [], lastSeq: 1, gap: false });
    await say(alice, roomId, 'next');
    expect(await resume({ ...last, lastSeq: 1 })).toMatchObject({ messages: [{ seq: 2 }], live: [], gap: false });
  });
});

describe('a gap', () => {
  beforeEach(() => start());

  it('is told for a foreign epoch: everything anew, as without since', async () => {
    await fill(3);
    for (const since of [0, 2, 3]) {
      const ack = await join({ since, epoch: 'of another time', sinceTime: chat.iso() });
      expect(seqs(ack.messages)).toEqual([1, 2, 3]);
      expect(ack).toMatchObject({ gap: true, live: [], changed: [], lastSeq: 3 });
    }
  });

  it('is told for a since that was not reached yet', async () => {
    await fill(3);
    const { epoch } = await join();
    for (const since of [4, Number.MAX_SAFE_INTEGER]) {
      expect(await join({ since, epoch })).toMatchObject({ gap: true, live: [], changed: [], lastSeq: 3 });
    }
  });

  it('is told when the room was wiped meanwhile and counts anew', async () => {
    await fill(3);
    const last = await join();
    await chat.api(trio.alice, 'delete', `chat/rooms/${trio.roomId}`).expect(204);
    await fill(3);
    const ack = await resume(last);
    expect(ack).toMatchObject({ gap: true, live: [], changed: [], lastSeq: 3 });
    expect(ack.epoch).not.toBe(last.epoch);
    expect(seqs(ack.messages)).toEqual([1, 2, 3]);
  });

  it('is told when more than 500 messages changed', async () => {
    const { bob, roomId } = trio;
    const opened = await join();
    await fill(501);
    await bob.client.emit('message:status', { roomId, upToSeq: 500, status: 'seen' });
    const { epoch, serverTime } = opened;
    const fits = await join({ since: 501, epoch, sinceTime: serverTime });
    expect(fits).toMatchObject({ gap: false, live: [[1, 501]] });
    expect(fits.changed).toHaveLength(500);
    await bob.client.emit('message:status', { roomId, upToSeq: 501, status: 'seen' });
    const ack = await join({ since: 501, epoch, sinceTime: serverTime });
    expect(ack).toMatchObject({ gap: true, live: [], changed: [], more: true, lastSeq: 501 });
    expect(ack.messages).toHaveLength(500);
  });

  it('is no way to guess at a room of others', async () => {
    const { epoch } = await join();
    const { carol, roomId } = trio;
    expectRefusal(await carol.client.emit('room:join', { roomId, since: 0, epoch }), 'NotFoundError');
  });
});

it('a join holds no more than 1 MiB, and the next one goes on', async () => {
  await start({ MAX_MESSAGE_LENGTH: '20000' });
  const { alice, roomId } = trio;
  const { epoch } = await join();
  for (let i = 0; i < 30; i++) {
    await say(alice, roomId, '💬'.repeat(20_000));
  }
  const ack = await join({ since: 0, epoch });
  expect(ack.more).toBe(true);
  expect(Buffer.byteLength(JSON.stringify(ack.messages))).toBeLessThanOrEqual(1024 * 1024);
  const rest = await join({ since: ack.lastSeq, epoch });
  const newest = await join();
  expect(newest).toMatchObject({ more: true, lastSeq: 30 });
  expect(seqs(newest.messages).at(-1)).toBe(30);
  expect(rest.messages[0]?.seq).toBe(ack.lastSeq + 1);
});
