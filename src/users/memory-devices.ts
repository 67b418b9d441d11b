import type { Device } from './user-store';

/** Devices of users, each user's in the order in which they were last seen. */
export class MemoryDevices {
  private readonly byUser = new Map<string, Map<string, Device>>();

  save(userId: string, device: Device, most: number): Device {
    const devices = this.byUser.get(userId) ?? new Map<string, Device>();
    this.byUser.set(userId, devices);
    const location = device.location ?? devices.get(device.deviceId)?.location;
    const saved = Object.freeze({ ...device, ...(location && { location: Object.freeze({ ...location }) }) });
    devices.delete(device.deviceId);
    devices.set(device.deviceId, saved);
    for (const [oldest] of devices) {
      if (devices.size <= most) {
        break;
      }
      devices.delete(oldest);
    }
    return saved;
  }

  list(userId: string): Device[] {
    return [...(this.byUser.get(userId)?.values() ?? [])].reverse();
  }

  forget(userId: string): void {
    this.byUser.delete(userId);
  }
}
