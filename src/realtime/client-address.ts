import type { IncomingMessage } from 'node:http';
import { normalizeIp } from '@nestjs/throttler';
import proxyaddr from 'proxy-addr';

/**
 * The client's address as limits count it: `X-Forwarded-For` for `hops` proxies only, as in Express' `trust proxy`; an
 * IPv6 network of 64 bits, which one household has, is one address.
 */
export function clientAddress(request: IncomingMessage, hops: number): string {
  return normalizeIp(proxyaddr(request, (_address, index) => index < hops));
}
