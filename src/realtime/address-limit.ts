import { Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import type { Server } from 'socket.io';
import { AppError } from '../common/app-error';
import { type Awaitable, isPromise } from '../common/awaitable';
import { AppConfig } from '../config/app-config';
import { AddressCounts } from './address-counts';
import { clientAddress } from './client-address';
import type { MayflySocket } from './socket-session';

type Connection = MayflySocket['conn'];

/** How often counts are told again that the other nodes may not have. */
const RETRY_MS = 1000;

/** Bounds the connections of one address. The newest is refused; it does not count, so that it keeps nobody out. */
@Injectable()
export class AddressLimit {
  /** Connections of this node that count, or may come to. */
  private readonly own = new Map<string, number>();
  private readonly admissions = new WeakMap<Connection, Awaitable<boolean>>();
  /** Addresses of which the store may have another count. */
  private readonly doubtful = new Set<string>();

  constructor(
    private readonly config: AppConfig,
    private readonly counts: AddressCounts,
  ) {}

  watch(server: Server): void {
    server.engine.on('connection', (connection: Connection) => this.count(connection));
  }

  /** @throws AppError CapacityError where the connection's address had as many as it may when it came */
  async admit(connection: Connection): Promise<void> {
    if (!(await this.admissions.get(connection))) {
      throw new AppError('CapacityError', 'Too many connections from this address');
    }
  }

  /** Tells again what is doubtful. Public for tests. */
  @Interval('doubtful-addresses', RETRY_MS)
  tellAgain(): void {
    for (const address of [...this.doubtful]) {
      this.tell(address);
    }
  }

  private count(connection: Connection): void {
    const address = clientAddress(connection.request, this.config.env.TRUST_PROXY);
    // Each handshake under way listens for the end of its connection, and one connection may try many.
    connection.setMaxListeners(0);
    const admission = this.enter(address);
    this.admissions.set(connection, admission);
    const left = (counted: boolean): void => {
      if (counted) {
        this.change(address, -1);
        this.tell(address);
      }
    };
    connection.once('close', () => {
      if (isPromise(admission)) {
        // What failed never counted, and whoever waits for it is told so.
        admission.then(left, () => undefined);
      } else {
        left(admission);
      }
    });
  }

  private enter(address: string): Awaitable<boolean> {
    const told = this.counts.tell(address, this.change(address, 1), this.config.env.MAX_SOCKETS_PER_IP);
    if (!isPromise(told)) {
      this.change(address, told ? 0 : -1);
      return told;
    }
    const notCounted = (): void => {
      this.change(address, -1);
      // Others that came or went meanwhile were told with this one among them.
      this.doubtful.add(address);
    };
    told.then((counted) => (counted ? undefined : notCounted()), notCounted);
    return told;
  }

  private tell(address: string): void {
    this.doubtful.delete(address);
    const told = this.counts.tell(address, this.own.get(address) ?? 0, Number.MAX_SAFE_INTEGER);
    if (isPromise(told)) {
      // That Redis is away is in the log.
      told.catch(() => this.doubtful.add(address));
    }
  }

  private change(address: string, by: number): number {
    const own = (this.own.get(address) ?? 0) + by;
    if (own > 0) {
      this.own.set(address, own);
    } else {
      this.own.delete(address);
    }
    return own;
  }
}
