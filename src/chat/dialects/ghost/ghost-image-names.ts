/** `k`: kept for its time; `b`: burns from its first download on. A part of the name, which nobody can make up. */
export type ImageFate = 'k' | 'b';

/** Extensions of the formats that are taken. */
export const EXTENSIONS = ['jpg', 'png', 'gif', 'webp'] as const;

const NAME = /^(msg_[A-Za-z0-9_-]{1,64}_\d{13,16}_([kb])[0-9a-f]{24})\.(?:jpg|png|gif|webp)$/;
const ID = /^msg_[A-Za-z0-9_-]{1,64}_\d{13,16}_[kb][0-9a-f]{24}$/;

/** `msg_<id>_<ms>_<random>.<ext>`: whoever knows it may load the picture, so `random` has 96 bits. */
export function imageName(id: string, at: number, fate: ImageFate, random: string, extension: string): string {
  return `msg_${id}_${at}_${fate}${random}.${extension}`;
}

/** The fate of a picture of this dialect; undefined for any other name. */
export function fateOf(filename: string): ImageFate | undefined {
  return NAME.exec(filename)?.[2] as ImageFate | undefined;
}

export function isImageId(id: string): boolean {
  return ID.test(id);
}

/** A picture's id is its name without the extension. */
export function imageIdOf(filename: string): string {
  return filename.slice(0, filename.lastIndexOf('.'));
}

export function imagePath(filename: string): string {
  return `/api/image/${filename}`;
}
