/** Bodies that trickle and bodies that do not end: cut off, and not before the caller can have read why. */
import type { FastifyRequest } from 'fastify';

/** What a caller who sends too much may still send before the connection is cut, so that they can read why they were refused. */
const DISCARDED_BYTES = 64 * 1_048_576;

/** Cuts the connection of a body that is not here in time. Node's own limit is one for all, and a file takes longer than an event. */
export function limitBody({ raw }: FastifyRequest, ms: number): void {
  if (raw.headers['content-length'] === undefined && raw.headers['transfer-encoding'] === undefined) return;
  const timer = setTimeout(() => {
    if (!raw.complete) raw.destroy();
  }, ms);
  timer.unref();
  raw.once('close', () => clearTimeout(timer));
}

/** Reads the rest of a refused body: a connection that is closed while the caller still writes resets, and the answer is lost. */
export function discardBody(request: FastifyRequest): Promise<void> {
  const { raw } = request;
  if (raw.readableEnded || raw.destroyed) return Promise.resolve();
  let bytes = 0;
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, 5_000);
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    raw.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > DISCARDED_BYTES) end();
    });
    raw.on('end', end).on('close', end).on('error', end);
    raw.resume();
  });
}
