/** What an image is to become. */
export interface ImageProfile {
  /** Box in pixels. */
  readonly width: number;
  readonly height: number;
  /** `inside`: fitted into the box, never enlarged. `cover`: exactly the box, what stands out is cut off. */
  readonly fit: 'inside' | 'cover';
  /** `own`: JPEG stays JPEG, PNG stays PNG, and so on. */
  readonly format: 'webp' | 'own';
  /** 1 to 100; without effect on PNG and GIF. */
  readonly quality: number;
  /** False: of an animation the first frame only. */
  readonly animated: boolean;
}

/** One image for the child process; paths of this node. */
export interface ImageJob {
  readonly input: string;
  /** Written only by a job that succeeds. */
  readonly output: string;
  readonly profile: ImageProfile;
}

export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'gif';

/** An image as it was stored. */
export interface EncodedImage {
  readonly format: ImageFormat;
  /** Pixels of a frame. */
  readonly width: number;
  readonly height: number;
  /** Bytes. */
  readonly size: number;
}

/** Why an image is not taken: a code of `AppError` and its sentence. */
export interface ImageRefusal {
  readonly code: 'ValidationError' | 'UnsupportedMediaTypeError' | 'PayloadTooLargeError';
  readonly message: string;
}

/** What the child process answers; `ready` once, before any job. */
export type WorkerAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly image: EncodedImage }
  | { readonly kind: 'refused'; readonly refusal: ImageRefusal }
  /** The fault is ours; `reason` is for the log. */
  | { readonly kind: 'failed'; readonly reason: string };
