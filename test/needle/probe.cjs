// Preloaded into a server: on SIGUSR2 it writes what it holds into the folder NEEDLE_DUMPS, for others to search.
// `heap`: a snapshot of all live objects. `slab`: the bytes of its slabs, which are outside the heap. `done` comes last.
const { mkdirSync, readdirSync, writeFileSync } = require('node:fs');
const { Session } = require('node:inspector');
const { join } = require('node:path');
const { writeHeapSnapshot } = require('node:v8');

const SLAB = join(__dirname, '..', '..', 'dist', 'chat', 'memory', 'slab.js');

/** Bytes of everything that an object holds on to. */
function buffersOf(value, seen = new Set()) {
  if (typeof value !== 'object' || value === null || seen.has(value)) {
    return [];
  }
  seen.add(value);
  if (ArrayBuffer.isView(value)) {
    return seen.has(value.buffer) ? [] : [Buffer.from(seen.add(value.buffer) && value.buffer)];
  }
  return Object.values(value).flatMap((one) => buffersOf(one, seen));
}

/** Every live object of a class. */
function instancesOf({ prototype }) {
  const session = new Session();
  session.connect();
  const call = (method, params) => {
    let outcome;
    session.post(method, params, (error, result) => (outcome = error ? new Error(error.message) : result));
    if (outcome instanceof Error) {
      throw outcome;
    }
    return outcome;
  };
  globalThis.needleProbe = { prototype };
  const { result } = call('Runtime.evaluate', { expression: 'needleProbe.prototype' });
  const { objects } = call('Runtime.queryObjects', { prototypeObjectId: result.objectId });
  const functionDeclaration = 'function () { needleProbe.found = this; }';
  call('Runtime.callFunctionOn', { objectId: objects.objectId, functionDeclaration });
  const { found } = globalThis.needleProbe;
  session.disconnect();
  delete globalThis.needleProbe;
  return [...found];
}

function dump() {
  const folder = join(process.env.NEEDLE_DUMPS, String(readdirSync(process.env.NEEDLE_DUMPS).length));
  mkdirSync(folder);
  const bytes = instancesOf(require(SLAB).Slab).flatMap((slab) => buffersOf(slab));
  writeFileSync(join(folder, 'slab'), Buffer.concat(bytes));
  writeHeapSnapshot(join(folder, 'heap'));
  writeFileSync(join(folder, 'done'), '');
}

if (process.env.NEEDLE_DUMPS) {
  process.on('SIGUSR2', dump);
}
