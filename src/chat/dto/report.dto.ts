import { ApiProperty } from '@nestjs/swagger';
import { MESSAGE_ID_EXAMPLE } from './message.dto';
import { GROUP_ID_EXAMPLE } from './room.dto';

export class ReportDto {
  @ApiProperty({ example: '1d8e5b7a90c24f6d83b1a2e7' })
  id!: string;
  @ApiProperty({ example: MESSAGE_ID_EXAMPLE })
  messageId!: string;
  @ApiProperty({ example: '9a7b3c21d4e5f60718293a4b' })
  reporterId!: string;
  @ApiProperty({ example: 'Insults' })
  reason!: string;
  @ApiProperty({ example: '2030-01-01T12:00:00.000Z' })
  createdAt!: string;
}

export class ReportAnswerDto {
  @ApiProperty({ example: true })
  success!: boolean;
  @ApiProperty({ type: ReportDto })
  report!: ReportDto;
}

export class ReportsDto {
  @ApiProperty({ type: [ReportDto], description: 'Newest first, at most 1000.' })
  reports!: ReportDto[];
}

export class MessageReportedDto {
  @ApiProperty({ example: GROUP_ID_EXAMPLE })
  roomId!: string;
  @ApiProperty({ type: ReportDto })
  report!: ReportDto;
}
