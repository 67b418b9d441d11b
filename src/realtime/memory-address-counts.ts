import { Injectable } from '@nestjs/common';
import { AddressCounts } from './address-counts';

/** This node's connections are all there are. */
@Injectable()
export class MemoryAddressCounts extends AddressCounts {
  private readonly counts = new Map<string, number>();

  override tell(address: string, own: number, most: number): boolean {
    if (own > (this.counts.get(address) ?? 0) && own > most) {
      return false;
    }
    if (own > 0) {
      this.counts.set(address, own);
    } else {
      this.counts.delete(address);
    }
    return true;
  }
}
