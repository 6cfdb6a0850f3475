/** kafkajs's errors in our words. */
import { AllimError, messageOf } from '../domain/errors.ts';

/** Whether kafkajs failed for want of a connection or of a leader, now or below its count of retries. */
export function isPassing(error: unknown): boolean {
  let cause = error;
  for (let depth = 0; typeof cause === 'object' && cause !== null && depth < 5; depth++) {
    const { name, retriable } = cause as { name?: unknown; retriable?: unknown };
    if (retriable === true || (typeof name === 'string' && PASSING.has(name))) return true;
    ({ cause } = cause as { cause?: unknown });
  }
  return false;
}
const PASSING: ReadonlySet<string> = new Set([
  'KafkaJSBrokerNotFound',
  'KafkaJSConnectionClosedError',
  'KafkaJSConnectionError',
  'KafkaJSLockTimeout',
  'KafkaJSRequestTimeoutError',
]);

export function unavailable(error: unknown): AllimError {
  if (error instanceof AllimError) return error;
  const type = (error as { type?: unknown } | null)?.type;
  if (type === 'MESSAGE_TOO_LARGE' || type === 'RECORD_LIST_TOO_LARGE')
    return new AllimError('record-too-large', `the brokers refuse it: ${messageOf(error)}`, { cause: error });
  return new AllimError('broker-unavailable', `Kafka: ${messageOf(error)}`, { cause: error });
}

export async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw unavailable(error);
  }
}
