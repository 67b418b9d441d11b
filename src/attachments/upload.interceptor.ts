import {
  type CallHandler,
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  mixin,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import type { Request, Response } from 'express';
import multer, { diskStorage, MulterError } from 'multer';
import { basename, dirname } from 'node:path';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { AppError } from '../common/app-error';
import { AppConfig } from '../config/app-config';
import { Scratch } from './scratch';

/** Bounds of what is in a form beside its file: fields that clients add are read and dropped. */
const FORM_LIMITS = { files: 1, fields: 20, parts: 22, fieldSize: 16_384, fieldNameSize: 100, fieldNestingDepth: 5 };
/**
 * How far beyond its limit a body is read, and dropped, so that the client gets to see the refusal; what is longer is
 * cut off.
 */
const MAX_DRAINED_BYTES = 16 * 1024 * 1024;

/** A file that was uploaded: on this node's disk until the request is answered. */
export interface Upload {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
}

interface UploadRequest extends Request {
  upload?: Upload;
}

/** The uploaded file of a route with `UploadInterceptor`. */
export const Uploaded = createParamDecorator((_data: unknown, context: ExecutionContext): Upload => {
  const { upload } = context.switchToHttp().getRequest<UploadRequest>();
  if (!upload) {
    throw new Error('@Uploaded() on a route without an UploadInterceptor');
  }
  return upload;
});

/**
 * Reads a form with one file in `field`, of at most so many bytes, onto the disk, where it stays until the request is
 * answered; of one that was broken off nothing stays. The name and type that the form gives are not looked at.
 */
export function UploadInterceptor(field: string, maxBytes: (config: AppConfig) => number): Type<NestInterceptor> {
  @Injectable()
  class MixinInterceptor implements NestInterceptor {
    private readonly maxBytes: number;
    private readonly parse: ReturnType<multer.Multer['single']>;

    constructor(
      config: AppConfig,
      private readonly scratch: Scratch,
    ) {
      this.maxBytes = maxBytes(config);
      this.parse = multer({
        storage: diskStorage({
          destination: (_request, _file, done) => done(null, dirname(scratch.newPath())),
          filename: (_request, _file, done) => done(null, basename(scratch.newPath())),
        }),
        limits: { ...FORM_LIMITS, fileSize: this.maxBytes },
        defParamCharset: 'utf8',
      }).single(field);
    }

    async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
      const request = context.switchToHttp().getRequest<UploadRequest>();
      const response = context.switchToHttp().getResponse<Response>();
      request.upload = await this.receive(request, response);
      const { path } = request.upload;
      return from(this.answer(next, path));
    }

    private async answer(next: CallHandler, path: string): Promise<unknown> {
      try {
        return await lastValueFrom(next.handle(), { defaultValue: undefined });
      } finally {
        await this.scratch.discard(path);
      }
    }

    private async receive(request: Request, response: Response): Promise<Upload> {
      this.refuseEndless(request, response);
      await new Promise<void>((resolve, reject) => {
        this.parse(request, response, (error: unknown) =>
          error === undefined || error === null ? resolve() : reject(refusalOf(error)),
        );
      });
      if (!request.is('multipart/form-data')) {
        throw new AppError('UnsupportedMediaTypeError', 'The body must be a form: multipart/form-data');
      }
      if (!request.file) {
        throw AppError.field(field, `${field} must be a file`);
      }
      return { path: request.file.path, size: request.file.size, signal: goneSignal(response) };
    }

    /** Where the length is told, at once; else when that much has come. */
    private refuseEndless(request: Request, response: Response): void {
      const most = this.maxBytes + MAX_DRAINED_BYTES;
      if (Number(request.headers['content-length'] ?? 0) > most) {
        response.setHeader('Connection', 'close');
        throw new AppError('PayloadTooLargeError', 'The file is too large');
      }
      let received = 0;
      request.on('data', (chunk: Buffer) => {
        received += chunk.length;
        if (received > most) {
          request.destroy();
        }
      });
    }
  }
  return mixin(MixinInterceptor);
}

/** Aborted when the connection closes before the response is finished. */
function goneSignal(response: Response): AbortSignal {
  const gone = new AbortController();
  const abort = (): void => gone.abort(new AppError('ValidationError', 'The upload was broken off'));
  response.once('close', () => {
    if (!response.writableFinished) {
      abort();
    }
  });
  if (response.destroyed) {
    abort();
  }
  return gone.signal;
}

/** What the parser throws that is neither a broken limit nor a fault of the disk: a form that breaks off or off rules. */
function refusalOf(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new AppError('CapacityError', 'The server has no room for more files, please try later');
  }
  if (error instanceof MulterError || code !== undefined) {
    return error;
  }
  return new AppError('ValidationError', 'The form could not be read: it is malformed or was broken off');
}
