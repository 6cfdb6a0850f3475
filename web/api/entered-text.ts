/** What people type is looked at before anything is done with it: no resident registration number is kept, logged or sent on. */
import type { Fault } from '../../domain/errors.ts';
import { AllimError } from '../../domain/errors.ts';
import { escapePointer } from '../../domain/event-schema.ts';
import { holdsResidentNumber } from '../../domain/kr/resident-number.ts';

/** Throws `request-invalid` with the places, and never with what stands there. */
export function refuseResidentNumbers(body: unknown, query: unknown): void {
  const faults = [...found(query, '/querystring'), ...found(body, '')];
  if (faults.length > 0)
    throw new AllimError('request-invalid', 'leave resident registration numbers out: no text needs one', {
      faults,
    });
}

function found(value: unknown, pointer: string): Fault[] {
  if (typeof value === 'string')
    return holdsResidentNumber(value)
      ? [{ pointer, message: 'must not hold a resident registration number', code: 'resident-number' }]
      : [];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([name, inner]) => found(inner, `${pointer}/${escapePointer(name)}`));
}
