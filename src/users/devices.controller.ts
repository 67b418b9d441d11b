import { Body, Controller, Get, Headers, HttpCode, HttpStatus, Ip, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors } from '../common/http/api-errors';
import { CurrentUser } from '../common/http/current-user.decorator';
import type { Identity } from '../common/identity';
import { DevicesService } from './devices.service';
import { DevicesDto, SaveDeviceDto, SavedDeviceDto, toDevice } from './dto/devices.dto';
import { ProfilesService } from './profiles.service';

@ApiTags('Users')
@ApiBearerAuth()
@Controller('api/users')
export class DevicesController {
  constructor(
    private readonly devices: DevicesService,
    private readonly profiles: ProfilesService,
  ) {}

  @Post('device')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    summary: 'Says which device you are on',
    description:
      'A device that is known is updated; without `deviceId` one is made. Of more than 20 the one goes that was seen ' +
      'longest ago. Nobody else is ever told.',
  })
  @ApiOkResponse({ type: SavedDeviceDto })
  @ApiErrors('ValidationError', 'AuthenticationError')
  async save(
    @CurrentUser() { userId }: Identity,
    @Body() { deviceId, location }: SaveDeviceDto,
    @Ip() ip: string,
    @Headers('user-agent') userAgent: string | undefined,
  ): Promise<SavedDeviceDto> {
    const saved = toDevice(await this.devices.save(userId, { deviceId, ip, userAgent, location }));
    const { deviceId: id, location: place, lastSeen } = saved;
    const user = { ...(await this.profiles.getOwn(userId)), deviceId: id, ip: saved.ip, location: place, lastSeen };
    return { success: true, message: 'Device saved', data: { user } };
  }

  @Get('me/devices')
  @ApiOperation({ summary: 'Your devices, the last seen first' })
  @ApiOkResponse({ type: DevicesDto })
  @ApiErrors('AuthenticationError')
  async list(@CurrentUser() { userId }: Identity): Promise<DevicesDto> {
    return { devices: (await this.devices.list(userId)).map(toDevice) };
  }
}
