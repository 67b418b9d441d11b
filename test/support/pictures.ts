import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';

/** A string that is in the metadata of `photoWithSecrets`, beside its place. */
export const NEEDLE = 'needle-in-the-metadata';

/** A picture with some detail: red on the left, blue on the right. */
export function picture(width: number, height: number): Sharp {
  const half = { width: Math.ceil(width / 2), height, channels: 3 as const, background: 'blue' };
  return sharp({ create: { width, height, channels: 3, background: 'red' } }).composite([
    { input: { create: half }, left: Math.floor(width / 2), top: 0 },
  ]);
}

/** A JPEG as a phone makes it: lying on its side, with the place, a comment and a thumbnail of facts about its owner. */
export function photoWithSecrets(width: number, height: number): Promise<Buffer> {
  return picture(width, height)
    .withMetadata({ orientation: 6 })
    .withExifMerge({
      IFD0: { Copyright: NEEDLE, Make: NEEDLE },
      IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1', GPSLongitudeRef: 'W', GPSLongitude: '0/1 7/1 0/1' },
    })
    .withXmp(`<x:xmpmeta xmlns:x="adobe:ns:meta/">${NEEDLE}</x:xmpmeta>`)
    .jpeg()
    .toBuffer();
}

/** An animation, each frame of another colour. */
export async function animation(
  format: 'gif' | 'webp',
  width: number,
  height: number,
  frames: number,
): Promise<Buffer> {
  const pixels = Buffer.alloc(width * height * 3 * frames);
  for (let frame = 0; frame < frames; frame++) {
    const from = frame * width * height * 3;
    pixels.fill(Buffer.from([(frame * 40) % 256, 128, 255 - ((frame * 40) % 256)]), from, from + width * height * 3);
  }
  const raw = { width, height: height * frames, channels: 3 as const, pageHeight: height };
  return sharp(pixels, { raw })
    [format]({ delay: frames > 1 ? new Array<number>(frames).fill(100) : 100 })
    .toBuffer();
}

/** A PNG of so many black pixels, of 1 bit each: few bytes, whatever its size. */
export function blackPng(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const pixels = deflateSync(Buffer.alloc((Math.ceil(width / 8) + 1) * height));
  const parts = [pngChunk('IHDR', header), pngChunk('IDAT', pixels), pngChunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), ...parts]);
}

/** A GIF of so many frames of one pixel, 15 bytes each. */
export function endlessGif(frames: number): Buffer {
  const head = Buffer.from([0x01, 0x00, 0x01, 0x00, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff]);
  const frame = Buffer.from([0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0x02, 0x02, 0x44, 0x01, 0x00]);
  return Buffer.concat([Buffer.from('GIF89a'), head, ...new Array<Buffer>(frames).fill(frame), Buffer.from([0x3b])]);
}

/** What a picture is made of, when all that is left of it is its bytes. */
export async function look(bytes: Buffer) {
  const { format, width, height, pages, pageHeight, exif, xmp, icc, iptc, orientation } = await sharp(bytes).metadata();
  return {
    format,
    width,
    height: pageHeight ?? height,
    pages,
    metadata: [exif, xmp, icc, iptc, orientation].filter(Boolean),
  };
}

/** The colour of one pixel. */
export async function colourAt(bytes: Buffer, left: number, top: number): Promise<number[]> {
  const pixel = await sharp(bytes).extract({ left, top, width: 1, height: 1 }).removeAlpha().raw().toBuffer();
  return [...pixel];
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}
