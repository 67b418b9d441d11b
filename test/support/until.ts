const TIMEOUT_MS = 15_000;
const POLL_MS = 5;

/** Waits until the condition holds; fails after fifteen seconds, or as many milliseconds as told. */
export async function until(condition: () => boolean | Promise<boolean>, timeoutMs = TIMEOUT_MS): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      throw new Error(`It did not happen in ${timeoutMs} ms: ${String(condition)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
