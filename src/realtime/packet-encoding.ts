import { type Packet, PacketType } from 'socket.io-parser';

const MESSAGE = 0x34;
const TEXT_FRAME = 0x81;
/** Payloads of so many bytes have their length in the header's second byte; of more, in two or eight bytes behind it. */
const [MAX_IN_BYTE, MAX_IN_TWO_BYTES] = [125, 0xffff];

/** An event or an ack as Socket.IO writes it, without looking for binary data in it: the server sends none. */
export function packetText({ type, nsp, id, data }: Packet): string {
  const namespace = nsp === '/' ? '' : `${nsp},`;
  return `${type}${namespace}${id ?? ''}${JSON.stringify(data)}`;
}

/** The same of an event with one payload; its name needs no escapes. */
export function eventText(namespace: string, name: string, payload: object): string {
  return `${PacketType.EVENT}${namespace === '/' ? '' : `${namespace},`}["${name}",${JSON.stringify(payload)}]`;
}

/** A WebSocket frame of a server, unmasked and final, of an Engine.IO message: one buffer. */
export function textFrame(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  const size = bytes + 1;
  const start = size <= MAX_IN_BYTE ? 2 : size <= MAX_IN_TWO_BYTES ? 4 : 10;
  const frame = Buffer.allocUnsafe(start + size);
  frame[0] = TEXT_FRAME;
  if (size <= MAX_IN_BYTE) {
    frame[1] = size;
  } else if (size <= MAX_IN_TWO_BYTES) {
    frame[1] = 126;
    frame.writeUInt16BE(size, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(size), 2);
  }
  frame[start] = MESSAGE;
  // A plain copy where there is nothing to encode.
  frame.write(text, start + 1, bytes === text.length ? 'latin1' : 'utf8');
  return frame;
}
