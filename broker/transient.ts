import { AllimError } from '../domain/errors.ts';

/**
 * Postgres: connection lost (08), server going down or starting (57P), out of a resource (53), serialization and deadlock (40),
 * lock not to be had (55P03); and what sockets say.
 */
const TRANSIENT_CODE =
  /^(08...|57P0.|53...|40001|40P01|55P03|ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ENOENT)$/;
const TRANSIENT_MESSAGE =
  /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect)/;

/** Whether the cause lies outside of what was done: the same again may succeed without anybody changing anything. */
export function isTransient(error: unknown): boolean {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    if (cause instanceof AllimError && cause.retryable) return true;
    const { code } = cause as { code?: unknown };
    if (typeof code === 'string' && !(cause instanceof AllimError) && TRANSIENT_CODE.test(code)) return true;
    if (TRANSIENT_MESSAGE.test(cause.message) || cause.name === 'AbortError') return true;
  }
  return false;
}
