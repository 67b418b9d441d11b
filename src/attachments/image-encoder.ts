import { stat, writeFile } from 'node:fs/promises';
import { fileTypeFromFile } from 'file-type';
import sharp, { type Metadata, type Sharp, type SharpOptions } from 'sharp';
import type { EncodedImage, ImageFormat, ImageJob, ImageProfile, ImageRefusal } from './image-job';

/** Beyond this, what is decoded row by row takes longer than a picture may: a phone's 48 megapixels pass. */
const MAX_PIXELS = 50_000_000;
/** Frames of an animation. */
const MAX_FRAMES = 500;
/**
 * Most memory that decoding may take, bytes, as far as the header tells. Measured: 3.1 bytes a pixel of a progressive
 * 4:2:0 JPEG, 6.1 of 4:4:4, 4.2 of a lossless WebP, next to nothing of what is read row by row; and 95 MB of the process
 * itself after some work. So it keeps to 150 MB, and a phone's 12 megapixels pass.
 */
const MAX_DECODED_BYTES = 50 * 1024 * 1024;

/** How hard libwebp tries, 0 to 6: animations have many frames, and three seconds. */
const STILL_EFFORT = 4;
const ANIMATION_EFFORT = 0;

/** What the bytes may be, by the media types of file-type. An animated PNG becomes its first frame. */
const MEDIA_TYPES: ReadonlyMap<string, ImageFormat> = new Map([
  ['image/jpeg', 'jpeg'],
  ['image/png', 'png'],
  ['image/apng', 'png'],
  ['image/webp', 'webp'],
  ['image/gif', 'gif'],
]);

/** Every decoder but those of the four formats is switched off, whatever the bytes claim to be. */
const DECODERS = ['JpegFile', 'PngFile', 'WebpFile', 'NsgifFile'];

/** Why an image is not taken. */
export class RefusedImage extends Error {
  constructor(readonly refusal: ImageRefusal) {
    super(refusal.message);
  }
}

/** To be called once, before the first image: one thread, no cache, no decoder that is not needed. */
export function limitSharp(): void {
  sharp.concurrency(1);
  sharp.cache(false);
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({ operation: DECODERS.map((name) => `VipsForeignLoad${name}`) });
}

/**
 * Makes the image anew: only its pixels survive. What it is, is decided by its bytes; size and frames are bounded from
 * its header, before anything is decoded. @throws RefusedImage
 */
export async function encodeImage({ input, output, profile }: ImageJob): Promise<EncodedImage> {
  const format = await formatOf(input);
  const options: SharpOptions = { limitInputPixels: MAX_PIXELS, sequentialRead: true, failOn: 'error' };
  const header = await readable(sharp(input, options).metadata());
  if (header.format !== format) {
    throw refused('UnsupportedMediaTypeError', 'The file is not what it seems to be');
  }
  const animated = profile.animated && (header.pages ?? 1) > 1;
  checkBounds(header, animated);
  const source = sharp(input, { ...options, animated });
  const image = encoderOf(fit(source, profile, animated), format, profile, animated);
  const { data, info } = await readable(image.toBuffer({ resolveWithObject: true }));
  await writeFile(output, data);
  const { width, height, pageHeight = height, size } = info;
  return { format: profile.format === 'own' ? format : 'webp', width, height: pageHeight, size };
}

async function formatOf(path: string): Promise<ImageFormat> {
  if ((await stat(path)).size === 0) {
    throw refused('ValidationError', 'The file is empty');
  }
  const type = await fileTypeFromFile(path);
  const format = type && MEDIA_TYPES.get(type.mime);
  if (!format) {
    throw refused('UnsupportedMediaTypeError', 'Only JPEG, PNG, WebP and GIF images are taken');
  }
  return format;
}

function checkBounds(header: Metadata, animated: boolean): void {
  const frames = header.pages ?? 1;
  if (frames > MAX_FRAMES) {
    throw refused('PayloadTooLargeError', `The animation has more than ${MAX_FRAMES} frames`);
  }
  const pixels = header.width * header.height;
  if (pixels * (animated ? frames : 1) > MAX_PIXELS || pixels * bytesPerPixel(header) > MAX_DECODED_BYTES) {
    throw refused('PayloadTooLargeError', 'The image has too many pixels');
  }
}

/** Memory a pixel of what has to be decoded as a whole; 0 for what is decoded row by row. */
function bytesPerPixel({ format, isProgressive, chromaSubsampling, channels, depth, ...header }: Metadata): number {
  const { orientation = 1, pages = 1 } = header;
  if (format === 'jpeg') {
    // Coefficients of two bytes.
    return isProgressive ? 2 * (chromaSubsampling === '4:2:0' ? 1.5 : channels) : 0;
  }
  if (format === 'png') {
    // Turned pictures are read from the bottom or the side.
    return isProgressive || orientation > 1 ? channels * (depth === 'ushort' ? 2 : 1) : 0;
  }
  // RGBA; of an animation also the frame before.
  return pages > 1 || format === 'gif' ? 8 : 4;
}

function fit(source: Sharp, { width, height, fit: how }: ImageProfile, animated: boolean): Sharp {
  // sharp cannot turn animations.
  const upright = animated ? source : source.autoOrient();
  return upright.resize({ width, height, fit: how, withoutEnlargement: how === 'inside' });
}

function encoderOf(
  image: Sharp,
  format: ImageFormat,
  { format: wanted, quality }: ImageProfile,
  animated: boolean,
): Sharp {
  switch (wanted === 'own' ? format : wanted) {
    case 'jpeg':
      return image.jpeg({ quality });
    case 'png':
      return image.png();
    case 'gif':
      return image.gif();
    case 'webp':
      return image.webp({ quality, effort: animated ? ANIMATION_EFFORT : STILL_EFFORT });
  }
}

/** libvips speaks of what is wrong with the bytes, in words that are not for clients. */
async function readable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Error && error.message.includes('pixel limit')) {
      throw refused('PayloadTooLargeError', 'The image has too many pixels');
    }
    throw refused('ValidationError', 'The image is damaged');
  }
}

function refused(code: ImageRefusal['code'], message: string): RefusedImage {
  return new RefusedImage({ code, message });
}
