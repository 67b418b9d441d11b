import { ERROR_STATUS } from '../../src/common/app-error';
import type { ChatApp } from './chat-app';
import type { AckBody, TestClient } from './clients';

/** Fewer than end a socket for its bad packets. */
const BATCH = 30;
/** Ten megabytes take their time on a busy machine. */
const ACK_TIMEOUT_MS = 15_000;
/** What no client may be the cause of. */
const CODES = Object.keys(ERROR_STATUS).filter((code) => code !== 'InternalServerError' && code !== 'CapacityError');

/** Sends all with an ack; each must come, and be a success or the fault of the sender. */
export async function emitAll(
  chat: ChatApp,
  client: TestClient,
  packets: [event: string, ...args: unknown[]][],
): Promise<void> {
  for (let first = 0; first < packets.length; first += BATCH) {
    await Promise.all(
      packets.slice(first, first + BATCH).map(async ([event, ...args]) => {
        const ack = (await client.socket.timeout(ACK_TIMEOUT_MS).emitWithAck(event, ...args)) as AckBody;
        if (!ack.success) {
          expect(CODES).toContain(ack.code);
          expect(typeof ack.error).toBe('string');
        }
      }),
    );
    chat.clock.advance(10_001);
  }
}
