import { Injectable } from '@nestjs/common';
import { AppError } from '../common/app-error';
import { Clock } from '../common/clock';
import { Ids } from '../common/ids';
import { cleanText } from '../common/text';
import { type Device, type Location, UserStore } from './user-store';

/** Most devices of a user; the one that was seen longest ago goes (accounts.md). */
export const MAX_DEVICES = 20;
/** Of what a client calls itself, in UTF-16 units; the rest is cut off. */
const MAX_USER_AGENT = 512;

/** Before an IPv4 address that came by an IPv6 socket. */
const MAPPED_IPV4 = /^::ffff:(?=\d+\.)/i;

/** What a client says of its device. */
export interface SeenDevice {
  /** Undefined: it has none yet. */
  readonly deviceId: string | undefined;
  readonly ip: string;
  readonly userAgent: string | undefined;
  /** Undefined: as it was. */
  readonly location: Location | undefined;
}

/** Devices that people use, for themselves to see. */
@Injectable()
export class DevicesService {
  constructor(
    private readonly store: UserStore,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /** Remembers that the user is on a device. @throws AppError NotFoundError */
  async save(userId: string, { deviceId, ip, userAgent = '', location }: SeenDevice): Promise<Device> {
    const device = {
      deviceId: deviceId ?? this.ids.id(),
      ip: ip.replace(MAPPED_IPV4, ''),
      userAgent: cleanText(userAgent.slice(0, MAX_USER_AGENT)),
      ...(location && { location }),
      lastSeen: this.clock.now(),
    };
    const saved = await this.store.saveDevice(userId, device, MAX_DEVICES);
    if (!saved) {
      throw new AppError('NotFoundError', 'There is no such user');
    }
    return saved;
  }

  /** The user's devices, the last seen first. */
  async list(userId: string): Promise<Device[]> {
    return this.store.listDevices(userId);
  }
}
