import { ApiProperty } from '@nestjs/swagger';
import { serverEvent } from './server-event';

export class ErrorEventDto {
  @ApiProperty({ example: 'There is no such room' })
  message!: string;
  @ApiProperty({ example: 'NotFoundError' })
  code!: string;
  @ApiProperty({ example: 'message:send', description: 'The event of yours that failed.' })
  event!: string;
}

export const errorEvent = serverEvent('/', 'error', ErrorEventDto, 'An event of yours that carried no ack failed.');
