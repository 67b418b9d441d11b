import {
  Controller,
  Get,
  HttpCode,
  HttpStatus,
  Logger,
  Param,
  Post,
  Req,
  Res,
  StreamableFile,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiConsumes,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProduces,
  ApiQuery,
  ApiTags,
} from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { isoTime } from '../common/clock';
import { AccountOnly, Public } from '../common/http/access.decorators';
import { ApiErrors } from '../common/http/api-errors';
import { CurrentUser } from '../common/http/current-user.decorator';
import { MediaRateLimit } from '../common/http/rate-limits';
import type { Identity } from '../common/identity';
import { ImageFormDto, UploadedImageDto } from './dto/images.dto';
import { ImagesService } from './images.service';
import { UploadRateGuard } from './upload-rate.guard';
import { type Upload, Uploaded, UploadInterceptor } from './upload.interceptor';

/** What a browser may do with an image: show it, on any page, and keep nothing. */
const IMAGE_HEADERS = {
  'Cache-Control': 'private, no-store',
  'Content-Security-Policy': "default-src 'none'",
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'X-Content-Type-Options': 'nosniff',
};
/** A client that takes nothing for so long is not waited for: it holds an open file. */
const STALLED_MS = 30_000;
/** How a client goes away in the middle of an answer. */
const GONE: readonly (string | undefined)[] = ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'];
const BEARER = /^Bearer ([^ ]+)$/i;

@ApiTags('Images')
@Controller('api/images')
export class ImagesController {
  private readonly logger = new Logger(ImagesController.name);

  constructor(private readonly images: ImagesService) {}

  @Post('upload')
  @AccountOnly()
  @UseGuards(UploadRateGuard)
  @UseInterceptors(UploadInterceptor('image', ({ env }) => env.MAX_IMAGE_SIZE))
  @HttpCode(HttpStatus.OK)
  @ApiBearerAuth()
  @ApiOperation({
    summary: 'Uploads an image for a message',
    description:
      'JPEG, PNG, WebP or GIF, as its bytes say. It is turned upright, fitted into the largest size, and becomes a WebP ' +
      'image without metadata; animations stay animated. Put `imageUrl` into a message before `expiresAt`.',
  })
  @ApiConsumes('multipart/form-data')
  @ApiBody({ type: ImageFormDto })
  @ApiOkResponse({ type: UploadedImageDto })
  @ApiErrors(
    'ValidationError',
    'AuthenticationError',
    'AuthorizationError',
    'PayloadTooLargeError',
    'UnsupportedMediaTypeError',
    'CapacityError',
  )
  async upload(@CurrentUser() user: Identity, @Uploaded() upload: Upload): Promise<UploadedImageDto> {
    const { image, url } = await this.images.upload(user, upload);
    return {
      success: true,
      message: 'Image uploaded',
      imageUrl: url,
      filename: image.filename,
      width: image.width,
      height: image.height,
      size: image.size,
      mimeType: image.mimeType,
      expiresAt: isoTime(image.unusedUntil),
    };
  }

  @Get(':filename')
  @Public()
  @MediaRateLimit()
  @ApiOperation({
    summary: 'The bytes of an image',
    description:
      'For whoever has a signed link (an `imageUrl`, as it came); or with a Bearer token, for its uploader and for those ' +
      'to whom a live message shows it now.',
  })
  @ApiParam({ name: 'filename', example: '5f3c9a1be07d42c68a90b1f2.webp' })
  @ApiQuery({ name: 'exp', required: false, description: 'Of the link.' })
  @ApiQuery({ name: 'sig', required: false, description: 'Of the link.' })
  @ApiQuery({ name: 'token', required: false, deprecated: true, description: 'A Bearer token, for old clients.' })
  @ApiProduces('image/webp')
  @ApiOkResponse({ schema: { type: 'string', format: 'binary' } })
  @ApiErrors('NotFoundError')
  async load(
    @Param('filename') filename: string,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<StreamableFile> {
    response.set(IMAGE_HEADERS);
    const { exp, sig, token } = request.query;
    const [, bearer] = BEARER.exec(request.headers.authorization ?? '') ?? [];
    const fromAddress = typeof token === 'string' ? token : undefined;
    const image = await this.images.open(filename, { exp, sig, token: bearer ?? fromAddress });
    response.setTimeout(STALLED_MS, () => response.destroy());
    return this.stream(image);
  }

  private stream({ stream, size, mimeType }: Awaited<ReturnType<ImagesService['open']>>): StreamableFile {
    // Its own would write the name of the file into the log, and every client that goes away.
    return new StreamableFile(stream, { type: mimeType, length: size }).setErrorLogger((error) => {
      const { code } = error as NodeJS.ErrnoException;
      if (!GONE.includes(code)) {
        this.logger.error({ reason: code ?? 'unknown' }, 'An image could not be read');
      }
    });
  }
}
