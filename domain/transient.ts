import { AllimError } from './errors.ts';

/**
 * Postgres: connection lost (08), server going down or starting (57P), a statement or transaction that took too long (57014, 25P03, 25P04), out of
 * a resource (53), its disk (58030), serialization and deadlock (40), lock not to be had (55P03); and what sockets say.
 */
const TRANSIENT_CODE =
  /^(08...|57P0.|57014|25P0[34]|53...|58030|40001|40P01|55P03|ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;
const TRANSIENT_MESSAGE =
  /^(Connection terminated|Query read timeout|Client has encountered a connection error|timeout exceeded when trying to connect)/;

/** Whether the cause lies outside of what was done: the same again may succeed without anybody changing anything. */
export function isTransient(error: unknown): boolean {
  let cause = error;
  // Not by `instanceof Error`: what sockets throw may come from another realm (a vm context, as tests run in).
  for (let depth = 0; typeof cause === 'object' && cause !== null && depth < 5; depth++) {
    if (cause instanceof AllimError) {
      if (cause.retryable) return true;
    } else {
      const { code, syscall, message, name } = cause as Readonly<Record<string, unknown>>;
      if (typeof code === 'string' && TRANSIENT_CODE.test(code)) return true;
      // A Unix socket that is not there yet; a file that is missing is a fault of ours.
      if (code === 'ENOENT' && syscall === 'connect') return true;
      if (typeof message === 'string' && TRANSIENT_MESSAGE.test(message)) return true;
      if (name === 'AbortError') return true;
    }
    ({ cause } = cause as { cause?: unknown });
  }
  return false;
}
