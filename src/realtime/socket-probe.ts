import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import { Ids } from '../common/ids';
import { ExpiryService } from '../expiry/expiry.service';
import { LocalExpiryQueue } from '../expiry/memory-expiry-queue';
import { Nodes } from '../nodes/nodes';
import { NodeBus } from '../storage/node-bus';
import { SessionRegistry } from './session-registry';
import type { MayflySocket } from './socket-session';

const PROBE = 'socket-probe';
const ASK = 'socket-probe-ask';
const ANSWER = 'socket-probe-answer';
/** How long a client has to answer a ping (ghost.md, e2e.md). */
const ANSWER_MS = 2000;
/** What the way to another node and back may take on top. */
const TRAVEL_MS = 500;

/** A socket and the node that it is on. */
export interface SocketAddress {
  readonly nodeId: string;
  readonly socketId: string;
}

interface Question extends SocketAddress {
  readonly id: string;
}

interface Answer {
  readonly id: string;
  readonly alive: boolean;
}

type Settle = (alive: boolean) => void;

/** Finds out whether somebody is still behind a socket of any node, by a ping of Engine.IO. */
@Injectable()
export class SocketProbe {
  /** Probes under way of sockets of this node: whoever asks meanwhile gets the same answer. */
  private readonly local = new Map<string, Promise<boolean>>();
  /** Who waits for an answer, by the key of its deadline. */
  private readonly waiting = new Map<string, Settle>();

  constructor(
    private readonly sessions: SessionRegistry,
    private readonly nodes: Nodes,
    private readonly bus: NodeBus,
    private readonly queue: LocalExpiryQueue,
    private readonly clock: Clock,
    private readonly ids: Ids,
    expiry: ExpiryService,
  ) {
    expiry.own(PROBE, (items) => items.forEach(({ key }) => this.settle(key, false)));
    bus.subscribe<Question>(ASK, (question) => {
      if (question.nodeId === this.nodes.id) {
        void this.probe(question.socketId).then((alive) => this.bus.publish(ANSWER, { id: question.id, alive }));
      }
    });
    bus.subscribe<Answer>(ANSWER, ({ id, alive }) => this.settle(id, alive));
  }

  /** Whether the client of a socket answers within 2 seconds; false too where the socket, or its node, is gone. */
  isAlive({ nodeId, socketId }: SocketAddress): Promise<boolean> {
    return nodeId === this.nodes.id ? this.probe(socketId) : this.ask({ nodeId, socketId, id: this.ids.id() });
  }

  private ask(question: Question): Promise<boolean> {
    const answer = this.wait(question.id, ANSWER_MS + TRAVEL_MS);
    void this.bus.publish(ASK, question);
    return answer;
  }

  private probe(socketId: string): Promise<boolean> {
    const underWay = this.local.get(socketId);
    if (underWay) {
      return underWay;
    }
    const socket = this.sessions.find(socketId);
    if (!socket || socket.data.ended || socket.conn.readyState !== 'open') {
      return Promise.resolve(false);
    }
    const probe = this.ping(socket).finally(() => this.local.delete(socketId));
    this.local.set(socketId, probe);
    return probe;
  }

  /** Whatever the client sends proves that it is there: the answer to the ping at the latest. */
  private async ping({ id, conn }: MayflySocket): Promise<boolean> {
    const [came, closed] = [() => this.settle(id, true), () => this.settle(id, false)];
    conn.once('packet', came);
    conn.once('close', closed);
    const answer = this.wait(id, ANSWER_MS);
    // Engine.IO pings by its own schedule only; the method that does is private.
    (conn as unknown as { sendPacket(type: 'ping'): void }).sendPacket('ping');
    try {
      return await answer;
    } finally {
      conn.off('packet', came);
      conn.off('close', closed);
    }
  }

  private wait(key: string, ms: number): Promise<boolean> {
    this.queue.schedule(PROBE, key, this.clock.now() + ms);
    return new Promise((resolve) => this.waiting.set(key, resolve));
  }

  private settle(key: string, alive: boolean): void {
    const settle = this.waiting.get(key);
    if (settle) {
      this.waiting.delete(key);
      this.queue.cancel(PROBE, key);
      settle(alive);
    }
  }
}
