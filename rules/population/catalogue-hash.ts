/** Which catalogue a snapshot or a binary profile was written under. */
import { hash } from 'node:crypto';
import { FIRST_PROFILE_DAY, type Fields } from '../catalogue.ts';

/** Of what decides the codes of values: what holds codes would be read as something else under another catalogue. Words do not count. */
export function catalogueHash(fields: Fields): string {
  const shown = [...fields.values()].map((field) =>
    JSON.stringify(field, (key, value: unknown) => {
      if (value instanceof RegExp) return value.source;
      const said = ['labels', 'valueLabels', 'purpose', 'legalBasis', 'agencies', 'sensitivity'];
      return said.includes(key) ? undefined : value;
    }),
  );
  return hash('sha256', JSON.stringify([FIRST_PROFILE_DAY, shown]), 'hex');
}
