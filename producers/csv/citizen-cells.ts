/** Cells of a row as the body that a `PUT /api/v1/citizens/{id}` would have had, and back: which column a fault of that body means. */
import { Ajv } from 'ajv';
import type { Static } from 'typebox';
import { AllimError } from '../../domain/errors.ts';
import { faultsOf } from '../../domain/event-types.ts';
import { CitizenBody, isCitizenId } from '../citizen-body.ts';
import type { Row } from './rows.ts';

/** What a cell of a field holds; the field catalogue belongs to `rules`, so it is handed in. */
export type FieldType = 'text' | 'number' | 'boolean' | 'json';

/** Columns beside the fields of the catalogue. */
export const OWN_COLUMNS = ['citizen', 'sms', 'email', 'verified', 'locale', 'zone'] as const;

const isBody = new Ajv({ allErrors: true, strict: false }).compile<Static<typeof CitizenBody>>(CitizenBody);

/** The body that a PUT would have had. Throws `profile-invalid` with pointers into it. */
export function bodyOf(
  { cells }: Row,
  names: readonly string[],
  fields: ReadonlyMap<string, FieldType>,
): { id: string; body: Static<typeof CitizenBody> } {
  const own = new Map<string, string>();
  const attributes: Record<string, unknown> = {};
  for (const [index, name] of names.entries()) {
    const cell = cells[index]!;
    if (cell === '') continue;
    const type = fields.get(name);
    if (type === undefined) own.set(name, cell);
    else attributes[name] = typed(cell, type);
  }
  const id = own.get('citizen') ?? '';
  if (!isCitizenId(id)) throw invalid('/citizen', 'must be a text of 1 to 64 characters');
  const verified = own.get('verified')?.toLowerCase();
  if (verified !== undefined && verified !== 'true' && verified !== 'false')
    throw invalid('/verified', 'must be true or false');
  const contactPoints = (['sms', 'email'] as const).flatMap((channel) => {
    const address = own.get(channel)?.trim();
    if (address === undefined) return [];
    return [{ channel, address, ...(verified === undefined ? {} : { verified: verified === 'true' }) }];
  });
  const body = {
    ...(Object.keys(attributes).length === 0 ? {} : { attributes }),
    ...(own.has('locale') ? { locale: own.get('locale')! } : {}),
    ...(own.has('zone') ? { zone: own.get('zone')! } : {}),
    ...(contactPoints.length === 0 ? {} : { contactPoints }),
  };
  if (Object.keys(body).length === 0) throw invalid('', 'says nothing about the citizen');
  if (!isBody(body))
    throw new AllimError('profile-invalid', 'the profile is not valid', { faults: faultsOf(isBody.errors) });
  return { id, body };
}

function invalid(pointer: string, message: string): AllimError {
  return new AllimError('profile-invalid', 'the profile is not valid', { faults: [{ pointer, message }] });
}

/** A cell as the catalogue wants it, or as it is, and then the catalogue says what is wrong with it. */
function typed(cell: string, type: FieldType): unknown {
  const text = cell.trim();
  if (type === 'number' && /^-?\d{1,15}(\.\d{1,15})?$/.test(text)) return Number(text);
  if (type === 'boolean' && /^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  if (type === 'json')
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return text;
    }
  return text;
}

export function columnOf(pointer: string, { cells }: Row, names: readonly string[]): string {
  const [first = '', second = ''] = pointer.split('/').slice(1);
  if (first === 'attributes') return second;
  if (first !== 'contactPoints') return first;
  // In the order in which bodyOf has put them.
  const given = ['sms', 'email'].filter((name) => names.includes(name) && cells[names.indexOf(name)] !== '');
  return given[Number(second)] ?? '';
}
