/**
 * The known event types, compiled: whether an event is of a known type, from a source that may say so, with data that fits.
 */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { PATTERN_TEXT_LENGTH } from './cheap-pattern.ts';
import { AllimError, type Fault, messageOf } from './errors.ts';
import { type CloudEvent, EVENT_EFFECTS, type EventType } from './event.ts';
import { schemaFaults } from './event-schema.ts';

export function createSchemaCompiler(): Ajv2020 {
  const ajv = new Ajv2020({
    allErrors: true,
    strict: true,
    strictRequired: false,
    allowUnionTypes: true,
    code: { regExp: Object.assign(shortTextPattern, { code: 'shortTextPattern' }) },
  });
  // The package is CommonJS whose default export is the plugin itself.
  (addFormats as unknown as (target: Ajv2020) => void)(ajv);
  return ajv;
}

let shared: Ajv2020 | undefined;

/**
 * One compiler for all: each of its own would compile the language of schemas first, 20 ms a time. What was compiled is forgotten by it, so
 * that nothing piles up; admitted schemas have no names by which two could meet.
 */
function compileOnce(schema: object): ValidateFunction {
  shared ??= createSchemaCompiler();
  try {
    return shared.compile(schema);
  } finally {
    shared.removeSchema(schema);
  }
}

/** Every keyword is looked at even where maxLength has failed, so a pattern itself must refuse what is too long to try. */
function shortTextPattern(pattern: string, flags: string): { test(text: string): boolean } {
  const expression = new RegExp(pattern, flags);
  return { test: (text) => text.length <= PATTERN_TEXT_LENGTH && expression.test(text) };
}

/** ajv's errors as ours: a pointer to the place, with the missing or surplus name in it. */
export function faultsOf(errors: readonly ErrorObject[] | null | undefined, prefix = ''): Fault[] {
  return (errors ?? []).map((error) => {
    const params = error.params as {
      missingProperty?: string;
      additionalProperty?: string;
      allowedValues?: unknown[];
    };
    const name = params.missingProperty ?? params.additionalProperty;
    const pointer = `${prefix}${error.instancePath}${name === undefined ? '' : `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`}`;
    const values = params.allowedValues === undefined ? '' : `: ${params.allowedValues.join(', ')}`;
    const message =
      params.missingProperty !== undefined
        ? 'is missing'
        : params.additionalProperty !== undefined
          ? 'is not known'
          : `${error.message ?? 'is not valid'}${values}`;
    return { pointer, message };
  });
}

const EVENT_TYPE_SCHEMA = {
  type: 'object',
  required: ['type', 'agency', 'sources', 'effect', 'title', 'schema', 'examples'],
  additionalProperties: false,
  properties: {
    type: { type: 'string', pattern: '^[a-z][a-z0-9-]*(\\.[a-z][a-z0-9-]*){2,}$', maxLength: 128 },
    agency: { type: 'string', pattern: '^[a-z][a-z0-9-]{0,31}$' },
    sources: { type: 'array', minItems: 1, items: { type: 'string', minLength: 1, maxLength: 256 } },
    effect: { type: 'string', enum: EVENT_EFFECTS },
    obligationKind: { type: 'string', pattern: '^[a-z][a-z0-9-]{0,63}$' },
    title: { type: 'object', required: ['ko', 'en'], additionalProperties: { type: 'string', minLength: 1 } },
    schema: { type: 'object', required: ['type'], properties: { type: { const: 'object' } } },
    examples: { type: 'array', minItems: 1, items: { type: 'object' } },
  },
} as const;

export type EventTypes = {
  get(type: string): EventType | undefined;
  readonly all: readonly EventType[];
  /** Throws `event-type-unknown`, `event-type-refused`, `source-foreign` or `event-invalid` (pointers into the event). */
  check(event: CloudEvent): EventType;
};

let checkForm: ValidateFunction | undefined;

/** Checks one event type's file: form, its schema, its examples against the schema. Throws `event-invalid` with pointers. */
export function parseEventType(value: unknown): EventType {
  checkForm ??= compileOnce(EVENT_TYPE_SCHEMA);
  const check = checkForm;
  if (!check(value)) throw invalid('the event type is not valid', faultsOf(check.errors));
  const type = value as unknown as EventType;
  if ((type.effect === 'informs') !== (type.obligationKind === undefined))
    throw invalid('the event type is not valid', [
      { pointer: '/obligationKind', message: 'is needed unless the effect is informs, and only then' },
    ]);
  const faults = schemaFaults(type.schema, '/schema');
  if (faults.length > 0) throw invalid('the schema cannot be used', faults);
  let validate: ValidateFunction;
  try {
    validate = compileOnce(type.schema);
  } catch (cause) {
    throw invalid(
      'the schema cannot be used',
      [{ pointer: '/schema', message: String((cause as Error).message) }],
      cause,
    );
  }
  for (const [index, example] of type.examples.entries())
    if (!validate(example))
      throw invalid('an example does not fit the schema', faultsOf(validate.errors, `/examples/${index}`));
  return type;
}

function invalid(message: string, faults: Fault[], cause?: unknown): AllimError {
  return new AllimError(
    'event-invalid',
    `${message}: ${faults.map((f) => `${f.pointer} ${f.message}`).join('; ')}`,
    { faults, cause },
  );
}

/**
 * Compiles each type on its own, so that no schema can clash with another. What does not compile, or what could not be saved today because
 * it may cost too much, is handed to `leaveOut` and refuses its events with that reason; the others stand.
 */
export function compileEventTypes(
  types: readonly EventType[],
  leaveOut: (type: EventType, error: unknown) => void,
): EventTypes {
  const compiled = new Map<string, { type: EventType; validate: ValidateFunction }>();
  const refused = new Map<string, string>();
  for (const type of types)
    try {
      // Before it is compiled: the checks may have grown stricter since it was saved, and compiling costs as well.
      const faults = schemaFaults(type.schema, '/schema');
      if (faults.length > 0) throw invalid('the schema cannot be used', faults);
      compiled.set(type.type, { type, validate: compileOnce(type.schema) });
    } catch (error) {
      refused.set(type.type, `event type ${type.type} cannot be used: ${messageOf(error)}`);
      leaveOut(type, error);
    }
  return {
    all: [...compiled.values()].map(({ type }) => type),
    get: (type) => compiled.get(type)?.type,
    check(event) {
      const known = compiled.get(event.type);
      const why = refused.get(event.type);
      if (why !== undefined)
        throw new AllimError('event-type-refused', why, {
          faults: [{ pointer: '/type', message: 'has a schema that is not admitted' }],
        });
      if (known === undefined)
        throw new AllimError('event-type-unknown', `no event type ${event.type} is known`, {
          faults: [{ pointer: '/type', message: 'is not a known event type' }],
        });
      if (!known.type.sources.includes(event.source))
        throw new AllimError('source-foreign', `source ${event.source} may not publish ${event.type}`, {
          faults: [{ pointer: '/source', message: `must be one of ${known.type.sources.join(', ')}` }],
        });
      if (!known.validate(event.data))
        throw invalid('the data does not fit the event type', faultsOf(known.validate.errors, '/data'));
      const settlesWhat = known.type.effect === 'settles' || known.type.effect === 'withdraws';
      if (settlesWhat && event.allimobligation === undefined)
        throw invalid('the event does not say what it ends', [
          { pointer: '/allimobligation', message: 'is missing' },
        ]);
      if (
        event.allimobligation !== undefined &&
        !event.allimobligation.startsWith(`${known.type.obligationKind}/`)
      )
        throw invalid('the obligation is of another kind', [
          { pointer: '/allimobligation', message: `must begin with ${known.type.obligationKind}/` },
        ]);
      return known.type;
    },
  };
}
