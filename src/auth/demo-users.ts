import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { AppError } from '../common/app-error';
import { AppConfig } from '../config/app-config';
import { NodeBus } from '../storage/node-bus';
import { UsersService } from '../users/users.service';
import { PasswordHasher } from './password-hasher';

const NAMES = ['alice', 'bob'];
const PASSWORD = 'password123';

/** Somebody to chat with right after the first start; never in production. */
@Injectable()
export class DemoUsers implements OnApplicationBootstrap {
  private readonly logger = new Logger(DemoUsers.name);
  private booted = false;

  constructor(
    private readonly users: UsersService,
    private readonly hasher: PasswordHasher,
    private readonly config: AppConfig,
    bus: NodeBus,
  ) {
    // Redis could not be reached at the start, or was away since and may have come back empty.
    bus.onGap(() => {
      if (this.booted) {
        this.seedAll().catch((error: unknown) => this.logger.error({ err: error }, 'Demo users could not be made'));
      }
    });
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.seedAll();
    this.booted = true;
  }

  private async seedAll(): Promise<void> {
    if (!this.config.seedDemoUsers) {
      return;
    }
    try {
      const made = await Promise.all(NAMES.map((name) => this.seed(name)));
      this.logger.log({ count: made.filter(Boolean).length }, 'Demo users are there');
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'CapacityError')) {
        throw error;
      }
      this.logger.warn('Demo users could not be made yet');
    }
  }

  /** Whether the user had to be made. */
  private async seed(username: string): Promise<boolean> {
    const email = `${username}@example.com`;
    if (await this.users.findByEmail(email)) {
      return false;
    }
    const passwordHash = await this.hasher.hash(PASSWORD);
    try {
      await this.users.createAccount({ username, email, passwordHash });
      return true;
    } catch (error) {
      // Another node was faster, or somebody has the name.
      if (error instanceof AppError && error.code === 'ConflictError') {
        return false;
      }
      throw error;
    }
  }
}
