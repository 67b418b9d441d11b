import { ApiProperty } from '@nestjs/swagger';
import { serverEvent } from '../realtime/server-event';
import { PublicUserDto } from '../users/dto/user.dto';
import { MessageReportedDto } from './dto/report.dto';
import { GROUP_ID_EXAMPLE, RoomDto } from './dto/room.dto';

export class RoomInvitedDto {
  @ApiProperty({ type: RoomDto })
  room!: RoomDto;
  @ApiProperty({ type: PublicUserDto })
  from!: PublicUserDto;
}

export class ExpelledDto {
  @ApiProperty({ example: GROUP_ID_EXAMPLE })
  roomId!: string;
  @ApiProperty({
    example: 'kicked',
    description: '`kicked`; after a ban its reason, or `banned`. In `/rooms` also why a room is gone for all.',
  })
  reason!: string;
}

export class RoomActivityDto {
  @ApiProperty({ example: GROUP_ID_EXAMPLE })
  roomId!: string;
  @ApiProperty({ example: 7 })
  lastSeq!: number;
  @ApiProperty({ example: 3, description: 'Live messages of others that you have not seen.' })
  unreadCount!: number;
}

const NATIVE = '/';

/** What the server sends in `/` to one user about rooms that they need not have joined. */
export const MembershipEvents = {
  invited: serverEvent(NATIVE, 'room:invited', RoomInvitedDto, 'Somebody invited you into a room.'),
  activity: serverEvent(
    NATIVE,
    'room:activity',
    RoomActivityDto,
    'Something was written in a room that this socket has not joined; at most once a second a room.',
  ),
  reported: serverEvent(
    NATIVE,
    'message:reported',
    MessageReportedDto,
    'Somebody reported a message in a room that you moderate.',
  ),
  kicked: serverEvent(NATIVE, 'room:kicked', ExpelledDto, 'You are a member of the room no more: forget it.'),
};
