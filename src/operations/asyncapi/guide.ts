/** What holds for every event, for who reads the reference alone. */
export const GUIDE = `
What Mayfly says over Socket.IO 4. What it says over REST is at [/api/docs](docs); a token comes from there.

**Emit** are events that you send, each with the ack that it is answered with. **On** are events that you are sent.

## Connecting

\`\`\`js
import { io } from 'socket.io-client';
const socket = io('http://localhost:3000', { auth: { token } }); // \`token\` of POST /api/auth/register or /login
\`\`\`

Path \`/socket.io\`, WebSocket and long polling. The token is checked before the socket exists; a refused one gets
\`connect_error\`:

| \`error.message\` | \`error.data.code\` | what to do |
|---|---|---|
| \`Authentication token required\` | \`AuthenticationError\` | log in |
| \`Token has expired\`, \`Token has been revoked\`, \`Guest session not found or expired\`, \`Invalid or expired token\` | \`AuthenticationError\` | log in again |
| \`Too many connections of this user\`, \`Too many connections from this address\` | \`CapacityError\` | close other tabs, try later |

After such a refusal \`socket.active\` is false: put a good token into \`socket.auth\` and call \`socket.connect()\`. A
page whose origin is not allowed, and anybody while the server is stopping, is refused at the HTTP handshake; then the
client tries again by itself.

To keep a socket beyond its token: \`POST /api/auth/refresh\`, then \`auth:refresh\` on each live socket, and the new
token into \`socket.auth\` for the next reconnect. The old token ends a minute later.

## Acks and errors

Every event may carry an ack callback. It is always called:

\`\`\`js
socket.emit('message:send', { roomId, content }, (ack) => {
  // { success: true, … } or { success: false, error: 'ttl must be 1 to 2592000 seconds', code: 'ValidationError', details }
});
\`\`\`

\`error\` is one sentence for a person, \`code\` is for programs and stable, \`details\` names the fields at fault. Without
a callback a failure comes as the event \`error\`. Two things are silent: an event that does not exist and has no callback
(with one it is a \`NotFoundError\`), and a signal over its rate limit without a callback.

The payload is one object. Fields that are not described are dropped; nothing is converted (\`"5"\` is not \`5\`); null
where a field may be left out is the same as leaving it out.

| code | when |
|---|---|
| \`ValidationError\` | the payload is not an object, a field is missing, of the wrong type or too large. 40 of them in 10 s end the socket |
| \`RateLimitError\` | too many events of the user, over all sockets: of those that create something 100 a minute and 20 at once, of others 600 a minute and 100 at once, unless the operator says otherwise. Or 256 events of one socket wait for an earlier one |
| \`AuthorizationError\` | it is there, but not for you: guests, for instance, have no rooms |
| \`NotFoundError\` | it is not there, or not for you to know of |
| \`ConflictError\` | it clashes with what is there; most often: try again |
| \`CapacityError\` | something is full, or the server is busy: try again later |
| \`InternalServerError\` | a fault of the server |

Events of one socket take effect in the order in which they were sent.

## Times and ids

Times are ISO 8601 in UTC with milliseconds. Your clock is not the server's: count down to \`expiresAt\` against
\`serverTime\` of an ack, and take \`message:expired\` for the truth. Ids are opaque, but that a direct room is always
\`dm_<user id>_<user id>\` with the two ids sorted: no need to ask for it.

## How the server closes

| what | why | what to do |
|---|---|---|
| the connection closes (\`transport close\`) | the token expired, the client did not read what it was sent, or the server stops | nothing: the client reconnects, and the handshake says why not |
| the socket is disconnected (\`io server disconnect\`) | logout, a revoked token, a changed password, an erased account, too many malformed events | it stays away until you call \`connect()\` |
`.trim();

/** How to connect to a namespace. */
export const SERVER_GUIDE =
  'A namespace of Socket.IO, protocol version 5, path `/socket.io`, WebSocket or long polling: `io(<host and path>)`.';
