/**
 * What a draft would do, for whoever is writing it: what is wrong with it and how its test citizens come out, when its stages fall due, how
 * its texts read. Nothing is saved and nobody is looked up: the data of an event are an example's, and values of citizens are made up.
 */
import { Type } from 'typebox';
import { type Clock, dayOf } from '../../domain/clock.ts';
import { AllimError, type Fault } from '../../domain/errors.ts';
import type { EventType } from '../../domain/event.ts';
import { ZONE } from '../../domain/jurisdiction.ts';
import type { Rule, Stage } from '../../domain/rule.ts';
import { deadlineOf, dueOf, rollDeadline } from '../../domain/timeline.ts';
import { evaluateOverEvent } from '../../domain/value.ts';
import { nameOfDayOff, WORKING_DAYS } from '../../domain/working-days.ts';
import { needAgency } from '../../producers/credential.ts';
import type { Fields } from '../../rules/catalogue.ts';
import { judgeTests } from '../../rules/check/tests.ts';
import { readExpression } from '../../rules/check/typing.ts';
import type { RuleFault } from '../../rules/refusals.ts';
import type { Catalogue } from '../../store/catalogue.ts';
import type { TemplatePreviews } from '../../templates/previews.ts';
import { type Endpoint, endpoint, invalid, ok } from './endpoint.ts';

export type DraftingParts = {
  readonly catalogue: Catalogue;
  readonly clock: Clock;
  readonly ruleFields: Fields;
  /** The rule as it would be kept, or `rule-invalid` with its faults. */
  readonly checkRule: (json: unknown) => Rule | Promise<Rule>;
  readonly previewsOf: (
    rule: Rule,
    event: Readonly<Record<string, unknown>>,
    edited: Readonly<Record<string, Readonly<Record<string, string>>>>,
  ) => Promise<TemplatePreviews>;
};

const Files = Type.Record(Type.String({ maxLength: 64 }), Type.String({ maxLength: 20_000 }));
const Day = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' });
/** As far as it has come; each question says what it needs of it. */
const Draft = Type.Object(
  { agency: Type.String({ maxLength: 32 }), on: Type.String({ maxLength: 200 }) },
  { additionalProperties: true },
);
type DraftRule = Partial<Rule> & Pick<Rule, 'agency' | 'on'>;

async function typeOf(catalogue: Catalogue, { on, agency }: DraftRule): Promise<EventType> {
  const type = catalogue.current().eventTypes.get(on) ?? (await catalogue.refresh()).eventTypes.get(on);
  if (type === undefined)
    throw new AllimError('event-type-unknown', `no event type ${on.slice(0, 128)} is known`);
  if (type.agency !== agency) throw new AllimError('forbidden', 'the event type belongs to another agency');
  return type;
}

function exampleOf(type: EventType, index = 0): Readonly<Record<string, unknown>> {
  const example = type.examples[index];
  if (example === undefined) throw invalid('/example', 'the event type has no such example');
  return example;
}

/** Every fault at once, and how each test citizen comes out; what a save would refuse is told and not refused. */
export const checkDraft = (parts: DraftingParts): Endpoint =>
  endpoint({
    reads: true,
    body: Type.Object({ rule: Draft }, { additionalProperties: false }),
    answer: async ({ body, caller }) => {
      const draft = body.rule as DraftRule;
      needAgency(caller(), draft.agency);
      const type = await typeOf(parts.catalogue, draft);
      let faults: readonly Fault[] = [];
      try {
        await parts.checkRule(draft);
      } catch (error) {
        if (!(error instanceof AllimError) || error.code !== 'rule-invalid') throw error;
        faults = error.faults;
      }
      return ok({ faults, tests: testsOf(draft, type, parts.ruleFields) });
    },
  });

/** Of the tests that can be read, while the condition is one; null for the others. */
function testsOf(
  { agency, condition, tests }: DraftRule,
  eventType: EventType,
  fields: Fields,
): readonly (string | null)[] {
  if (!Array.isArray(tests)) return [];
  const faults: RuleFault[] = [];
  const scope = { fields, agency, eventType, citizen: true };
  const node = readExpression(condition, '/condition', scope, faults, 'boolean');
  if (node === undefined || faults.length > 0) return tests.map(() => null);
  return tests.map((test) => {
    const readable =
      typeof test?.asOf === 'string' && isRecord(test.citizen) && isRecord(test.event) ? [test] : [];
    return judgeTests(readable, node, eventType, fields)[0]?.found ?? null;
  });
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

const OFFSET = '^-?P(?=[0-9])([0-9]{1,3}M)?([0-9]{1,3}W)?([0-9]{1,4}D)?$';
const StageShape = Type.Object(
  {
    kind: Type.String({ maxLength: 64 }),
    anchor: Type.Unknown(),
    offset: Type.String({ pattern: OFFSET }),
    time: Type.Optional(Type.String({ pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$' })),
    workingDay: Type.Optional(Type.Unsafe<'previous' | 'next'>({ enum: ['previous', 'next'] })),
  },
  { additionalProperties: false },
);
/** Longer than any rule plans ahead, and little enough to draw. */
const MOST_DAYS = 800;

/** When the stages of a draft fall due, for an event that arrives on a day: this day unless told. With the days off in between. */
export const timelineOfDraft = ({ catalogue, clock }: DraftingParts): Endpoint =>
  endpoint({
    reads: true,
    body: Type.Object(
      {
        rule: Type.Object(
          {
            ...Draft.properties,
            deadline: Type.Optional(
              Type.Object({
                at: Type.Unknown(),
                ifDayOff: Type.Optional(Type.Unsafe<'next' | 'keep'>({ enum: ['next', 'keep'] })),
              }),
            ),
            stages: Type.Array(StageShape, { maxItems: 20 }),
          },
          { additionalProperties: true },
        ),
        example: Type.Optional(Type.Integer({ minimum: 0, maximum: 99 })),
        arrivesOn: Type.Optional(Day),
      },
      { additionalProperties: false },
    ),
    answer: async ({ body, caller }) => {
      const rule = body.rule as unknown as Rule;
      needAgency(caller(), rule.agency);
      const data = exampleOf(await typeOf(catalogue, rule), body.example);
      const arrivesOn = body.arrivesOn ?? dayOf(clock.nowMs());
      const arrivedMs = middayOf(arrivesOn);
      const written = rule.deadline === undefined ? null : evaluateOverEvent(rule.deadline.at, data);
      const deadline = deadlineOf(rule, data, WORKING_DAYS);
      const stages = rule.stages.map((stage: Stage) => {
        const due = dueOf(rule, stage, { data, arrivedMs }, WORKING_DAYS);
        return { kind: stage.kind, dueAt: due === null ? null : new Date(due).toISOString() };
      });
      return ok({
        arrivesOn,
        deadline,
        /** As the event says it, where a day off moved it. */
        moved:
          typeof written === 'string' &&
          rollDeadline({ ...rule, deadline: { at: '' } }, written, WORKING_DAYS) !== deadline
            ? written
            : null,
        stages,
        daysOff: daysOffBetween(daysShown(arrivesOn, deadline, stages)),
      });
    },
  });

function middayOf(day: string): number {
  try {
    return Temporal.PlainDate.from(day).toZonedDateTime({ timeZone: ZONE, plainTime: '12:00' })
      .epochMilliseconds;
  } catch {
    throw invalid('/arrivesOn', 'must be a day of the calendar');
  }
}

function daysShown(
  arrivesOn: string,
  deadline: string | null,
  stages: readonly { readonly dueAt: string | null }[],
): readonly [first: string, last: string] {
  const days = [arrivesOn, ...(deadline === null ? [] : [deadline])];
  for (const { dueAt } of stages) if (dueAt !== null) days.push(dayOf(Date.parse(dueAt)));
  days.sort();
  return [days[0]!, days.at(-1)!];
}

function daysOffBetween([first, last]: readonly [string, string]): { day: string; name: string | null }[] {
  const found: { day: string; name: string | null }[] = [];
  let day = Temporal.PlainDate.from(first).with({ day: 1 });
  const end = Temporal.PlainDate.from(last).with({ day: 1 }).add({ months: 1 });
  for (let count = 0; count < MOST_DAYS && Temporal.PlainDate.compare(day, end) < 0; count++) {
    const text = day.toString();
    if (WORKING_DAYS.isDayOff(text)) found.push({ day: text, name: nameOfDayOff(text) });
    day = day.add({ days: 1 });
  }
  return found;
}

/** How the texts of a draft read: by channel and language, with what is wrong, what is missing and how long each may become. */
export const previewsOfDraft = (parts: DraftingParts): Endpoint =>
  endpoint({
    reads: true,
    body: Type.Object(
      {
        rule: Type.Object(
          {
            ...Draft.properties,
            channels: Type.Array(Type.Unsafe<'push' | 'email' | 'sms'>({ enum: ['push', 'email', 'sms'] }), {
              maxItems: 3,
            }),
            templates: Type.Record(Type.String({ maxLength: 64 }), Type.String({ maxLength: 64 })),
          },
          { additionalProperties: true },
        ),
        /** Texts that are not saved yet: name → file → text. */
        edited: Type.Optional(Type.Record(Type.String({ maxLength: 64 }), Files)),
        example: Type.Optional(Type.Integer({ minimum: 0, maximum: 99 })),
      },
      { additionalProperties: false },
    ),
    answer: async ({ body, caller }) => {
      const rule = body.rule as unknown as Rule;
      needAgency(caller(), rule.agency);
      const type = await typeOf(parts.catalogue, rule);
      return ok(await parts.previewsOf(rule, exampleOf(type, body.example), body.edited ?? {}));
    },
  });
