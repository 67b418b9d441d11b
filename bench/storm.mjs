// A hostile neighbour, in a process of its own: started by suites/hostile.mjs, told by messages when to begin and to end.
// It counts what it did, and what it was told.
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { io } from 'socket.io-client';
import { directRoomId } from './clients.mjs';

const PATH = '/socket.io/?EIO=4&transport=websocket';
/** Events that a flooding socket writes at once, and the unsent bytes past which it waits. */
const FLOOD_BATCH = 100;
const FLOOD_BUFFER = 1024 * 1024;
const WRITES_AT_ONCE = 8;
/** The product's default. */
const CONNECT_TIMEOUT_MS = 5000;
/** 12 megapixels in just under 2 MB. */
const PHOTO = { width: 4000, height: 3000, detail: 300, quality: 75 };

const counts = {};
const count = (what, by = 1) => (counts[what] = (counts[what] ?? 0) + by);
let going = true;

/** Does `work` again and again in so many lanes, each as soon as its last one is done. */
const lanes = (size, work) =>
  Promise.all(
    Array.from({ length: size }, async (_, lane) => {
      while (going) {
        await work(lane).catch(() => count('failed'));
      }
    }),
  );

const post = async (url, options) => {
  const response = await fetch(url, { method: 'POST', ...options });
  await response.arrayBuffer();
  count(response.ok ? 'done' : `refused with ${response.status}`);
};

/** A WebSocket over plain TCP: what it is sent is read only as long as it is not paused. */
function rawSocket(url, firstPacket) {
  const { hostname, port } = new URL(url);
  const tcp = connect(Number(port), hostname);
  const headers = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'];
  const key = `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`;
  tcp.write([`GET ${PATH} HTTP/1.1`, `Host: ${hostname}:${port}`, ...headers, key, '', ''].join('\r\n'));
  tcp.on('error', () => undefined);
  if (firstPacket !== undefined) {
    const payload = Buffer.from(firstPacket);
    const header = Buffer.alloc(8);
    header.writeUInt16BE(0x81fe);
    header.writeUInt16BE(payload.length, 2);
    tcp.write(Buffer.concat([header, payload]));
  }
  return tcp;
}

const connected = async (url, { token }) => {
  const socket = io(url, { transports: ['websocket'], auth: { token }, forceNew: true, reconnectionDelay: 100 });
  // Who is thrown out comes back, as an attacker does.
  socket.on('disconnect', () => {
    count('thrown out');
    setTimeout(() => going && socket.connect(), 100);
  });
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
};

const STORMS = {
  /** Logins, as many at once as there are users. */
  login: async ({ url, users }) => {
    const headers = { 'content-type': 'application/json' };
    await lanes(users.length, (lane) => {
      const { email, password } = users[lane];
      return post(`${url}/api/auth/login`, { headers, body: JSON.stringify({ email, password }) });
    });
  },

  /** Large photos, one of each user at once. */
  photos: async ({ url, users }) => {
    const { width, height, detail, quality } = PHOTO;
    const noise = sharp(randomBytes(detail * detail * 3), { raw: { width: detail, height: detail, channels: 3 } });
    const photo = await noise.resize(width, height, { fit: 'fill' }).jpeg({ quality }).toBuffer();
    counts.bytes = photo.length;
    process.send('ready');
    await lanes(users.length, (lane) => {
      const body = new FormData();
      body.append('image', new Blob([photo], { type: 'image/jpeg' }), 'photo.jpg');
      return post(`${url}/api/images/upload`, { headers: { authorization: `Bearer ${users[lane].token}` }, body });
    });
  },

  /** Events as fast as they can be written: good ones past every limit, unknown ones, malformed ones. */
  flood: async ({ url, users }) => {
    const sockets = await Promise.all(users.map((user) => connected(url, user)));
    process.send('ready');
    await Promise.all(
      sockets.map(async (socket, i) => {
        const roomId = directRoomId(users[i], users[(i + 1) % users.length]);
        const malformed = i === 0;
        while (going) {
          const { ws } = socket.io.engine?.transport ?? {};
          if (socket.connected && (ws?.bufferedAmount ?? 0) < FLOOD_BUFFER) {
            for (let n = 0; n < FLOOD_BATCH; n += 1) {
              const events = [
                () =>
                  socket.emit('message:send', { roomId, content: malformed ? 7 : 'x'.repeat(1000) }, () =>
                    count('acks'),
                  ),
                () => socket.emit('typing:start', { roomId }),
                () => socket.emit('no such event', { roomId }, () => count('acks')),
              ];
              events[n % events.length]();
            }
            count('events', FLOOD_BATCH);
          }
          await new Promise(setImmediate);
        }
      }),
    );
  },

  /** Half of the users read nothing, on ten sockets each; the other half sends them long texts. */
  slow: async ({ url, users }) => {
    const [readers, writers] = [users.slice(0, users.length / 2), users.slice(users.length / 2)];
    const stall = (user) => {
      const tcp = rawSocket(url, `40${JSON.stringify({ token: user.token })}`);
      // Long enough for the handshake; from then on nothing is read.
      setTimeout(() => tcp.pause(), 500);
      tcp.resume();
      count('opened');
      tcp.once('close', () => {
        count('closed');
        if (going) {
          stall(user);
        }
      });
    };
    readers.forEach((user) => Array.from({ length: 10 }, () => stall(user)));
    const sockets = await Promise.all(writers.map((user) => connected(url, user)));
    await sleep(1000);
    process.send('ready');
    await lanes(sockets.length * WRITES_AT_ONCE, async (lane) => {
      const writer = lane % sockets.length;
      const payload = { roomId: directRoomId(readers[writer], writers[writer]), content: '€'.repeat(5000) };
      const { success } = await sockets[writer].timeout(10_000).emitWithAck('message:send', payload);
      count(success ? 'messages' : 'refused');
      if (!success) {
        await sleep(50);
      }
    });
  },

  /** Connections that never say who they are; each that is closed is opened again. */
  strangers: async ({ url, connections }) => {
    const open = () => {
      const tcp = rawSocket(url);
      count('opened');
      tcp.resume();
      tcp.once('close', () => {
        count('closed');
        if (going) {
          setTimeout(open, 10);
        }
      });
    };
    // Evenly over the time after which the server closes them, and so for ever.
    for (let i = 0; i < connections; i += 1) {
      setTimeout(open, (i * CONNECT_TIMEOUT_MS) / connections);
    }
    process.send('ready');
    while (going) {
      await sleep(50);
    }
  },
};

/** Those that say by themselves when they have begun. */
const SAY_READY = ['photos', 'flood', 'slow', 'strangers'];

process.on('message', (message) => {
  if (message === 'end') {
    going = false;
    process.send({ counts });
    setTimeout(() => process.exit(), 100);
    return;
  }
  STORMS[message.storm](message).catch((error) => process.send({ error: error.message }));
  if (!SAY_READY.includes(message.storm)) {
    process.send('ready');
  }
});
