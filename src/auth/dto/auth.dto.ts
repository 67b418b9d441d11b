import { ApiProperty } from '@nestjs/swagger';
import { ValidateBy } from 'class-validator';
import { codePoints } from '../../common/text';
import { IsOpaque } from '../../common/validation/decorators';
import { IsEmailAddress, IsUsername, MAX_EMAIL_LENGTH } from '../../users/dto/fields';
import { OwnUserDto } from '../../users/dto/user.dto';
import { MAX_PASSWORD_BYTES } from '../password-hasher';

const MIN_PASSWORD_LENGTH = 8;
/** Of a password that is compared: longer than any that there is, so that those are just wrong. */
const MAX_GIVEN_PASSWORD = 1024;

/** A new password: opaque, not cleaned, and no longer than bcrypt reads. */
function IsNewPassword(): PropertyDecorator {
  return ValidateBy({
    name: 'newPassword',
    validator: {
      validate: (value: unknown): boolean =>
        typeof value === 'string' &&
        codePoints(value) >= MIN_PASSWORD_LENGTH &&
        Buffer.byteLength(value) <= MAX_PASSWORD_BYTES,
      defaultMessage: (args) =>
        `${args?.property} must have at least ${MIN_PASSWORD_LENGTH} characters and at most ${MAX_PASSWORD_BYTES} bytes`,
    },
  });
}

export class RegisterDto {
  @ApiProperty({ minLength: 3, maxLength: 30, pattern: '^[A-Za-z0-9_.-]+$', example: 'carol' })
  @IsUsername()
  username: string;

  @ApiProperty({ format: 'email', maxLength: MAX_EMAIL_LENGTH, example: 'carol@example.com' })
  @IsEmailAddress()
  email: string;

  @ApiProperty({ minLength: MIN_PASSWORD_LENGTH, example: 'a long password', description: 'At most 72 bytes.' })
  @IsNewPassword()
  password: string;
}

export class LoginDto {
  @ApiProperty({ format: 'email', maxLength: MAX_EMAIL_LENGTH, example: 'alice@example.com' })
  @IsEmailAddress()
  email: string;

  @ApiProperty({ example: 'password123' })
  @IsOpaque(MAX_GIVEN_PASSWORD, 1)
  password: string;
}

export class ChangePasswordDto {
  @ApiProperty({ example: 'password123' })
  @IsOpaque(MAX_GIVEN_PASSWORD, 1)
  currentPassword: string;

  @ApiProperty({ minLength: MIN_PASSWORD_LENGTH, example: 'a better password', description: 'At most 72 bytes.' })
  @IsNewPassword()
  newPassword: string;
}

const TOKEN = { example: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI1ZjNjIn0.3q2-7w', description: 'A JWT.' };

class SessionDataDto {
  @ApiProperty(TOKEN)
  token: string;

  @ApiProperty({ type: OwnUserDto })
  user: OwnUserDto;
}

/** Token and user twice: two families of clients read one each. */
export class SessionDto {
  @ApiProperty({ example: true })
  success: true;

  @ApiProperty({ example: 'Signed in' })
  message: string;

  @ApiProperty(TOKEN)
  token: string;

  @ApiProperty({ type: OwnUserDto })
  user: OwnUserDto;

  @ApiProperty({ type: SessionDataDto })
  data: SessionDataDto;
}

class RefreshedDataDto {
  @ApiProperty(TOKEN)
  token: string;
}

export class RefreshedDto {
  @ApiProperty({ example: true })
  success: true;

  @ApiProperty(TOKEN)
  token: string;

  @ApiProperty({ type: RefreshedDataDto })
  data: RefreshedDataDto;
}
