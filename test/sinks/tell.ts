/** How a provider says later what became of a message. A server that is away or busy is told again, as browsers and mail systems do. */
import { setTimeout as delay } from 'node:timers/promises';

const WITHIN_MS = 60_000;
const PAUSE_MS = 250;

/** The status of the answer, once there is one below 500; the last one after a minute. */
export async function tell(url: string, request: RequestInit): Promise<number> {
  const deadline = performance.now() + WITHIN_MS;
  for (;;) {
    const status = await fetch(url, request).then(
      (answer) => answer.status,
      () => 503,
    );
    if (status < 500 || performance.now() > deadline) return status;
    await delay(PAUSE_MS);
  }
}
