import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import { HistoryClient } from './client';
import { HistoryLog } from './log';

describe('a client of the history checker', () => {
  const http = createServer();
  const io = new Server(http);

  afterAll(() => io.close());

  it('knows that it is not connected where its node dies before it was let in', async () => {
    // Socket.IO tells a client of that neither that it connected nor that it could not.
    io.use((socket) => socket.conn.close(true));
    await once(http.listen(0), 'listening');
    const url = `http://localhost:${(http.address() as AddressInfo).port}`;
    const log = new HistoryLog();
    const client = new HistoryClient({ name: 'a', userId: 'alice', roomId: 'dm_a_b', isGroup: false }, 'token', log);
    expect(await client.connect({ index: 0, url }, ['websocket'])).toBe(false);
    expect([client.connected, log.entries]).toEqual([false, []]);
  });
});
