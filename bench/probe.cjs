// Preloaded into the server under test (`node --expose-gc --require`). Answers the harness over IPC, and ends the
// server when the harness is gone, however that died.
const settle = () => new Promise((resolve) => setTimeout(resolve, 100));

process.on('message', async (message) => {
  if (message === 'exit') {
    process.exit(0);
  }
  // Several: what finalizers and weak references free is collected by the next one only.
  for (let i = 0; i < 4; i += 1) {
    global.gc();
    await settle();
  }
  const { heapUsed, external } = process.memoryUsage();
  process.send({ heapUsed, external });
});
process.on('disconnect', () => process.exit(1));
// The channel must not be what keeps a server alive that has closed everything else.
process.channel?.unref();
