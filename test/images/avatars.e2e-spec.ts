import { UsersService } from '../../src/users/users.service';
import { AttachmentsService } from '../../src/attachments/attachments.service';
import { expectError, type Person } from '../support/accounts-app';
import { ImagesApp } from '../support/images-app';
import { animation, look, NEEDLE, photoWithSecrets, picture } from '../support/pictures';

let app: ImagesApp;
let alice: Person;
let names = 0;

beforeAll(async () => {
  app = await ImagesApp.start({ UPLOADS_PER_MINUTE: '1000' });
});

afterAll(() => app.close());

beforeEach(async () => {
  alice = await app.accounts.register(`alice${names++}`);
});

const put = async ({ token }: Person, bytes?: Buffer) =>
  app
    .call('put', '/api/users/me/avatar', token)
    .attach('image', bytes ?? (await picture(300, 100).png().toBuffer()), 'me.png');

const set = async (who: Person, bytes?: Buffer): Promise<string> => {
  const { body, status } = await put(who, bytes);
  expect(status).toBe(200);
  expect(body).toEqual({
    avatarUrl: expect.stringMatching(/^http:\/\/localhost:\d+\/api\/images\/[0-9a-f]{24}\.webp\?/),
  });
  return pathOf(body.avatarUrl as string);
};

const pathOf = (url: string): string => {
  const { pathname, search } = new URL(url);
  return pathname + search;
};

const remove = ({ token }: Person) => app.call('delete', '/api/users/me/avatar', token);

/** What `who` is told of `whom`. */
const avatarOf = async (whom: Person, who: Person): Promise<string | undefined> => {
  const { body } = await app.call('get', `/api/users/${whom.id}`, who.token).expect(200);
  return body.avatarUrl === undefined ? undefined : pathOf(body.avatarUrl as string);
};

describe('an avatar', () => {
  it('is a square without metadata or movement, and everybody is told of it', async () => {
    const bob = await app.accounts.register(`bob${names++}`);
    const link = await set(alice, await photoWithSecrets(600, 300));
    const { body } = await app.call('get', link).expect(200).expect('Content-Type', 'image/webp');
    expect(await look(body as Buffer)).toMatchObject({ format: 'webp', width: 256, height: 256, metadata: [] });
    expect((body as Buffer).includes(NEEDLE)).toBe(false);
    const shown = await avatarOf(alice, bob);
    expect(shown?.split('?')[0]).toBe(link.split('?')[0]);
    await app.call('get', shown ?? '').expect(200);
    const me = await app.call('get', '/api/auth/me', alice.token).expect(200);
    await app.call('get', pathOf(me.body.user.avatarUrl as string)).expect(200);
    const { body: found } = await app.call('get', '/api/users?limit=200', bob.token).expect(200);
    expect(found.users).toContainEqual(expect.objectContaining({ id: alice.id, avatarUrl: expect.any(String) }));
    const moving = await app.call('get', await set(alice, await animation('gif', 30, 20, 5))).expect(200);
    expect((await look(moving.body as Buffer)).pages).toBeUndefined();
  });

  it('loads with a token of anybody, guests too, and with none only by its link', async () => {
    const guest = await app.accounts.createGuest();
    const [path = ''] = (await set(alice)).split('?');
    await app.call('get', path, guest.token).expect(200);
    await app.call('get', path).expect(404);
  });

  it('stays as long as the account: its links are renewed', async () => {
    const link = await set(alice);
    await app.pass(86_400_000 - 1);
    await app.call('get', link).expect(200);
    await app.pass(1);
    await app.call('get', link).expect(404);
    await app.pass(30 * 86_400_000);
    const { body } = await app.accounts.login(`alice${names - 1}`).expect(200);
    await app.call('get', pathOf(body.user.avatarUrl as string)).expect(200);
  });

  it('goes with its links when another takes its place, when it is deleted, and with the account', async () => {
    const first = await set(alice);
    const second = await set(alice);
    await app.call('get', first).expect(404);
    await app.call('get', second).expect(200);
    await remove(alice).expect(204);
    await remove(alice).expect(204);
    await app.call('get', second).expect(404);
    expect(await avatarOf(alice, alice)).toBeUndefined();
    const third = await set(alice);
    await app.call('delete', '/api/users/me', alice.token).expect(204);
    await app.call('get', third).expect(404);
    await app.pass(0);
    expect(app.files().filter((file) => [first, second, third].some((link) => link.includes(file.slice(6))))).toEqual(
      [],
    );
  });

  it('is refused as an image for a message is, and the old one stays', async () => {
    const link = await set(alice);
    expectError(
      await put(alice, Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')),
      415,
      'UnsupportedMediaTypeError',
    );
    expectError(await put(alice, Buffer.alloc(2 * 1024 * 1024 + 1)), 413, 'PayloadTooLargeError');
    expectError(await put(await app.accounts.createGuest()), 403, 'AuthorizationError');
    await app.call('get', link).expect(200);
  });

  it('leaves no file where its change died before the account had it, or before the old one was released', async () => {
    const link = await set(alice);
    const before = app.files();
    const update = jest.spyOn(app.accounts.nest.get(UsersService), 'update').mockRejectedValue(new Error('dead'));
    expect((await put(alice)).status).toBe(500);
    update.mockRestore();
    expect(app.files()).toHaveLength(before.length + 1);
    await app.pass(60_000);
    expect(app.files().sort()).toEqual(before.sort());
    await app.call('get', link).expect(200);

    const release = jest.spyOn(app.attachments, 'release').mockRejectedValue(new Error('dead'));
    expect((await put(alice)).status).toBe(500);
    release.mockRestore();
    expect(app.files()).toHaveLength(before.length + 1);
    await app.pass(60_000);
    expect(app.files()).toHaveLength(before.length);
    await app.call('get', (await avatarOf(alice, alice)) ?? '').expect(200);
    await app.call('get', link).expect(404);
  });

  it('is one when two tabs change it at once', async () => {
    const before = app.files().length;
    await Promise.all([set(alice), set(alice), set(alice)]);
    await app.pass(60_000);
    expect(app.files()).toHaveLength(before + 1);
    await app.call('get', (await avatarOf(alice, alice)) ?? '').expect(200);
  });

  it('fails without a trace where the account goes meanwhile', async () => {
    const before = app.files().length;
    const refer = jest.spyOn(app.accounts.nest.get(AttachmentsService), 'refer');
    refer.mockImplementationOnce(async (...args) => {
      refer.mockRestore();
      const referred = await app.attachments.refer(...args);
      await app.accounts.nest.get(UsersService).erase(alice.id);
      return referred;
    });
    expectError(await put(alice), 401, 'AuthenticationError');
    await app.attachments.settled();
    expect(app.files()).toHaveLength(before);
  });
});
