import { Global, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { ThrottlerModule } from '@nestjs/throttler';
import { AppConfig } from '../../config/app-config';
import { RateLimiter } from '../../limits/rate-limiter';
import { Refusals } from '../../limits/refusals';
import { DtoPipe } from '../validation/dto.pipe';
import { Cursors } from './cursors';
import { HttpErrorFilter } from './http-error.filter';
import { IdentityGuard } from './identity.guard';
import { ProxyNotice } from './proxy-notice';
import { RateLimitGuard } from './rate-limit.guard';
import { throttlerOptions } from './rate-limits';

/** What holds for every REST route. None of it reaches gateways. */
@Global()
@Module({
  imports: [ThrottlerModule.forRootAsync({ inject: [AppConfig, RateLimiter, Refusals], useFactory: throttlerOptions })],
  providers: [
    { provide: APP_FILTER, useClass: HttpErrorFilter },
    // In this order: who floods the server with bad tokens is limited before they are checked.
    { provide: APP_GUARD, useClass: RateLimitGuard },
    { provide: APP_GUARD, useClass: IdentityGuard },
    { provide: APP_PIPE, useClass: DtoPipe },
    Cursors,
    ProxyNotice,
  ],
  exports: [Cursors, ProxyNotice],
})
export class HttpModule {}
