import * as parser from 'socket.io-parser';
import { packetText } from './packet-encoding';

/** The name of an event and its arguments; what comes behind them is dropped. No client of ours sends more than two. */
const MAX_PARTS = 16;

/**
 * socket.io spreads an event's arguments over the stack, in a tick of their own: a hundred thousand of them end the
 * process. The listener of the constructor is the first, so all others see the shortened packet.
 */
class BoundedDecoder extends parser.Decoder {
  constructor() {
    super();
    this.on('decoded', shorten);
  }
}

function shorten({ data }: parser.Packet): void {
  if (Array.isArray(data) && data.length > MAX_PARTS) {
    data.length = MAX_PARTS;
  }
}

/** Writes what the server sends, none of which is binary. */
class TextEncoder extends parser.Encoder {
  override encode(packet: parser.Packet): string[] {
    const isText = packet.type === parser.PacketType.EVENT || packet.type === parser.PacketType.ACK;
    return isText ? [packetText(packet)] : (super.encode(packet) as string[]);
  }
}

/** Socket.IO's own parser, bounded. */
export const boundedParser = { ...parser, Decoder: BoundedDecoder, Encoder: TextEncoder };
