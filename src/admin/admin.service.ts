import { Injectable } from '@nestjs/common';
import { PasswordHasher } from '../auth/password-hasher';
import { TokenService } from '../auth/token.service';
import { RoomStatistics } from '../chat/room-statistics';
import { AppError } from '../common/app-error';
import { ExpiryService } from '../expiry/expiry.service';
import { Nodes } from '../nodes/nodes';
import { PresenceReader } from '../users/presence-reader';
import type { UserRecord } from '../users/user-store';
import { UsersService } from '../users/users.service';
import {
  type AccountDto,
  type AccountPageDto,
  type ChangeAccountDto,
  type CreateAccountDto,
  type OverviewDto,
  toAccount,
} from './dto/admin.dto';

/** Nobody is left out of the list. */
const NOBODY = '';

/** What operators may do with everybody's accounts. Who they are is decided before. */
@Injectable()
export class AdminService {
  constructor(
    private readonly users: UsersService,
    private readonly tokens: TokenService,
    private readonly hasher: PasswordHasher,
    private readonly presence: PresenceReader,
    private readonly rooms: RoomStatistics,
    private readonly expiry: ExpiryService,
    private readonly nodes: Nodes,
  ) {}

  /** A page of all accounts, oldest first. @throws AppError ValidationError for a made-up cursor */
  async list(limit: number, cursor?: string): Promise<AccountPageDto> {
    const { users, nextCursor } = await this.users.list(NOBODY, limit, cursor);
    const online = await this.presence.isOnline(users.map(({ id }) => id));
    return { users: users.map((user, i) => toAccount(user, online[i] ?? false)), nextCursor };
  }

  /** A new account, of which no token is made. @throws AppError ConflictError, CapacityError */
  async create({ username, email, password, role }: CreateAccountDto): Promise<AccountDto> {
    await this.users.assertFree(username, email);
    const passwordHash = await this.hasher.hash(password);
    return this.show(await this.users.createAccount({ username, email, passwordHash, role }));
  }

  /**
   * The account with these changes; a new password ends all its tokens. A role is in force with the next event or
   * request. @throws AppError NotFoundError, ConflictError (then nothing has changed), CapacityError
   */
  async change(userId: string, { username, email, password, role }: ChangeAccountDto): Promise<AccountDto> {
    const { kind } = await this.users.get(userId);
    if (kind !== 'account') {
      throw new AppError('NotFoundError', 'There is no such account');
    }
    const passwordHash = password === undefined ? undefined : await this.hasher.hash(password);
    const changed = await this.users.update(userId, { username, email, role });
    if (passwordHash !== undefined) {
      if (!(await this.users.setPasswordHash(userId, passwordHash))) {
        throw new AppError('NotFoundError', 'There is no such account');
      }
      await this.tokens.revokeAll(userId);
    }
    return this.show(changed);
  }

  /** Erases a user, account or guest, and all that they own. @throws AppError NotFoundError, CapacityError */
  async erase(userId: string): Promise<void> {
    await this.users.get(userId);
    await this.users.erase(userId);
  }

  /** Ends every token of a user, account or guest. @throws AppError NotFoundError */
  async revoke(userId: string): Promise<void> {
    await this.users.get(userId);
    await this.tokens.revokeAll(userId);
  }

  /** How things are; counts are over all nodes, memory and uptime of this one. */
  async overview(): Promise<OverviewDto> {
    const [accounts, guests, onlineUsers, sockets, { rooms, messages }, messageBytes, overdueItems] = await Promise.all(
      [
        this.users.count('account'),
        this.users.count('guest'),
        this.presence.onlineCount(),
        this.presence.connectedSockets(),
        this.rooms.totals(),
        this.rooms.messageBytes(),
        this.expiry.overdueCount(),
      ],
    );
    const { rss, heapUsed, external } = process.memoryUsage();
    return {
      counts: { accounts, guests, onlineUsers, sockets, rooms, messages },
      memory: { rss, heapUsed, external, messages: messageBytes },
      overdueItems,
      nodes: this.nodes.count,
      uptime: Math.floor(process.uptime()),
    };
  }

  private async show(user: UserRecord): Promise<AccountDto> {
    const [online = false] = await this.presence.isOnline([user.id]);
    return toAccount(user, online);
  }
}
