// The baseline: what Socket.IO costs by itself. A relay with the JWT check, a room and an ack; it checks no payload
// and keeps nothing. It must stay stock: no option that a plain `new Server(http)` does not have.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import jwt from 'jsonwebtoken';
import { Server } from 'socket.io';

const { JWT_SECRET, JWT_ISSUER, JWT_AUDIENCE, PORT, RELAY_SHAPE } = process.env;
const checks = { algorithms: ['HS256'], issuer: JWT_ISSUER, audience: JWT_AUDIENCE };

const http = createServer((_request, response) => response.end('stock relay'));
const io = new Server(http);

io.use((socket, next) => {
  try {
    socket.data.user = jwt.verify(socket.handshake.auth.token, JWT_SECRET, checks);
    next();
  } catch {
    next(new Error('Invalid or expired token'));
  }
});

let seq = 0;

// `plain` hands on what it was sent; `contract` makes a message and an ack as large as Mayfly's.
const relay = {
  plain: (socket, message, ack) => {
    socket.to(message.roomId).emit('message:new', message);
    ack({ success: true });
  },
  contract: (socket, { roomId, content }, ack) => {
    const [id, now] = [randomUUID(), Date.now()];
    const timestamp = new Date(now).toISOString();
    const expiresAt = new Date(now + 3_600_000).toISOString();
    seq += 1;
    socket.to(roomId).emit('message:new', {
      ...{ id, roomId, seq, senderId: socket.data.user.sub, senderUsername: socket.data.user.sub, type: 'text' },
      ...{ content, status: 'sent', createdAt: timestamp, expiresAt },
    });
    ack({ success: true, messageId: id, timestamp, seq, expiresAt, serverTime: timestamp });
  },
}[RELAY_SHAPE ?? 'plain'];

io.on('connection', (socket) => {
  socket.on('room:join', ({ roomId }, ack) => {
    socket.join(roomId);
    ack({ success: true });
  });
  socket.on('message:send', (message, ack) => relay(socket, message, ack));
});

http.listen(Number(PORT), '127.0.0.1');
