import * as parser from 'socket.io-parser';

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

/** Socket.IO's own parser, bounded. */
export const boundedParser = { ...parser, Decoder: BoundedDecoder };
