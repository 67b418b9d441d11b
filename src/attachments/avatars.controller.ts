import { Controller, Delete, HttpCode, HttpStatus, Put, UseGuards, UseInterceptors } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiConsumes,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { AccountOnly } from '../common/http/access.decorators';
import { ApiErrors } from '../common/http/api-errors';
import { CurrentUser } from '../common/http/current-user.decorator';
import type { Identity } from '../common/identity';
import { AvatarsService } from './avatars.service';
import { AvatarDto, ImageFormDto } from './dto/images.dto';
import { UploadRateGuard } from './upload-rate.guard';
import { type Upload, Uploaded, UploadInterceptor } from './upload.interceptor';

@ApiTags('Users')
@ApiBearerAuth()
@AccountOnly()
@Controller('api/users/me/avatar')
export class AvatarsController {
  constructor(private readonly avatars: AvatarsService) {}

  @Put()
  @UseGuards(UploadRateGuard)
  @UseInterceptors(UploadInterceptor('image', ({ env }) => env.MAX_IMAGE_SIZE))
  @ApiOperation({
    summary: 'Makes an image your avatar',
    description:
      'As an image for a message, but cut to a square of 256 pixels, of an animation the first frame. It stays until ' +
      'you replace or delete it, or your account goes.',
  })
  @ApiConsumes('multipart/form-data')
  @ApiBody({ type: ImageFormDto })
  @ApiOkResponse({ type: AvatarDto })
  @ApiErrors(
    'ValidationError',
    'AuthenticationError',
    'AuthorizationError',
    'PayloadTooLargeError',
    'UnsupportedMediaTypeError',
    'CapacityError',
  )
  async put(@CurrentUser() user: Identity, @Uploaded() upload: Upload): Promise<AvatarDto> {
    return { avatarUrl: await this.avatars.put(user, upload) };
  }

  @Delete()
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'Takes your avatar away' })
  @ApiNoContentResponse({ description: 'Gone, and its links with it.' })
  @ApiErrors('AuthenticationError', 'AuthorizationError')
  delete(@CurrentUser() user: Identity): Promise<void> {
    return this.avatars.delete(user);
  }
}
