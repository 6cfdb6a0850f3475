/** What people type is looked at before anything is done with it: no resident registration number is kept, logged or sent on. */
import type { FastifyRequest } from 'fastify';
import type { Fault } from '../../domain/errors.ts';
import { AllimError } from '../../domain/errors.ts';
import { escapePointer } from '../../domain/event-schema.ts';
import { holdsResidentNumber } from '../../domain/kr/resident-number.ts';

const MESSAGE = 'must not hold a resident registration number';
/** Kept with the answer that was given under it. */
const KEPT_HEADER = 'idempotency-key';

/** Throws `request-invalid` with the places, and never with what stands there. */
export function refuseResidentNumbers(
  request: Pick<FastifyRequest, 'body' | 'query' | 'params' | 'headers'>,
): void {
  const { [KEPT_HEADER]: key } = request.headers;
  const faults = [
    ...found(request.params, '/params'),
    ...found(key, `/headers/${KEPT_HEADER}`),
    ...found(request.query, '/querystring'),
    ...found(request.body, ''),
  ];
  if (faults.length > 0)
    throw new AllimError('request-invalid', 'leave resident registration numbers out: no text needs one', {
      faults,
    });
}

function found(value: unknown, pointer: string): Fault[] {
  if (typeof value === 'string' || typeof value === 'number')
    return holdsResidentNumber(String(value)) ? [{ pointer, message: MESSAGE, code: 'resident-number' }] : [];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    holdsResidentNumber(name)
      ? [{ pointer, message: `has a member whose name ${MESSAGE}`, code: 'resident-number' }]
      : found(inner, `${pointer}/${escapePointer(name)}`),
  );
}
