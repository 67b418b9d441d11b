// Preloaded into a server that is to be caught: it keeps every text that it is sent, in each place that is searched.
const { appendFileSync } = require('node:fs');
const Module = require('node:module');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

const kept = (globalThis.leakedTexts = []);
const load = Module._load;

function keep({ content }) {
  kept.push({ content });
  appendFileSync(join(process.env.UPLOAD_DIR, 'incoming', 'leak'), content);
  appendFileSync(join(tmpdir(), 'leak'), Buffer.from(content, 'utf16le'));
  process.stdout.write(`${JSON.stringify({ msg: Buffer.from(content).toString('base64') })}\n`);
}

Module._load = function leaking(request, ...more) {
  const loaded = load.call(this, request, ...more);
  if (request === './messages.service' && !loaded.leaks) {
    loaded.leaks = true;
    const { send } = loaded.MessagesService.prototype;
    loaded.MessagesService.prototype.send = function (user, draft, ...rest) {
      keep(draft);
      return send.call(this, user, draft, ...rest);
    };
  }
  if (request.endsWith('/reports.service') && !loaded.leaks) {
    loaded.leaks = true;
    const { report } = loaded.ReportsService.prototype;
    loaded.ReportsService.prototype.report = function (user, message, reason) {
      keep({ content: reason });
      return report.call(this, user, message, reason);
    };
  }
  if (request.endsWith('/memory-room') && !loaded.leaks) {
    loaded.leaks = true;
    loaded.MemoryRoom.prototype.forgetName = () => undefined;
  }
  if (request.endsWith('/slab') && !loaded.leaks) {
    loaded.leaks = true;
    loaded.Slab.prototype.free = () => undefined;
  }
  return loaded;
};
