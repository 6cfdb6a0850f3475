/**
 * The language as a JSON Schema (2020-12), for editors and for whoever writes rules elsewhere: `rules/language.schema.json` is what this
 * says, written by `npm run docs` and served at `GET /api/v1/rules/schema`. A schema knows no catalogue, so it lets by what
 * names an unknown field or compares two types; everything that check/ accepts it accepts.
 */
import { DIRECTIONS, LIMITS } from '../language.ts';
import { type Gives, SIGNATURES, type Signature, type Takes } from '../signatures.ts';

const ref = (name: string): object => ({ $ref: `#/$defs/${name}` });

/** Signs cannot stand in the fragment of a reference. */
const SIGNS: Readonly<Record<string, string>> = {
  '!': 'not',
  '==': 'equal',
  '!=': 'unequal',
  '<': 'less',
  '<=': 'atMost',
  '>': 'more',
  '>=': 'atLeast',
};
const nameOf = (op: string): string => `operator.${SIGNS[op] ?? op}`;

function argumentsOf(op: string, { takes, repeats }: Signature): object {
  const items = takes.map(ref);
  if (op === 'if') return { type: 'array', minItems: 3, maxItems: LIMITS.arguments, items: ref('value') };
  if (repeats) {
    const many = { type: 'array', minItems: takes.length, maxItems: LIMITS.arguments, items: items.at(-1)! };
    return { anyOf: [many, items[0]!] };
  }
  const listed = { type: 'array', prefixItems: items, minItems: items.length, maxItems: items.length };
  return items.length === 1 ? { anyOf: [listed, items[0]!] } : listed;
}

function callOf(op: string, signature: Signature): object {
  return {
    type: 'object',
    properties: { [op]: argumentsOf(op, signature) },
    required: [op],
    additionalProperties: false,
  };
}

/** Every expression that gives one of these: literals, a variable, `if`, and the operators. */
function giving(literals: object, ...gives: readonly Gives[]): object {
  const calls = Object.entries(SIGNATURES).filter(([, signature]) => gives.includes(signature.gives));
  return { anyOf: [literals, ref('variable'), ...calls.map(([op]) => ref(nameOf(op)))] };
}

export function languageSchema(): object {
  const text = { type: 'string', maxLength: LIMITS.text };
  const number = { type: 'number', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER };
  const day = { type: 'string', pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' };
  const path = { type: 'string', maxLength: LIMITS.text, pattern: '^(citizen|item|event)\\..' };
  const one = (of: object): object => ({ type: 'array', prefixItems: [of], minItems: 1, maxItems: 1 });
  const scalar = { anyOf: [{ type: 'boolean' }, number, text] };
  const places: Readonly<Record<Takes, object>> = {
    condition: giving({ type: 'boolean' }, 'condition', 'value'),
    date: giving(day, 'date', 'value'),
    integer: giving({ ...number, type: 'integer' }, 'integer', 'value'),
    value: giving(scalar, 'condition', 'date', 'integer', 'value'),
    ordered: giving({ anyOf: [number, day] }, 'date', 'integer', 'value'),
    variable: {
      type: 'object',
      properties: { var: { anyOf: [path, one(path)] } },
      required: ['var'],
      additionalProperties: false,
    },
    list: ref('variable'),
    values: {
      anyOf: [{ type: 'array', minItems: 1, maxItems: LIMITS.arguments, items: scalar }, ref('variable')],
    },
    direction: { enum: DIRECTIONS },
  };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:allim:rules:condition',
    title: 'A condition of a rule',
    description: `At most ${LIMITS.depth} deep and ${LIMITS.nodes} parts. docs/rules.md says what each operator means.`,
    $ref: '#/$defs/condition',
    $defs: {
      ...places,
      ...Object.fromEntries(
        Object.entries(SIGNATURES).map(([op, signature]) => [nameOf(op), callOf(op, signature)]),
      ),
    },
  };
}
