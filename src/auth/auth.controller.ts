import { Body, Controller, Get, HttpCode, HttpStatus, Ip, Post } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { AccountOnly, Public } from '../common/http/access.decorators';
import { ApiErrors } from '../common/http/api-errors';
import { CurrentUser } from '../common/http/current-user.decorator';
import { AuthRateLimit } from '../common/http/rate-limits';
import { MeDto, toMe } from '../users/dto/users.dto';
import { ProfilesService } from '../users/profiles.service';
import { AuthService, type Session } from './auth.service';
import { ChangePasswordDto, LoginDto, RefreshedDto, RegisterDto, SessionDto } from './dto/auth.dto';
import { type TokenIdentity, TokenService } from './token.service';

@ApiTags('Auth')
@Controller('api/auth')
export class AuthController {
  constructor(
    private readonly auth: AuthService,
    private readonly tokens: TokenService,
    private readonly profiles: ProfilesService,
  ) {}

  @Post('register')
  @Public()
  @AuthRateLimit()
  @ApiOperation({ summary: 'Makes an account' })
  @ApiCreatedResponse({ type: SessionDto })
  @ApiErrors('ValidationError', 'ConflictError', 'CapacityError')
  async register(@Body() account: RegisterDto): Promise<SessionDto> {
    return this.toSession('Welcome', await this.auth.register(account));
  }

  @Post('login')
  @Public()
  @AuthRateLimit()
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    summary: 'Signs in',
    description: 'Ten failures in 15 minutes lock an e-mail address for the address that they came from.',
  })
  @ApiOkResponse({ type: SessionDto })
  @ApiErrors('ValidationError', 'AuthenticationError', 'CapacityError')
  async login(@Body() credentials: LoginDto, @Ip() ip: string): Promise<SessionDto> {
    return this.toSession('Signed in', await this.auth.login(credentials, ip));
  }

  @Get('me')
  @ApiBearerAuth()
  @ApiOperation({ summary: 'Your own profile' })
  @ApiOkResponse({ type: MeDto })
  @ApiErrors('AuthenticationError')
  async getMe(@CurrentUser() { userId }: TokenIdentity): Promise<MeDto> {
    return toMe(await this.profiles.getOwn(userId));
  }

  @Post('refresh')
  @AccountOnly()
  @HttpCode(HttpStatus.OK)
  @ApiBearerAuth()
  @ApiOperation({ summary: 'Gives a new token for a good one', description: 'The old one ends a minute later.' })
  @ApiOkResponse({ type: RefreshedDto })
  @ApiErrors('AuthenticationError', 'AuthorizationError')
  async refresh(@CurrentUser() identity: TokenIdentity): Promise<RefreshedDto> {
    const token = await this.tokens.refresh(identity);
    return { success: true, token, data: { token } };
  }

  @Post('logout')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiBearerAuth()
  @ApiOperation({ summary: 'Revokes the token and closes its sockets' })
  @ApiNoContentResponse({ description: 'The token is good for nothing any more.' })
  @ApiErrors('AuthenticationError')
  logout(@CurrentUser() identity: TokenIdentity): Promise<void> {
    return this.tokens.revoke(identity);
  }

  @Post('password')
  @AccountOnly()
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiBearerAuth()
  @ApiOperation({ summary: 'Changes the password', description: 'Every other token of the account is revoked.' })
  @ApiNoContentResponse({ description: 'The new password is in force.' })
  @ApiErrors('ValidationError', 'AuthenticationError', 'AuthorizationError', 'CapacityError')
  changePassword(
    @CurrentUser() identity: TokenIdentity,
    @Body() passwords: ChangePasswordDto,
    @Ip() ip: string,
  ): Promise<void> {
    return this.auth.changePassword(identity, passwords, ip);
  }

  private async toSession(message: string, { token, user: record }: Session): Promise<SessionDto> {
    const user = await this.profiles.toOwn(record);
    return { success: true, message, token, user, data: { token, user } };
  }
}
