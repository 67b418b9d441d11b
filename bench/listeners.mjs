// Clients that only listen, on bare WebSockets: with a thousand of them a full client would be what is measured.
import { createRequire } from 'node:module';
import { CONTENT_BYTES, inBatches } from './clients.mjs';

const engineOfClient = createRequire(createRequire(import.meta.url).resolve('socket.io-client')).resolve(
  'engine.io-client',
);
const WebSocket = createRequire(engineOfClient)('ws');

const CONNECT_AT_ONCE = 50;
const [PING, PONG] = ['2', '3'];

/**
 * Connects `users` and makes each join by `join` ([event, payload]); from then on `onMessage()` is called for each packet
 * that is large enough to carry a message. A connection that ends is told to `fail`.
 */
export function listenAll(server, users, { namespace, join, onMessage, fail }) {
  const at = namespace === '/' ? '' : `${namespace},`;
  return inBatches(users, CONNECT_AT_ONCE, async (user) => {
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
    user.listener = socket;
    socket.on('close', () => {
      if (!server.closing) {
        fail(new Error(`${server.target.name} ended a listener`));
      }
    });
    const next = (prefix) =>
      new Promise((resolve, reject) => {
        const onPacket = (data) => {
          const packet = data.toString();
          if (packet.startsWith(prefix)) {
            socket.off('message', onPacket);
            resolve(packet);
          }
        };
        socket.on('message', onPacket);
        socket.once('error', reject);
      });
    await next('0');
    socket.send(`40${at}${JSON.stringify({ token: user.token })}`);
    await next(`40${at}`);
    socket.send(`42${at}0${JSON.stringify(join)}`);
    const answer = await next(`43${at}0`);
    if (!answer.includes('"success":true')) {
      throw new Error(`${join[0]} was refused: ${answer}`);
    }
    socket.on('message', (data) => {
      if (data.length > CONTENT_BYTES) {
        onMessage();
      } else if (data.toString() === PING) {
        socket.send(PONG);
      }
    });
  });
}
