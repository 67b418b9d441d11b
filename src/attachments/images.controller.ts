import {
  Controller,
  Get,
  HttpCode,
  HttpStatus,
  Param,
  Post,
  Req,
  Res,
  type StreamableFile,
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
import { imageAnswer, noImageKept } from './image-answer';
import { ImageFormDto, UploadedImageDto } from './dto/images.dto';
import { ImagesService } from './images.service';
import { UploadRateGuard } from './upload-rate.guard';
import { type Upload, Uploaded, UploadInterceptor } from './upload.interceptor';

const BEARER = /^Bearer ([^ ]+)$/i;

@ApiTags('Images')
@Controller('api/images')
export class ImagesController {
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
    noImageKept(response);
    const { exp, sig, token } = request.query;
    const [, bearer] = BEARER.exec(request.headers.authorization ?? '') ?? [];
    const fromAddress = typeof token === 'string' ? token : undefined;
    return imageAnswer(response, await this.images.open(filename, { exp, sig, token: bearer ?? fromAddress }));
  }
}
