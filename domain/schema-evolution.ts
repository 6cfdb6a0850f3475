/**
 * Whether everything that one schema admitted another still admits: an event that was valid once stays so, in the log, in the ledger and
 * under the rules. Compared by structure, keyword by keyword over those of event-schema.ts; what cannot be decided so (two patterns,
 * two formats) is refused. Never admits a narrower schema; may refuse one that is as wide in other words.
 */
import type { Ajv2020 } from 'ajv/dist/2020.js';
import canonicalize from 'canonicalize';
import type { Fault } from './errors.ts';
import { escapePointer } from './event-schema.ts';

type Schema = Readonly<Record<string, unknown>>;
type JsonType = 'null' | 'boolean' | 'integer' | 'number' | 'string' | 'array' | 'object';

const TYPES: readonly JsonType[] = ['null', 'boolean', 'integer', 'number', 'string', 'array', 'object'];
/** They say nothing about what is valid. */
const SILENT = new Set(['$schema', '$comment', 'title', 'description', 'default', 'examples']);
const COMPARED = new Set(
  `type properties required additionalProperties items minItems maxItems uniqueItems enum const minLength maxLength pattern format minimum
   maximum exclusiveMinimum exclusiveMaximum multipleOf`.split(/\s+/),
);
/** Keywords that grow narrower as they rise, those that do as they fall, and the type that they speak of. */
const LEAST = [
  ['minItems', 'array'],
  ['minLength', 'string'],
] as const;
const MOST = [
  ['maxItems', 'array'],
  ['maxLength', 'string'],
] as const;

/** Every place where `after` is narrower than `before`, or may be, with pointers below `at`; empty where every old value stays valid. */
export function narrowingFaults(before: unknown, after: unknown, at: string, ajv: Ajv2020): Fault[] {
  const faults: Fault[] = [];
  compare(asSchema(before), asSchema(after), at, faults, ajv);
  return faults;
}

/** Of one that is no object nothing is known, so it counts as admitting everything. */
function asSchema(value: unknown): Schema {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Schema) : {};
}

function compare(before: Schema, after: Schema, at: string, faults: Fault[], ajv: Ajv2020): void {
  if (same(before, after)) return;
  const fault = (keyword: string, message: string) => faults.push({ pointer: `${at}/${keyword}`, message });
  const values = valuesOf(before);
  if (values !== undefined) {
    // Few values: each can be tried, on the new schema alone; the old one may be one that must not be run any more.
    const admits = ajv.compile(after);
    const lost = values.filter((value) => !admits(value)).length;
    if (lost > 0)
      faults.push({
        pointer: `${at}${narrowestOf(after)}`,
        message: `no longer admits ${lost} of the values that were admitted`,
      });
    return;
  }
  for (const keyword of Object.keys(after))
    if (!COMPARED.has(keyword) && !SILENT.has(keyword) && !same(before[keyword], after[keyword]))
      fault(keyword, 'cannot be compared with what was there');
  for (const keyword of ['enum', 'const'])
    if (after[keyword] !== undefined) fault(keyword, 'was not there: other values were admitted');
  const had = typesOf(before);
  const lost = [...had].filter((type) => !typesOf(after).has(type));
  // An integer is a number, so one that stays covers the other.
  const missing = lost.filter((type) => type !== 'integer' || !typesOf(after).has('number'));
  if (missing.length > 0) fault('type', `no longer admits ${missing.join(', ')}`);
  compareBounds(before, after, had, fault);
  compareNumbers(before, after, had, fault);
  if (had.has('string'))
    for (const keyword of ['pattern', 'format'])
      if (after[keyword] !== undefined && after[keyword] !== before[keyword])
        fault(keyword, 'is new or another one, and cannot be compared');
  if (had.has('array') && after['items'] !== undefined)
    compare(asSchema(before['items']), asSchema(after['items']), `${at}/items`, faults, ajv);
  if (had.has('object')) compareMembers(before, after, at, faults, ajv);
}

type Report = (keyword: string, message: string) => void;

function compareBounds(before: Schema, after: Schema, had: ReadonlySet<JsonType>, fault: Report): void {
  for (const [keyword, type] of LEAST)
    if (had.has(type) && number(after[keyword], 0) > number(before[keyword], 0))
      fault(keyword, `was ${number(before[keyword], 0)}`);
  for (const [keyword, type] of MOST)
    if (had.has(type) && number(after[keyword], Infinity) < number(before[keyword], Infinity))
      fault(keyword, before[keyword] === undefined ? 'was not there' : `was ${String(before[keyword])}`);
  if (had.has('array') && after['uniqueItems'] === true && before['uniqueItems'] !== true)
    fault('uniqueItems', 'was not asked for');
}

function compareNumbers(before: Schema, after: Schema, had: ReadonlySet<JsonType>, fault: Report): void {
  if (!had.has('number') && !had.has('integer')) return;
  const least = number(before['minimum'], -Infinity);
  const above = number(before['exclusiveMinimum'], -Infinity);
  const most = number(before['maximum'], Infinity);
  const below = number(before['exclusiveMaximum'], Infinity);
  const narrower: Readonly<Record<string, (bound: number) => boolean>> = {
    minimum: (bound) => least < bound && above < bound,
    exclusiveMinimum: (bound) => least <= bound && above < bound,
    maximum: (bound) => most > bound && below > bound,
    exclusiveMaximum: (bound) => most >= bound && below > bound,
  };
  for (const [keyword, isNarrower] of Object.entries(narrower)) {
    const bound = after[keyword];
    if (typeof bound === 'number' && isNarrower(bound))
      fault(keyword, before[keyword] === undefined ? 'was not there' : `was ${String(before[keyword])}`);
  }
  const [step, stepBefore] = [after['multipleOf'], before['multipleOf']];
  if (step === undefined || step === stepBefore) return;
  const whole = Number.isSafeInteger(step) && Number.isSafeInteger(stepBefore);
  const onlyIntegers = !had.has('number');
  // Of fractions a remainder is not exact, so only whole steps are compared.
  if (whole ? (stepBefore as number) % (step as number) !== 0 : !(step === 1 && onlyIntegers))
    fault('multipleOf', 'is another step');
}

function compareMembers(before: Schema, after: Schema, at: string, faults: Fault[], ajv: Ajv2020): void {
  const fault = (place: string, message: string) => faults.push({ pointer: `${at}/${place}`, message });
  const [members, membersNow] = [asSchema(before['properties']), asSchema(after['properties'])];
  const open = before['additionalProperties'] !== false;
  const required = new Set(list(before['required']));
  for (const [index, name] of list(after['required']).entries())
    if (!required.has(name)) fault(`required/${index}`, `${String(name)} was not required`);
  const closed = after['additionalProperties'] === false;
  if (open && closed) fault('additionalProperties', 'other members were admitted');
  for (const [name, schema] of Object.entries(membersNow)) {
    // One that could not be there before binds nothing old; one that could be anything must stay so.
    if (!Object.hasOwn(members, name) && !open) continue;
    const place = `${at}/properties/${escapePointer(name)}`;
    const was = Object.hasOwn(members, name) ? asSchema(members[name]) : {};
    const found: Fault[] = [];
    compare(was, asSchema(schema), place, found, ajv);
    if (Object.hasOwn(members, name) || found.length === 0) faults.push(...found);
    else
      faults.push({
        pointer: place,
        message: 'could hold anything before, since members that are not named were admitted',
      });
  }
  if (closed && !open)
    for (const name of Object.keys(members))
      if (!Object.hasOwn(membersNow, name))
        fault(`properties/${escapePointer(name)}`, 'was admitted and is no longer');
}

/** All values that a schema can admit, where it names them. */
function valuesOf(schema: Schema): readonly unknown[] | undefined {
  if (Object.hasOwn(schema, 'const')) return [schema['const']];
  return Array.isArray(schema['enum']) ? schema['enum'] : undefined;
}

/** Where a reader looks first for why a value is refused. */
function narrowestOf(schema: Schema): string {
  const found = ['const', 'enum', 'pattern', 'format', 'type'].find(
    (keyword) => schema[keyword] !== undefined,
  );
  return found === undefined ? '' : `/${found}`;
}

function typesOf(schema: Schema): ReadonlySet<JsonType> {
  const { type } = schema;
  if (type === undefined) return new Set(TYPES);
  return new Set((Array.isArray(type) ? type : [type]) as JsonType[]);
}

function number(value: unknown, absent: number): number {
  return typeof value === 'number' ? value : absent;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function same(a: unknown, b: unknown): boolean {
  // The order of members is the database's.
  return canonicalize(a) === canonicalize(b);
}
