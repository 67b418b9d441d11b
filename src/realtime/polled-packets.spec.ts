import { EventEmitter } from 'node:events';
import { boundPolledPackets } from './polled-packets';
import type { MayflySocket } from './socket-session';

type Packet = { type: string; data?: string };

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const oneTo = (count: number, from = 1): string[] => Array.from({ length: count }, (_, i) => String(from + i));

/** What there is of an Engine.IO connection here: it takes packets, and has a transport that decodes bodies. */
class FakeConnection extends EventEmitter {
  readonly taken: string[] = [];
  isClosed = false;
  readonly transport = {
    name: 'polling',
    parser: { decodePayload: (body: string): Packet[] => body.split('\u001e').map(decoded) },
    onClose: () => (this.isClosed = true),
  };

  constructor(name = 'polling') {
    super();
    this.transport.name = name;
    boundPolledPackets(this as unknown as MayflySocket['conn']);
  }

  onPacket({ data = '' }: Packet): void {
    if (!this.isClosed) {
      this.taken.push(data);
    }
  }

  close(): void {
    this.isClosed = true;
  }

  /** As Engine.IO does with a body. */
  body(...packets: string[]): void {
    for (const packet of this.transport.parser.decodePayload(packets.join('\u001e'))) {
      this.onPacket(packet);
    }
  }
}

function decoded(data: string): Packet {
  return data === 'close' ? { type: 'close' } : { type: 'message', data };
}

describe('bodies of long polling', () => {
  let connection: FakeConnection;

  beforeEach(() => {
    connection = new FakeConnection();
  });

  it('that are small are handed on at once', () => {
    connection.body(...oneTo(32));
    expect(connection.taken).toEqual(oneTo(32));
  });

  it('that are not leave others a turn now and then, and keep their order', async () => {
    connection.body(...oneTo(100));
    expect(connection.taken).toEqual([]);
    await turn();
    expect(connection.taken).toEqual(oneTo(32));
    connection.body(...oneTo(3, 101));
    for (let turns = 0; turns < 3; turns++) {
      await turn();
    }
    expect(connection.taken).toEqual(oneTo(103));
    connection.body('104');
    expect(connection.taken).toEqual(oneTo(104));
  });

  it('come before what is sent by WebSocket after an upgrade', async () => {
    connection.body(...oneTo(100));
    await turn();
    connection.emit('upgrade');
    connection.onPacket({ type: 'message', data: '101' });
    expect(connection.taken).toEqual(oneTo(101));
  });

  it('end the connection where they say so, behind what came before', async () => {
    connection.body(...oneTo(40), 'close', '41');
    await turn();
    await turn();
    expect([connection.isClosed, connection.taken]).toEqual([true, oneTo(40)]);
  });

  it('with too many packets, or too many of them close together, end the connection', () => {
    connection.body(...oneTo(1000));
    expect(connection.isClosed).toBe(false);
    connection.body('1001');
    expect(connection.isClosed).toBe(true);
    const other = new FakeConnection();
    other.body(...oneTo(1001));
    expect([other.isClosed, other.taken]).toEqual([true, []]);
  });

  it('are no matter of WebSockets', () => {
    const socket = new FakeConnection('websocket');
    socket.body(...oneTo(2000));
    expect(socket.taken).toEqual(oneTo(2000));
  });
});
