import {
  Body,
  Controller,
  Delete,
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
import { ApiBody, ApiConsumes, ApiOkResponse, ApiOperation, ApiParam, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { imageAnswer, noImageKept } from '../../../attachments/image-answer';
import { type Upload, Uploaded, UploadInterceptor } from '../../../attachments/upload.interceptor';
import { Public } from '../../../common/http/access.decorators';
import { ApiErrors } from '../../../common/http/api-errors';
import { MediaRateLimit } from '../../../common/http/rate-limits';
import { AppConfig } from '../../../config/app-config';
import { clientAddress } from '../../../realtime/client-address';
import { GHOST_TTL_S } from '../../engine/room-policy';
import { GhostImageDeletedDto, GhostUploadedDto } from './dto/ghost-answers.dto';
import { GhostUploadDto, MAX_GHOST_IMAGE } from './dto/ghost-requests.dto';
import { imageIdOf, imagePath } from './ghost-image-names';
import { GhostImagesService } from './ghost-images.service';
import { GhostUploadGuard } from './ghost-upload.guard';

const IMAGE_ID = 'msg_4f1d_1893456000000_k5f2c1a9be07d4c3388a1f0e2';

/** Pictures of anonymous rooms: whoever knows the name of one may load it, and delete it. */
@ApiTags('Anonymous rooms')
@Public()
@Controller('api')
export class GhostImagesController {
  constructor(
    private readonly images: GhostImagesService,
    private readonly config: AppConfig,
  ) {}

  @Post('upload-image')
  @UseGuards(GhostUploadGuard)
  @UseInterceptors(UploadInterceptor('image', () => MAX_GHOST_IMAGE))
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    summary: 'Uploads a picture, to be shown by `send-image`',
    description:
      'JPEG, PNG, GIF or WebP, as its bytes say. It is made anew in its own format, without metadata, 4096 pixels a ' +
      'side at most.',
  })
  @ApiConsumes('multipart/form-data')
  @ApiBody({ type: GhostUploadDto })
  @ApiOkResponse({ type: GhostUploadedDto })
  @ApiErrors('ValidationError', 'PayloadTooLargeError', 'UnsupportedMediaTypeError', 'CapacityError')
  async upload(
    @Uploaded() upload: Upload,
    @Body() { messageId, ttl = GHOST_TTL_S }: GhostUploadDto,
    @Req() request: Request,
  ): Promise<GhostUploadedDto> {
    const ip = clientAddress(request, this.config.env.TRUST_PROXY);
    const { filename, size, mimeType } = await this.images.upload(ip, upload, { messageId, ttl });
    return { success: true, imageId: imageIdOf(filename), filename, imageUrl: imagePath(filename), size, mimeType };
  }

  @Get('image/:filename')
  @MediaRateLimit()
  @ApiOperation({ summary: 'The bytes of a picture', description: 'Its name is the key.' })
  @ApiParam({ name: 'filename', example: `${IMAGE_ID}.png` })
  @ApiProduces('image/jpeg', 'image/png', 'image/gif', 'image/webp')
  @ApiOkResponse({ schema: { type: 'string', format: 'binary' } })
  @ApiErrors('NotFoundError')
  async load(
    @Param('filename') filename: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<StreamableFile> {
    noImageKept(response);
    const image = await this.images.open(filename);
    return imageAnswer(response, image, image.maxAge);
  }

  @Delete('image/:filename')
  @ApiOperation({ summary: 'Deletes a picture and its message, by whoever knows its id' })
  @ApiParam({ name: 'filename', example: IMAGE_ID, description: 'Its `imageId`; the filename does as well.' })
  @ApiOkResponse({ type: GhostImageDeletedDto })
  @ApiErrors('NotFoundError')
  async delete(@Param('filename') name: string): Promise<GhostImageDeletedDto> {
    return { success: true, imageId: await this.images.delete(name) };
  }
}
