/**
 * Arrays as Postgres reads them. Hot: pg writes each element quoted and escaped, whatever it is, which for a page of ids cost more than
 * deciding about them.
 */

/** Of ids, numbers, days and truths: nothing of them is ever to be quoted. */
export function plainArray(values: readonly (string | number | boolean | null)[]): string {
  return `{${values.map((value) => value ?? 'NULL').join(',')}}`;
}

/** What would end an element, or be read as something else. */
const SPECIAL = /[{}",\\\s]/;

/** Of texts that seldom need to be quoted, such as ids that others gave. */
export function textArray(values: readonly string[]): string {
  const written = values.map((value) =>
    value === '' || SPECIAL.test(value) || value.toUpperCase() === 'NULL'
      ? `"${value.replaceAll(/["\\]/g, '\\$&')}"`
      : value,
  );
  return `{${written.join(',')}}`;
}
