import { MessageStore } from '../../src/chat/engine/message.store';
import { ChatApp } from '../support/chat-app';
import { enter, enterBy, freshToken, type Ghost, heard, history, whisper } from '../support/ghosts';

const DAY_MS = 86_400_000;
const BURN_MS = 30_000;
const SETTLING_MS = 3000;

let chat: ChatApp;
let token: string;

const join = (agentId: string): Promise<Ghost> => enter(chat.url, token, agentId);
const burn = (ghost: Ghost, text = 'burn me'): Promise<string> => whisper(ghost, text, { ttl: 0 });
const messages = async (ghost: Ghost): Promise<[string, unknown][]> => {
  await ghost.client.settle();
  return heard(ghost).filter(([event]) => event === 'new-message' || event === 'message-expired');
};

beforeEach(async () => {
  chat = await ChatApp.start();
  token = freshToken(chat);
});

afterEach(() => chat.close());

describe('a message that burns after reading', () => {
  it('is gone for everyone thirty seconds after somebody else was sent it, and in no history', async () => {
    const [one, two] = [await join('Ghost-1'), await join('Ghost-2')];
    const id = await burn(one);
    for (const ghost of [one, two]) {
      expect(await ghost.client.next('new-message')).toMatchObject({ id, message: 'burn me', ttl: 0 });
    }
    expect(await history(chat.url, token)).toEqual([]);
    const late = await join('late');
    await chat.pass(BURN_MS - 1);
    expect(await messages(two)).toEqual([['new-message', 'burn me']]);
    await chat.pass(1);
    expect(await two.client.next('message-expired')).toEqual({ messageId: id });
    expect(await messages(one)).toEqual([
      ['new-message', 'burn me'],
      ['message-expired', id],
    ]);
    // Who came in between was not sent it.
    expect(await messages(late)).toEqual([['message-expired', id]]);
  });

  it('waits where nobody else is, for the first who comes and stays', async () => {
    const one = await join('Ghost-1');
    const id = await burn(one);
    await chat.pass(10 * BURN_MS);
    const brief = await join('brief');
    await chat.pass(SETTLING_MS - 1);
    await chat.leave(brief.client);
    const first = await join('first');
    await chat.pass(1000);
    const second = await join('second');
    expect(await history(chat.url, token)).toEqual([]);
    await chat.pass(SETTLING_MS - 1001);
    expect([await messages(first), await messages(second)]).toEqual([[], []]);
    await chat.pass(1);
    expect(await first.client.next('new-message')).toMatchObject({ id, sender: 'Ghost-1', ttl: 0, roomToken: token });
    await chat.pass(1000);
    expect(await messages(second)).toEqual([]);
    expect(heard(brief).map(([event]) => event)).not.toContain('new-message');
    await chat.pass(BURN_MS - 1000);
    expect(await messages(first)).toEqual([
      ['new-message', 'burn me'],
      ['message-expired', id],
    ]);
    expect(await messages(one)).toEqual([
      ['new-message', 'burn me'],
      ['message-expired', id],
    ]);
  });

  it('waits though its sender leaves, and is not for them when they come back', async () => {
    const one = await join('Ghost-1');
    await burn(one);
    await chat.leave(one.client);
    const again = await join('Ghost-1');
    await chat.pass(SETTLING_MS);
    expect(await messages(again)).toEqual([]);
    const other = await join('Ghost-2');
    await chat.pass(SETTLING_MS);
    expect(await messages(other)).toEqual([['new-message', 'burn me']]);
  });

  it('goes after a day when nobody comes, and its room with it', async () => {
    const one = await join('Ghost-1');
    const id = await burn(one);
    await chat.pass(DAY_MS - 1);
    expect(await messages(one)).toEqual([['new-message', 'burn me']]);
    await chat.pass(1);
    expect(await messages(one)).toEqual([
      ['new-message', 'burn me'],
      ['message-expired', id],
    ]);
  });

  it('is handed to one of two who came at the same moment, once', async () => {
    const one = await join('Ghost-1');
    await Promise.all(Array.from({ length: 5 }, (_, i) => burn(one, `burn ${i}`)));
    const [two, three] = await Promise.all([join('Ghost-2'), join('Ghost-3')]);
    await chat.pass(SETTLING_MS);
    const both = [...(await messages(two)), ...(await messages(three))];
    expect(both).toHaveLength(5);
    expect(new Set(both.map(([, text]) => text)).size).toBe(5);
  });

  it('is handed to nobody whose time to settle ends after they joined anew', async () => {
    const one = await join('Ghost-1');
    await burn(one);
    const two = await join('Ghost-2');
    await chat.pass(SETTLING_MS - 1);
    await enterBy(two.client, token, 'Ghost-2');
    await chat.pass(1);
    expect(await messages(two)).toEqual([]);
    await chat.pass(SETTLING_MS - 1);
    expect(await messages(two)).toEqual([['new-message', 'burn me']]);
  });

  it('burns from when it was sent to somebody who was just coming in, though they leave at once', async () => {
    const one = await join('Ghost-1');
    const store = chat.get(MessageStore);
    const read = store.snapshot.bind(store);
    let goOn = (): void => undefined;
    const isRead = new Promise<void>((resolve) => {
      jest.spyOn(store, 'snapshot').mockImplementationOnce(async (...args) => {
        const snapshot = await read(...args);
        resolve();
        await new Promise<void>((release) => (goOn = release));
        return snapshot;
      });
    });
    const coming = join('Ghost-2');
    await isRead;
    const id = await burn(one);
    goOn();
    const two = await coming;
    expect(await two.client.next('new-message')).toMatchObject({ id });
    await chat.leave(two.client);
    const late = await join('late');
    await chat.pass(BURN_MS);
    expect(await one.client.next('message-expired')).toEqual({ messageId: id });
    expect(await messages(late)).toEqual([['message-expired', id]]);
  });

  it('is served by no path once it has burned, swept or not', async () => {
    const [one] = [await join('Ghost-1'), await join('Ghost-2')];
    await burn(one);
    await one.client.settle();
    chat.stopSweeping();
    chat.clock.advance(BURN_MS);
    const late = await join('late');
    expect(await history(chat.url, token)).toEqual([]);
    expect(await messages(late)).toEqual([]);
  });
});
