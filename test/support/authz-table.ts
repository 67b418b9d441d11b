/**
 * Who asks. The room of the world is one of `member` with a peer; to `stranger`, an account too, it is closed, and no
 * less so to `admin`, whose account has that role.
 */
export const ACTORS = ['member', 'stranger', 'admin', 'guest', 'expired', 'revoked', 'anonymous'] as const;
export type Actor = (typeof ACTORS)[number];

/** What a row's request is made of. */
export interface World {
  readonly roomId: string;
  /** A private room in which `member` is admin and the peer a member. */
  readonly groupId: string;
  /** An account that is in no room of these. */
  readonly otherId: string;
  /** The other one in the room. */
  readonly peerId: string;
  /** A message in it, of the peer; one that burns after reading where the handler is about those. */
  readonly messageId: string;
  /** A good token of `member`. */
  readonly memberToken: string;
  readonly password: string;
  /** Unique in the run. */
  readonly name: string;
  /** An image of `member`, which no message shows. */
  readonly filename: string;
  /** The token of an anonymous room, and who is in it. */
  readonly ghostToken: string;
  readonly ghostName: string;
}

type Outcomes<T> = Readonly<Record<Actor, T>>;

export interface RouteRow {
  /** Method and path as they are registered. */
  readonly handler: string;
  /** True where `:roomId` is the private room rather than the direct one. */
  readonly group?: boolean;
  /** The HTTP status that each gets. */
  readonly status: Outcomes<number>;
  readonly body?: (world: World) => object;
  /** The field of a form that takes an image, in place of a body. */
  readonly file?: string;
}

export interface EventRow {
  /** Namespace and event as they are registered. */
  readonly handler: string;
  /** `success` or the error code that each gets. */
  readonly outcome: Outcomes<string>;
  readonly payload: (world: World) => object;
}

const noToken = <T>(outcome: T) => ({ expired: outcome, revoked: outcome, anonymous: outcome });

/** Public: tokens are not looked at. */
const open = (status: number): Outcomes<number> => ({
  member: status,
  stranger: status,
  admin: status,
  guest: status,
  ...noToken(status),
});
/** About oneself or about everyone. */
const identified = (status: number): Outcomes<number> => ({ ...open(status), ...noToken(401) });
/** The same, not for guests. */
const account = (status: number): Outcomes<number> => ({ ...identified(status), guest: 403 });
/** About one room: who is not in it does not learn whether it is there. */
const inRoom = (status: number): Outcomes<number> => ({ ...account(status), stranger: 404, admin: 404 });
/** For operators. */
const operator = (status: number): Outcomes<number> => ({ ...open(403), admin: status, ...noToken(401) });

const refused = noToken('AuthenticationError');
const outsiders = <T>(outcome: T) => ({ stranger: outcome, admin: outcome });
const memberEvent = {
  member: 'success',
  ...outsiders('NotFoundError'),
  guest: 'AuthorizationError',
  ...refused,
};
/** About a message of the peer, by who may not. */
const notTheirs = { ...memberEvent, member: 'AuthorizationError' };
/** A success without effect for who has no part in it: a race must not become an error on a page. */
const harmless = { member: 'success', ...outsiders('success'), guest: 'success', ...refused };

const route = (handler: string, status: Outcomes<number>, body?: RouteRow['body']): RouteRow => ({
  handler,
  status,
  body,
});
/** About a room with members; `:userId` is the peer. */
const groupRoute = (path: string, status: Outcomes<number>, body?: RouteRow['body']): RouteRow => {
  const [method, rest] = path.split(' ');
  return { ...route(`${method} /api/chat/rooms/:roomId${rest}`, status, body), group: true };
};
const event = (handler: string, outcome: Outcomes<string>, payload: EventRow['payload']): EventRow => ({
  handler,
  outcome,
  payload,
});

/** In an anonymous namespace: tokens are not looked at, and none of these has joined a room. */
const anonymousEvent = (outcome: string): Outcomes<string> => ({
  member: outcome,
  ...outsiders(outcome),
  guest: outcome,
  ...noToken(outcome),
});

const ghostRoom = ({ ghostToken }: World) => ({ roomToken: ghostToken });
const room = ({ roomId }: World) => ({ roomId });
const newAccount = ({ name, password }: World) => ({ username: name, email: `${name}@example.com`, password });

/** Every REST route of the application. One that is missing here fails the test. */
export const ROUTES: readonly RouteRow[] = [
  route('GET /', open(200)),
  route('GET /health', open(200)),
  route('GET /health/live', open(200)),
  route('GET /health/ready', open(200)),
  route('GET /api/health', open(200)),
  route('GET /api/socket/stats', open(200)),
  ...['', '/', '/index.html', '/swagger-ui-init.js', '/docs/swagger-ui-init.js', '-json', '-yaml'].map((rest) =>
    route(`GET /api/docs${rest}`, open(200)),
  ),
  route('GET /api/docs/LICENSE', open(404)),
  ...['asyncapi.json', 'events', 'events/page.js', 'events/viewer.js', 'events/viewer.css'].map((path) =>
    route(`GET /api/${path}`, open(200)),
  ),
  // Has a token of its own, which is set here and which nobody has.
  route('GET /metrics', open(401)),

  route('POST /api/auth/register', open(201), newAccount),
  route('POST /api/auth/login', open(200), ({ password }) => ({ email: 'peer@example.com', password })),
  route('GET /api/auth/me', identified(200)),
  route('POST /api/auth/refresh', account(200)),
  route('POST /api/auth/logout', identified(204)),
  route('POST /api/auth/password', account(204), ({ password }) => ({
    currentPassword: password,
    newPassword: 'another password',
  })),

  route('GET /api/users', identified(200)),
  route('GET /api/users/search', identified(200)),
  route('GET /api/users/online', identified(200)),
  route('GET /api/users/available', identified(200)),
  route('GET /api/users/stats', identified(200)),
  route('GET /api/users/:id', identified(200)),
  route('PATCH /api/users/me', account(200), () => ({ bio: 'x' })),
  route('DELETE /api/users/me', identified(204)),
  { handler: 'PUT /api/users/me/avatar', status: account(200), file: 'image' },
  route('DELETE /api/users/me/avatar', account(204)),
  route('POST /api/users/device', identified(200), () => ({ location: { city: 'Berlin' } })),
  route('GET /api/users/me/devices', identified(200)),

  route('POST /api/chat/rooms', account(200), ({ peerId }) => ({ otherUserId: peerId })),
  route('GET /api/chat/rooms', account(200)),
  route('GET /api/chat/rooms/:roomId/messages', inRoom(200)),
  route('POST /api/chat/rooms/:roomId/messages', inRoom(201), () => ({ content: 'x' })),
  route('POST /api/chat/rooms/:roomId/messages/:messageId/reveal', inRoom(200), () => ({})),
  // The message of the world is the peer's.
  route('PATCH /api/chat/rooms/:roomId/messages/:messageId', inRoom(403), () => ({ content: 'x' })),
  route('DELETE /api/chat/rooms/:roomId/messages/:messageId', inRoom(403)),
  route('PUT /api/chat/rooms/:roomId/messages/:messageId/reactions/:emoji', inRoom(204)),
  route('DELETE /api/chat/rooms/:roomId/messages/:messageId/reactions/:emoji', inRoom(204)),
  route('GET /api/chat/rooms/:roomId/messages/:messageId/receipts', inRoom(403)),
  route('POST /api/chat/rooms/:roomId/read', inRoom(204), () => ({ upToSeq: 1 })),
  route('PATCH /api/chat/rooms/:roomId', inRoom(200), () => ({ settings: { messageTtl: 60 } })),
  route('DELETE /api/chat/rooms/:roomId', inRoom(204)),
  route('GET /api/chat/rooms/public', account(200)),
  groupRoute('GET ', inRoom(200)),
  groupRoute('GET /members', inRoom(200)),
  groupRoute('POST /join', inRoom(200)),
  groupRoute('POST /leave', inRoom(204)),
  groupRoute('POST /invites', inRoom(201), ({ otherId }) => ({ userId: otherId })),
  groupRoute('DELETE /invites/:userId', inRoom(204)),
  route('GET /api/chat/invites', account(200)),
  route('POST /api/chat/invites/:roomId/decline', account(204)),
  groupRoute('PUT /members/:userId', inRoom(204), () => ({ role: 'moderator' })),
  groupRoute('DELETE /members/:userId', inRoom(204)),
  // Only rooms with moderation take reports.
  route('POST /api/chat/rooms/:roomId/messages/:messageId/report', inRoom(409), () => ({ reason: 'x' })),
  groupRoute('GET /reports', inRoom(200)),
  groupRoute('GET /bans', inRoom(200)),
  groupRoute('PUT /bans/:userId', inRoom(204), () => ({ reason: 'x' })),
  groupRoute('DELETE /bans/:userId', inRoom(204)),
  groupRoute('PUT /mutes/:userId', inRoom(204), () => ({ minutes: 1 })),
  groupRoute('DELETE /mutes/:userId', inRoom(204)),
  route('GET /api/chat/stats', account(200)),
  route('GET /api/chat/online-users', account(200)),

  // The token of an anonymous room is all there is to know.
  route('GET /api/room/new', open(200)),
  route('GET /api/room/:token/stats', open(200)),
  route('GET /api/room/:token/messages', open(200)),
  { handler: 'POST /api/upload-image', status: open(200), file: 'image' },
  // Pictures of the chat are not to be had here by their name.
  route('GET /api/image/:filename', open(404)),
  route('DELETE /api/image/:filename', open(404)),

  { handler: 'POST /api/images/upload', status: account(200), file: 'image' },
  route('GET /api/images/:filename', { ...open(404), member: 200 }),

  route('GET /api/admin/users', operator(200)),
  route('POST /api/admin/users', operator(201), newAccount),
  route('PUT /api/admin/users/:id', operator(200), () => ({ role: 'user' })),
  route('DELETE /api/admin/users/:id', operator(200)),
  route('POST /api/admin/users/:id/revoke', operator(204)),
  route('GET /api/admin/overview', operator(200)),
  // Without Redis it has nothing to test.
  route('GET /api/redis/test', open(503)),
];

/** Every event of every namespace. One that is missing here fails the test. */
export const EVENTS: readonly EventRow[] = [
  ...['/', '/rooms'].map((namespace) =>
    event(
      `${namespace} auth:refresh`,
      { member: 'success', ...outsiders('AuthorizationError'), guest: 'AuthorizationError', ...refused },
      ({ memberToken }) => ({ token: memberToken }),
    ),
  ),
  event('/ room:join', memberEvent, room),
  event('/ rooms:join', { ...harmless, guest: 'AuthorizationError' }, () => ({})),
  event('/ room:leave', harmless, room),
  event('/ message:send', memberEvent, ({ roomId }) => ({ roomId, content: 'x' })),
  event('/ message:status', memberEvent, ({ roomId, messageId }) => ({ roomId, messageId, status: 'seen' })),
  event('/ message:reveal', memberEvent, ({ roomId, messageId }) => ({ roomId, messageId })),
  event('/ message:edit', notTheirs, ({ roomId, messageId }) => ({ roomId, messageId, content: 'x' })),
  event('/ message:delete', notTheirs, ({ roomId, messageId }) => ({ roomId, messageId })),
  event('/ message:react', memberEvent, ({ roomId, messageId }) => ({ roomId, messageId, emoji: '👍' })),
  event('/ message:unreact', memberEvent, ({ roomId, messageId }) => ({ roomId, messageId, emoji: '👍' })),
  event('/ room:read', memberEvent, ({ roomId }) => ({ roomId, upToSeq: 1 })),
  event('/ typing:start', memberEvent, room),
  event('/ typing:stop', harmless, room),

  event('/ghost join-room', anonymousEvent('success'), ({ ghostToken, name }) => ({
    roomToken: ghostToken,
    agentId: name,
  })),
  event('/ghost send-message', anonymousEvent('AuthorizationError'), ({ ghostToken, ghostName }) => ({
    roomToken: ghostToken,
    message: 'x',
    sender: ghostName,
  })),
  event('/ghost send-image', anonymousEvent('AuthorizationError'), ({ ghostToken, ghostName }) => ({
    roomToken: ghostToken,
    imageData: { filename: 'x' },
    sender: ghostName,
  })),
  event('/ghost typing', anonymousEvent('AuthorizationError'), ghostRoom),
  event('/ghost stopped-typing', anonymousEvent('success'), ghostRoom),
  event('/ghost leave-room', anonymousEvent('success'), ghostRoom),
  event('/rooms join-rooms', { ...harmless, guest: 'AuthorizationError' }, () => ({})),
  event('/rooms send-message', memberEvent, ({ roomId }) => ({ roomId, content: 'x' })),
  event('/rooms reveal-message', memberEvent, ({ roomId, messageId }) => ({ roomId, messageId })),
  event('/rooms typing-start', memberEvent, room),
  event('/rooms typing-stop', harmless, room),
];

/** Handlers without a row, and rows without a handler. */
export function compare(registered: readonly string[], rows: readonly { handler: string }[]): Record<string, string[]> {
  const tabled = rows.map(({ handler }) => handler);
  return {
    missing: registered.filter((handler) => !tabled.includes(handler)),
    stale: tabled.filter((handler) => !registered.includes(handler)),
  };
}
