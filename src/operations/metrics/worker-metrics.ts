import { readdir } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { AggregatorRegistry, type MetricObjectWithValues, type MetricValue } from 'prom-client';

/** What prom-client's `getMetricsAsJSON` gives. */
export type Metrics = MetricObjectWithValues<MetricValue<string>>[];

const SUFFIX = '.metrics.sock';
/** A worker that does not answer by then is left out, ms: Prometheus itself waits ten seconds. */
const PATIENCE_MS = 3000;

/** Tells the other workers of this machine the metrics of this one: on a Unix socket in their folder, as V8 writes them. */
export function tellWorkers(folder: string, worker: string, read: () => Promise<Metrics>): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    read().then(
      (metrics) => socket.end(serialize(labelled(metrics, worker))),
      () => socket.destroy(),
    );
  });
  server.unref();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(join(folder, worker + SUFFIX), resolve);
  });
}

/** The metrics of all workers that answer, in the text format of Prometheus: each value has the label `worker`. */
export async function askWorkers(folder: string): Promise<string> {
  const sockets = (await readdir(folder)).filter((name) => name.endsWith(SUFFIX)).sort();
  const answers = await Promise.all(sockets.map((name) => ask(join(folder, name))));
  // Labels differ, so nothing is added up: it is merged.
  return AggregatorRegistry.aggregate(answers.filter((answer) => answer !== undefined)).metrics();
}

function labelled(metrics: Metrics, worker: string): Metrics {
  return metrics.map((metric) => ({
    ...metric,
    aggregator: 'first',
    values: metric.values.map((value) => ({ ...value, labels: { ...value.labels, worker } })),
  }));
}

/** Undefined of a worker that has died, or does not answer in time. */
function ask(path: string): Promise<Metrics | undefined> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    const socket = connect(path);
    const timer = setTimeout(() => socket.destroy(), PATIENCE_MS);
    let whole = false;
    socket.on('data', (part: Buffer) => parts.push(part));
    socket.on('end', () => (whole = parts.length > 0));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(whole ? (deserialize(Buffer.concat(parts)) as Metrics) : undefined);
    });
  });
}
