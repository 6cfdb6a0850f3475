/**
 * What people type into pages, before anybody reads it: fields as text, trimmed, no control characters, at most so long, and nothing that
 * can be a resident registration number, wherever it stands.
 */
import type { FastifyInstance } from 'fastify';
import { CONTROL } from '../../domain/control-characters.ts';
import { AllimError } from '../../domain/errors.ts';
import { holdsResidentNumber } from '../../domain/kr/resident-number.ts';

/** Longer than any address or search. */
const MAX_FIELD = 400;

export class ResidentNumberRefused extends AllimError {
  constructor(field: string) {
    super(
      'request-invalid',
      `the request is not valid: /${field} must not hold a resident registration number`,
      {
        faults: [{ pointer: `/${field}`, message: 'must not hold a resident registration number' }],
      },
    );
  }
}

const FORM = 'application/x-www-form-urlencoded';

/** Forms as browsers send them, where the server does not read them already. A field that comes several times is a list. */
export function takeForms(app: FastifyInstance): void {
  if (app.hasContentTypeParser(FORM)) return;
  app.addContentTypeParser(FORM, { parseAs: 'string' }, async (_request: unknown, body: string) => {
    const fields = new Map<string, string[]>();
    for (const [name, value] of new URLSearchParams(body))
      fields.set(name, [...(fields.get(name) ?? []), value]);
    return Object.fromEntries(
      [...fields].map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
    );
  });
}

export type Form = {
  /** The first value; empty where there is none. */
  text(name: string): string;
  /** Every value of a field that may come several times. */
  all(name: string): readonly string[];
  has(name: string): boolean;
};

/** A query or the body of a form. Throws `request-invalid`; the field is named, its value never. */
export function readForm(given: unknown): Form {
  const fields = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries((given ?? {}) as Record<string, unknown>)) {
    const values = [value].flat().filter((one): one is string => typeof one === 'string');
    for (const one of values) {
      if (one.length > MAX_FIELD || CONTROL.test(one) || !one.isWellFormed())
        throw new AllimError(
          'request-invalid',
          `the request is not valid: /${name.slice(0, 40)} is no text of a form`,
          {
            faults: [{ pointer: `/${name.slice(0, 40)}`, message: 'is no text of a form' }],
          },
        );
      if (holdsResidentNumber(one)) throw new ResidentNumberRefused(name.slice(0, 40));
    }
    fields.set(
      name,
      values.map((one) => one.trim()),
    );
  }
  return {
    text: (name) => fields.get(name)?.[0] ?? '',
    all: (name) => fields.get(name) ?? [],
    has: (name) => fields.has(name),
  };
}
