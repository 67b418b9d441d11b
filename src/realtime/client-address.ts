import type { IncomingMessage } from 'node:http';
import proxyaddr from 'proxy-addr';

/** The client's address: `X-Forwarded-For` counts for `hops` proxies only, as in Express' `trust proxy`. */
export function clientAddress(request: IncomingMessage, hops: number): string {
  return proxyaddr(request, (_address, index) => index < hops);
}
