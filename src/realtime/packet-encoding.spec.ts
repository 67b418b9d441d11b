import * as fc from 'fast-check';
import { Encoder, type Packet, PacketType } from 'socket.io-parser';
import { eventText, packetText, textFrame } from './packet-encoding';

const namespaces = fc.constantFrom('/', '/ghost', '/rooms');
const stock = (packet: Packet): unknown => new Encoder().encode(packet)[0];

describe('the text of a packet', () => {
  it('is what Socket.IO itself would write', () => {
    const ids = fc.option(fc.nat(), { nil: undefined });
    const types = fc.constantFrom(PacketType.EVENT, PacketType.ACK);
    fc.assert(
      fc.property(types, namespaces, ids, fc.array(fc.jsonValue(), { minLength: 1 }), (type, nsp, id, data) => {
        const packet = { type, nsp, id, data };
        expect(packetText(packet)).toBe(stock(packet));
      }),
    );
  });

  it('of an event is what Socket.IO itself would write', () => {
    fc.assert(
      fc.property(namespaces, fc.dictionary(fc.string(), fc.jsonValue()), (nsp, payload) => {
        const packet = { type: PacketType.EVENT, nsp, data: ['message:new', payload] };
        expect(eventText(nsp, 'message:new', payload)).toBe(stock(packet));
      }),
    );
  });
});

describe('a frame', () => {
  /** RFC 6455, 5.2: what a client reads of an unmasked frame. */
  const read = (frame: Buffer): string => {
    const [first, length = 0] = frame;
    expect(first).toBe(0x81);
    const start = length < 126 ? 2 : length === 126 ? 4 : 10;
    const size = length < 126 ? length : length === 126 ? frame.readUInt16BE(2) : Number(frame.readBigUInt64BE(2));
    expect(frame.length).toBe(start + size);
    return frame.toString('utf8', start);
  };

  it.each([0, 1, 123, 124, 125, 126, 65_533, 65_534, 65_535, 65_536, 200_000])('of %d letters is read back', (n) => {
    expect(read(textFrame('a'.repeat(n)))).toBe(`4${'a'.repeat(n)}`);
    expect(read(textFrame('é'.repeat(n)))).toBe(`4${'é'.repeat(n)}`);
  });

  it('of any text is read back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
        expect(read(textFrame(text))).toBe(`4${text}`);
      }),
    );
  });
});
