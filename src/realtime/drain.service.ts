import { Injectable, Logger } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { RealtimeServer } from './realtime-server';
import { serverEvent } from './server-event';

/** When clients are told to come back: by then another node, or this one anew, takes them. */
const RETRY_IN_MS = 1000;
/** Most time that events which are at work get to be acked. */
const IN_FLIGHT_MS = 3000;
/** Most time that clients get to fetch what is still queued for them: one that polls comes for it by itself. */
const GOODBYE_MS = 1000;
const POLL_MS = 10;

export class ServerDrainingDto {
  @ApiProperty({ example: RETRY_IN_MS, description: 'Milliseconds after which to reconnect.' })
  retryInMs!: number;
}

export const serverDraining = serverEvent(
  '/',
  'server:draining',
  ServerDrainingDto,
  'The server is about to stop as planned; the transport closes next, reconnect after `retryInMs`.',
);

/** The orderly end of this node: nothing acked is lost, clients come back by themselves. */
@Injectable()
export class DrainService {
  private readonly logger = new Logger(DrainService.name);
  private started: Promise<void> | undefined;

  constructor(private readonly realtime: RealtimeServer) {}

  /** Whether the node is on its way out; readiness is red from then on. */
  get draining(): boolean {
    return this.started !== undefined;
  }

  /** Tells clients, waits for what is at work, closes their connections. A second call waits for the first. */
  drain(): Promise<void> {
    this.started ??= this.run();
    return this.started;
  }

  private async run(): Promise<void> {
    this.realtime.drain();
    const { io } = this.realtime;
    this.logger.log({ connections: this.realtime.connectionCount }, 'Draining');
    // Elsewhere clients know no such event: they come back when the transport closes.
    io.of(serverDraining.namespace).local.emit(serverDraining.name, {
      retryInMs: RETRY_IN_MS,
    } satisfies ServerDrainingDto);
    // One turn at least: events that are in the kernel's buffers are read, acks leave.
    await pause();
    await this.atMost(IN_FLIGHT_MS, () => this.realtime.inFlight > 0);
    this.realtime.closeAll();
    // What the sockets held is given back while the stores are there; the rest is for other nodes to take over.
    await this.atMost(GOODBYE_MS, () => this.realtime.connectionCount > 0 || this.realtime.hooksAtWork > 0);
  }

  private async atMost(ms: number, isBusy: () => boolean): Promise<void> {
    const deadline = performance.now() + ms;
    while (isBusy() && performance.now() < deadline) {
      await pause();
    }
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
