/** The rules that a question names: live, of a version, or a draft in the body; and with which event and day they are asked about. */
import { Type } from 'typebox';
import { dayOf } from '../../domain/clock.ts';
import { AllimError } from '../../domain/errors.ts';
import type { EventType } from '../../domain/event.ts';
import type { Expression, Rule } from '../../domain/rule.ts';
import type { SqlPool } from '../../domain/sql.ts';
import { type Credential, isOwn, needAgency } from '../../producers/credential.ts';
import { parseDay } from '../../rules/calendar.ts';
import { dataChecker } from '../../rules/check/shape.ts';
import type { Asked } from '../../rules/run/question.ts';
import type { Catalogue } from '../../store/catalogue.ts';
import { ruleOfVersion } from '../../store/rule-versions.ts';
import { invalid } from './endpoint.ts';

export const Day = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' });
export const Purpose = Type.String({ minLength: 1, maxLength: 500 });
/** As far as a draft has come: what says whom it concerns. */
export const Draft = Type.Object(
  {
    id: Type.Optional(Type.String({ maxLength: 64 })),
    agency: Type.String({ maxLength: 32 }),
    on: Type.String({ maxLength: 128 }),
    condition: Type.Unknown(),
    reach: Type.Optional(Type.Unsafe<'certain' | 'possible'>({ enum: ['certain', 'possible'] })),
  },
  { additionalProperties: true },
);
export const RuleRef = Type.Union([
  Type.Object(
    { rule: Type.String({ maxLength: 64 }), version: Type.Optional(Type.Integer({ minimum: 1 })) },
    { additionalProperties: false },
  ),
  Type.Object({ draft: Draft }, { additionalProperties: false }),
]);
export type Ref =
  | { readonly rule: string; readonly version?: number }
  | {
      readonly draft: Pick<Rule, 'agency' | 'on'> & {
        readonly condition: unknown;
        readonly id?: string;
        readonly reach?: Rule['reach'];
      };
    };

export type AskedParts = {
  readonly pool: SqlPool;
  readonly catalogue: Catalogue;
  readonly clock: { nowMs(): number };
};
export type With = {
  readonly asOf?: string | undefined;
  readonly event?: Readonly<Record<string, unknown>> | undefined;
  /** Which of the event type's examples stands for the event; the first unless told. */
  readonly example?: number | undefined;
};

/**
 * Throws `not-found`, also for a rule of another agency, `forbidden` for a draft of one, and `request-invalid` for an event that is none of its
 * type.
 */
export async function askedOf(parts: AskedParts, ref: Ref, given: With, caller: Credential): Promise<Asked> {
  if ('draft' in ref) needAgency(caller, ref.draft.agency);
  const { agency, on, condition, reach } = 'draft' in ref ? ref.draft : await ruleOf(parts, ref, caller);
  const eventType = await typeOf(parts.catalogue, on, agency);
  const asOf = given.asOf ?? dayOf(parts.clock.nowMs());
  if (Number.isNaN(parseDay(asOf))) throw invalid('/asOf', 'must be a day of the calendar');
  return {
    condition: condition as Expression,
    agency,
    eventType,
    event: eventOf(eventType, given),
    asOf,
    reach: reach ?? 'certain',
  };
}

async function ruleOf(
  { pool, catalogue }: AskedParts,
  { rule, version }: { readonly rule: string; readonly version?: number },
  caller: Credential,
): Promise<Rule> {
  const found =
    version === undefined
      ? (await catalogue.refresh()).rules.get(rule)?.rule
      : await ruleOfVersion(pool, rule, version);
  if (found === undefined || !isOwn(caller, found.agency))
    throw new AllimError('not-found', 'there is no such rule, or none of it is live', { ids: { rule } });
  return found;
}

async function typeOf(catalogue: Catalogue, name: string, agency: string): Promise<EventType> {
  const type = catalogue.current().eventTypes.get(name) ?? (await catalogue.refresh()).eventTypes.get(name);
  if (type === undefined)
    throw new AllimError('event-type-unknown', `no event type ${name.slice(0, 128)} is known`);
  if (type.agency !== agency) throw new AllimError('forbidden', 'the event type belongs to another agency');
  return type;
}

function eventOf(type: EventType, { event, example = 0 }: With): Readonly<Record<string, unknown>> {
  if (event === undefined) {
    const found = type.examples[example];
    if (found === undefined) throw invalid('/example', 'the event type has no such example');
    return found;
  }
  const faults = dataChecker(type.schema)(event, '/event');
  if (faults.length > 0)
    throw new AllimError('request-invalid', `the event: ${faults[0]!.pointer} ${faults[0]!.message}`, {
      faults,
    });
  return event;
}
