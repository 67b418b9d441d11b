import { Injectable } from '@nestjs/common';
import { LinkSigner } from '../attachments/link-signer';
import { avatarHolder } from './avatar';
import { type OwnUserDto, type PublicUserDto, toOwnUser, toPublicUser } from './dto/user.dto';
import type { UpdateUserDto, UserStatisticsDto } from './dto/users.dto';
import { PresenceReader } from './presence-reader';
import type { UserRecord } from './user-store';
import { UsersService } from './users.service';

/** People in a list of who is online; the count that comes with it is of all. */
const MAX_ONLINE = 200;

/** Users as they are shown: the record, and whether they are online. */
@Injectable()
export class ProfilesService {
  constructor(
    private readonly users: UsersService,
    private readonly presence: PresenceReader,
    private readonly links: LinkSigner,
  ) {}

  /** What others are told of a user. @throws AppError NotFoundError */
  async getPublic(userId: string): Promise<PublicUserDto> {
    const user = await this.users.get(userId);
    const [online = false] = await this.presence.isOnline([user.id]);
    return this.shown(user, online);
  }

  /** What others are told of these users. */
  async toPublic(users: readonly UserRecord[]): Promise<PublicUserDto[]> {
    const online = await this.presence.isOnline(users.map(({ id }) => id));
    return users.map((user, i) => this.shown(user, online[i] ?? false));
  }

  /** What a user is told of themselves. @throws AppError NotFoundError */
  async getOwn(userId: string): Promise<OwnUserDto> {
    return this.toOwn(await this.users.get(userId));
  }

  /** What the user is told of themselves. */
  async toOwn(user: UserRecord): Promise<OwnUserDto> {
    const [online = false] = await this.presence.isOnline([user.id]);
    return toOwnUser(user, { isOnline: online, avatarUrl: this.avatarUrl(user) });
  }

  /** Changes a profile; empty text takes a field away. @throws AppError NotFoundError, ConflictError */
  async update(userId: string, { username, displayName, bio, status }: UpdateUserDto): Promise<OwnUserDto> {
    const changes = { username, displayName: orNull(displayName), bio: orNull(bio), status: orNull(status) };
    return this.toOwn(await this.users.update(userId, changes));
  }

  /** At most 200 of those who are online, and how many there are. */
  async listOnline(): Promise<{ users: PublicUserDto[]; count: number }> {
    const [ids, count] = await Promise.all([this.presence.onlineUserIds(MAX_ONLINE), this.presence.onlineCount()]);
    const users = await this.users.findMany(ids);
    return { users: users.map((user) => this.shown(user, true)), count };
  }

  async getStatistics(): Promise<UserStatisticsDto> {
    const [accounts, guests, onlineUsers, connectedUsers] = await Promise.all([
      this.users.count('account'),
      this.users.count('guest'),
      this.presence.onlineCount(),
      this.presence.connectedSockets(),
    ]);
    return { totalUsers: accounts + guests, onlineUsers, availableUsers: onlineUsers, connectedUsers };
  }

  /** A link to the user's avatar, signed anew; undefined without one. */
  avatarUrl({ id, avatar }: Pick<UserRecord, 'id' | 'avatar'>): string | undefined {
    return avatar === undefined ? undefined : this.links.sign(avatar, { for: avatarHolder(id), until: null });
  }

  private shown(user: UserRecord, isOnline: boolean): PublicUserDto {
    return toPublicUser(user, { isOnline, avatarUrl: this.avatarUrl(user) });
  }
}

function orNull(text: string | undefined): string | null | undefined {
  return text === '' ? null : text;
}
