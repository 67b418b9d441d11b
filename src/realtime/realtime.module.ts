import { Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { AuthModule } from '../auth/auth.module';
import { provideStore } from '../storage/provide-store';
import { AddressCounts } from './address-counts';
import { AddressLimit } from './address-limit';
import { AuthGateway } from './auth.gateway';
import { Broadcaster } from './broadcaster';
import { ConnectionGuard } from './connection-guard';
import { DrainService } from './drain.service';
import { EventLimits } from './event-limits';
import { EventStatistics } from './event-statistics';
import { FloodGuard } from './flood-guard';
import { HandlerMap } from './handler-map';
import { Handshake } from './handshake';
import { MemoryAddressCounts } from './memory-address-counts';
import { RealtimeServer } from './realtime-server';
import { RedisAddressCounts } from './redis-address-counts';
import { RoomDelivery } from './room-delivery';
import { SessionRegistry } from './session-registry';
import { SocketCloser } from './socket-closer';
import { SocketProbe } from './socket-probe';

@Global()
@Module({
  imports: [DiscoveryModule, AuthModule],
  providers: [
    provideStore(AddressCounts, { memory: MemoryAddressCounts, redis: RedisAddressCounts }),
    AddressLimit,
    AuthGateway,
    Broadcaster,
    ConnectionGuard,
    DrainService,
    EventLimits,
    EventStatistics,
    FloodGuard,
    HandlerMap,
    Handshake,
    RealtimeServer,
    RoomDelivery,
    SessionRegistry,
    SocketCloser,
    SocketProbe,
  ],
  exports: [
    Broadcaster,
    ConnectionGuard,
    DrainService,
    EventLimits,
    EventStatistics,
    HandlerMap,
    RealtimeServer,
    RoomDelivery,
    SessionRegistry,
    SocketCloser,
    SocketProbe,
  ],
})
export class RealtimeModule {}
