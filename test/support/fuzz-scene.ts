import { ChatApp, type Person, roomOf, say } from './chat-app';
import { Random } from './fuzz';

/** Whatever a run finds, the same seed finds again. */
export const SEED = Number(process.env.FUZZ_SEED ?? 20_300_101);

export interface FuzzScene {
  readonly chat: ChatApp;
  /** Who sends the junk. */
  readonly mallory: Person;
  /** Whom she has a room with. */
  readonly alice: Person;
  readonly random: Random;
}

/**
 * An application with somebody who sends junk, and two people who chat. After each test these two have not noticed, and
 * no prototype has.
 */
export function fuzzScene(): FuzzScene {
  const scene = {} as { -readonly [Key in keyof FuzzScene]: FuzzScene[Key] };
  let bob: Person;

  beforeAll(async () => {
    scene.random = new Random(SEED);
    scene.chat = await ChatApp.start({ JWT_EXPIRES_IN: '3650d' });
    scene.alice = await scene.chat.person('alice');
    bob = await scene.chat.person('bob');
    scene.mallory = await scene.chat.person('mallory');
  });

  afterAll(() => scene.chat.close());

  afterEach(async () => {
    const { messageId } = await say(scene.alice, roomOf(scene.alice, bob), 'still here');
    await bob.client.next('message:new', ({ id }) => id === messageId);
    expect(Object.keys(Object.prototype)).toEqual([]);
    for (const made of [{}, [], () => undefined, '']) {
      expect((made as { polluted?: unknown }).polluted).toBeUndefined();
    }
  });

  return scene;
}
