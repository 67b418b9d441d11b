import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsObject, IsOptional, ValidateNested } from 'class-validator';
import { isoTime } from '../../common/clock';
import { IsOpaque } from '../../common/validation/decorators';
import type { Device } from '../user-store';
import { LocationDto } from './location.dto';
import { OwnUserDto } from './user.dto';

const MAX_DEVICE_ID = 64;
const DEVICE_ID = { example: '0f9a8b7c6d5e4f3a2b1c0d9e' };
const IP = { example: '203.0.113.7' };
const LOCATION = { type: LocationDto, nullable: true, description: 'As it was told last; null: never.' };
const LAST_SEEN = { example: '2030-01-01T12:00:00.000Z', description: 'When the device said that it is there.' };

export class SaveDeviceDto {
  @ApiPropertyOptional({ ...DEVICE_ID, maxLength: MAX_DEVICE_ID, description: 'Without: a new device.' })
  @IsOptional()
  @IsOpaque(MAX_DEVICE_ID, 1)
  deviceId?: string;

  @ApiPropertyOptional({ type: LocationDto, description: 'Without: as it was.' })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => LocationDto)
  location?: LocationDto;
}

export class DeviceDto {
  @ApiProperty(DEVICE_ID)
  deviceId: string;

  @ApiProperty(IP)
  ip: string;

  @ApiProperty({ example: 'Mozilla/5.0 (X11; Linux x86_64)', description: 'What the client calls itself.' })
  userAgent: string;

  @ApiProperty(LOCATION)
  location: LocationDto | null;

  @ApiProperty(LAST_SEEN)
  lastSeen: string;
}

export class DevicesDto {
  @ApiProperty({ type: [DeviceDto], description: 'At most 20.' })
  devices: DeviceDto[];
}

/** Oneself, on a device. */
export class UserOnDeviceDto extends OwnUserDto {
  @ApiProperty(DEVICE_ID)
  deviceId: string;

  @ApiProperty(IP)
  ip: string;

  @ApiProperty(LOCATION)
  location: LocationDto | null;
}

class SavedDeviceDataDto {
  @ApiProperty({ type: UserOnDeviceDto })
  user: UserOnDeviceDto;
}

export class SavedDeviceDto {
  @ApiProperty({ example: true })
  success: true;

  @ApiProperty({ example: 'Device saved' })
  message: string;

  @ApiProperty({ type: SavedDeviceDataDto })
  data: SavedDeviceDataDto;
}

export function toDevice({ deviceId, ip, userAgent, location, lastSeen }: Device): DeviceDto {
  return { deviceId, ip, userAgent, location: location ? { ...location } : null, lastSeen: isoTime(lastSeen) };
}
