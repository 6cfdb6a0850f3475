/**
 * What an agency's JSON Schema may say. A schema runs on every event of its type, for everybody, so only keywords whose cost is plain are
 * admitted, and nothing that names or refers: no `$id`, no anchors, no references, no combinations.
 */
import { patternFault } from './cheap-pattern.ts';
import type { Fault } from './errors.ts';
import { isDeeperThan } from './json-shape.ts';

const KEYWORDS = new Set(
  `type properties required additionalProperties items minItems maxItems uniqueItems enum const minLength maxLength pattern format minimum
   maximum exclusiveMinimum exclusiveMaximum multipleOf title description default examples $schema $comment`.split(
    /\s+/,
  ),
);
const MAX_BYTES = 32_768;
const MAX_DEPTH = 16;
/** Of the JSON text; a level of schema takes two. */
const MAX_JSON_DEPTH = 64;
const MAX_UNIQUE_ITEMS = 1_000;

/** Every fault of a schema, with pointers below `at`; empty where it is admitted. Whether it is a valid schema is for the compiler to say. */
export function schemaFaults(schema: unknown, at: string): Fault[] {
  if (isDeeperThan(schema, MAX_JSON_DEPTH)) return [{ pointer: at, message: 'is nested too deep' }];
  if (Buffer.byteLength(JSON.stringify(schema)) > MAX_BYTES)
    return [{ pointer: at, message: `must have at most ${MAX_BYTES} bytes` }];
  const faults: Fault[] = [];
  check(schema, at, 1, faults);
  return faults;
}

function check(schema: unknown, at: string, depth: number, faults: Fault[]): void {
  const fault = (keyword: string, message: string) =>
    faults.push({ pointer: `${at}${keyword === '' ? '' : `/${escapePointer(keyword)}`}`, message });
  if (!isObject(schema)) {
    fault('', 'must be a schema object');
    return;
  }
  if (depth > MAX_DEPTH) {
    fault('', `must be nested at most ${MAX_DEPTH} deep`);
    return;
  }
  for (const keyword of Object.keys(schema))
    if (!KEYWORDS.has(keyword)) fault(keyword, 'is no keyword that a schema may use here');
  const { properties, items, pattern, additionalProperties, uniqueItems, maxItems } = schema;
  if (additionalProperties !== undefined && typeof additionalProperties !== 'boolean')
    fault('additionalProperties', 'must be true or false');
  const bounded = typeof maxItems === 'number' && maxItems <= MAX_UNIQUE_ITEMS;
  if (uniqueItems !== undefined && uniqueItems !== false && !bounded)
    fault('uniqueItems', `needs maxItems of at most ${MAX_UNIQUE_ITEMS}`);
  if (typeof pattern === 'string') {
    const message = patternFault(pattern);
    if (message !== undefined) fault('pattern', message);
  }
  if (items !== undefined) check(items, `${at}/items`, depth + 1, faults);
  if (properties === undefined) return;
  if (!isObject(properties)) fault('properties', 'must be an object');
  else
    for (const [name, property] of Object.entries(properties))
      check(property, `${at}/properties/${escapePointer(name)}`, depth + 1, faults);
}

export function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
