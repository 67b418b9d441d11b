import {
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type Server,
  type ServerResponse,
} from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';

/** Where the workers of one machine find each other, from the primary; undefined in a process that is no worker. */
export interface WorkerSeat {
  /** Number of this worker; the beginning of the id of every Engine.IO session that it holds. */
  readonly id: string;
  /** Folder with one Unix socket a worker. */
  readonly folder: string;
  /** The port that all workers share. */
  readonly port: number;
  /** Undefined: every address. */
  readonly host: string | undefined;
}

const SEPARATOR = '-';
const SESSION = /[?&]sid=(\d{1,6})-/;

/** The socket on which a worker takes in what is meant for its sessions. */
export const socketPath = (folder: string, id: string): string => join(folder, `${id}.sock`);

/** The id of a session that this worker holds: tells every other worker whom to ask. */
export const sessionId = (worker: string, random: string): string => `${worker}${SEPARATOR}${random}`;

/**
 * Listens on the shared port. A long-polling session belongs to one worker, but its requests reach any: those are handed
 * to the worker that the session's id names. Everything else, WebSocket-only clients above all, is served right here.
 */
export function listenAsWorker(application: Server, { id, folder, port, host }: WorkerSeat): Promise<Server> {
  const owner = (request: IncomingMessage): string | undefined => {
    const named = SESSION.exec(request.url ?? '')?.[1];
    return named === undefined || named === id ? undefined : socketPath(folder, named);
  };
  const front = createServer((request, response) => {
    const path = owner(request);
    if (path === undefined) {
      application.emit('request', request, response);
    } else {
      forward(request, response, path);
    }
  });
  front.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const path = owner(request);
    if (path === undefined) {
      application.emit('upgrade', request, socket, head);
    } else {
      forwardUpgrade(request, socket, head, path);
    }
  });
  return new Promise((resolve, reject) => {
    front.once('error', reject);
    front.listen({ port, host }, () => resolve(front));
  });
}

function forward(request: IncomingMessage, response: ServerResponse, path: string): void {
  const { method, url } = request;
  // A connection of its own for each: one that is kept may be closed by the other end just as it is used again.
  const headers = { ...request.headers, connection: 'close' };
  const onward = httpRequest({ agent: false, socketPath: path, method, path: url, headers }, (answer) => {
    const { connection: _hop, 'keep-alive': _alive, ...passed } = answer.headers;
    response.writeHead(answer.statusCode ?? 502, passed);
    answer.pipe(response);
  });
  // The worker is gone and its sessions with it: the client begins a new one.
  onward.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(400).end()));
  response.on('close', () => onward.destroy());
  request.pipe(onward);
}

function forwardUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, path: string): void {
  const onward = connect(path, () => {
    const lines = [`${request.method} ${request.url} HTTP/1.1`];
    for (let i = 0; i < request.rawHeaders.length; i += 2) {
      lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
    }
    onward.write(`${lines.join('\r\n')}\r\n\r\n`);
    onward.write(head);
    socket.pipe(onward).pipe(socket);
  });
  onward.on('error', () => socket.destroy());
  socket.on('error', () => onward.destroy());
}
