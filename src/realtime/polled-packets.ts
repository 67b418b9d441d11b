import type { MayflySocket } from './socket-session';

type Connection = MayflySocket['conn'];

interface Packet {
  readonly type: string;
}

/** What is used here of Engine.IO's transport for long polling. */
interface Polling {
  readonly name: string;
  parser: { decodePayload(payload: string, binaryType?: string): Packet[] };
  onClose(): void;
}

/** Packets of a connection that may wait to be handed on: those of one body, or of several that came close together. */
const MAX_POLLED_PACKETS = 1000;
/** So many are handed on before others have their turn. */
const POLLED_AT_ONCE = 32;
/** Stands between the packets of a body. */
const SEPARATOR = '\u001e';

/**
 * Engine.IO decodes a body of long polling and hands all its packets on in one go: one of 24 MiB may have millions. Here
 * they are handed on some at a time, in order, and a connection that brings too many is closed before they are decoded.
 */
export function boundPolledPackets(connection: Connection): void {
  const polling = connection.transport as unknown as Polling;
  if (polling.name !== 'polling') {
    return;
  }
  const { parser } = polling;
  // Not by the transport, which an upgrade cuts off.
  const { onPacket } = connection as unknown as { onPacket(packet: Packet): void };
  const waiting: Packet[] = [];
  const handOn = (most: number): void => {
    for (const packet of waiting.splice(0, most)) {
      if (packet.type === 'close') {
        polling.onClose();
      } else {
        onPacket.call(connection, packet);
      }
    }
  };
  const takeTurn = (): void => {
    handOn(POLLED_AT_ONCE);
    if (waiting.length > 0) {
      setImmediate(takeTurn);
    }
  };
  polling.parser = {
    ...parser,
    decodePayload: (payload, binaryType) => {
      if (hasMorePackets(payload, MAX_POLLED_PACKETS - waiting.length)) {
        connection.close(true);
        return [];
      }
      const packets = parser.decodePayload(payload, binaryType);
      if (waiting.length === 0) {
        if (packets.length <= POLLED_AT_ONCE) {
          return packets;
        }
        setImmediate(takeTurn);
      }
      waiting.push(...packets);
      return [];
    },
  };
  // What comes by WebSocket after an upgrade comes behind it.
  connection.once('upgrade', () => handOn(Infinity));
}

function hasMorePackets(payload: string, most: number): boolean {
  let packets = 1;
  for (let at = payload.indexOf(SEPARATOR); at !== -1 && packets <= most; at = payload.indexOf(SEPARATOR, at + 1)) {
    packets++;
  }
  return packets > most;
}
