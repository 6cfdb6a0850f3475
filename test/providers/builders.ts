import { keyId } from '../../domain/ids.ts';
import type { Logger } from '../../domain/logger.ts';
import type { Content, OutgoingDelivery } from '../../workers/providers/provider.ts';

let count = 0;

export function createDelivery(
  address: string,
  content: Content,
  more: Partial<OutgoingDelivery> = {},
): OutgoingDelivery {
  return {
    delivery: keyId('delivery', ++count),
    attempt: 1,
    agency: 'nts',
    address,
    content,
    urgent: false,
    expiresAtMs: null,
    ...more,
  };
}

/** A logger that keeps what it was told. */
export function createRecorder(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const write = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  return { lines, debug: write, info: write, warn: write, error: write, child: () => createRecorder() };
}

export const yes = () => true;
export const no = () => false;
