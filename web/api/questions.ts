/**
 * Questions about the population: how many a rule concerns, who they are and what is missing, what two rules share, why one citizen. Answers
 * come from the shards and say as of which positions; small counts are hidden, and every question is logged (question-guard.ts).
 */
import { Type } from 'typebox';
import { AllimError } from '../../domain/errors.ts';
import { CITIZEN_ID } from '../../producers/citizen-body.ts';
import { seesSmallCounts } from '../../producers/credential.ts';
import { type Fields, LANGUAGES } from '../../rules/catalogue.ts';
import { readExpression } from '../../rules/check/typing.ts';
import { type RuleWarning, warningsOf } from '../../rules/check/warnings.ts';
import type { RuleFault } from '../../rules/refusals.ts';
import type { Asking, WholeAnswer } from '../../rules/run/asking.ts';
import type { Asked, SetName } from '../../rules/run/question.ts';
import { type AskedParts, askedOf, Day, Draft, Purpose, type Ref, RuleRef } from './asked-rules.ts';
import { type Endpoint, endpoint, needSystem, ok } from './endpoint.ts';
import { type AboutQuestion, askGuarded, tellings } from './question-guard.ts';
import { SAMPLE, shownAudience, stateOf } from './shown-audience.ts';
import { mustRound, shownPartition } from './shown-counts.ts';

export type QuestionParts = AskedParts & {
  readonly ask: Asking;
  readonly ruleFields: Fields;
};

export const audience = (parts: QuestionParts): Endpoint =>
  endpoint({
    params: Type.Object({ id: Type.String({ maxLength: 64 }) }),
    query: Type.Object(
      {
        asOf: Type.Optional(Day),
        version: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,8}$' })),
        example: Type.Optional(Type.String({ pattern: '^[0-9]{1,2}$' })),
        why: Type.Optional(Purpose),
      },
      { additionalProperties: false },
    ),
    answer: async ({ params, query, caller }) => {
      const { asOf, version, example, why } = query;
      const ref = { rule: params.id, ...(version === undefined ? {} : { version: Number(version) }) };
      const given = { asOf, ...(example === undefined ? {} : { example: Number(example) }) };
      const asked = await askedOf(parts, ref, given, caller());
      const answer = await askGuarded(parts, caller(), about('audience', params.id, asked, why), {
        kind: 'audience',
        asked,
        detail: true,
        sample: SAMPLE,
      });
      return ok(shownAudience(answer, asked.asOf, seesSmallCounts(caller())));
    },
  });

/** What is logged, and by what a question is known again. The schema of the event type is not part of it. */
function about(
  kind: 'audience' | 'preview',
  rule: string | null,
  { eventType, ...asked }: Asked,
  purpose: string | undefined,
): AboutQuestion {
  return { kind, rule, asked: { ...asked, eventType: eventType.type }, purpose: purpose ?? null };
}

/** What is wrong with a condition is said before any shard is asked. */
export function warningsOfDraft(asked: Asked, fields: Fields): readonly RuleWarning[] {
  const faults: RuleFault[] = [];
  const { agency, eventType } = asked;
  const node = readExpression(
    asked.condition,
    '/condition',
    { fields, agency, eventType, citizen: true },
    faults,
    'boolean',
  );
  if (node === undefined || faults.length > 0)
    throw new AllimError('rule-invalid', `the rule: ${faults[0]?.pointer} ${faults[0]?.message}`, { faults });
  return warningsOf(node, '/condition');
}

export const preview = (parts: QuestionParts): Endpoint => {
  /** By caller and screen: the question that a newer one replaces. */
  const running = new Map<string, AbortController>();
  return endpoint({
    reads: true,
    body: Type.Object(
      {
        rule: Draft,
        asOf: Type.Optional(Day),
        event: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
        example: Type.Optional(Type.Integer({ minimum: 0, maximum: 99 })),
        /** Which of the caller's screens asks; each has one question at a time. */
        session: Type.Optional(Type.String({ maxLength: 64 })),
        why: Type.Optional(Purpose),
      },
      { additionalProperties: false },
    ),
    answer: async ({ body, caller }) => {
      const key = `${caller().id}/${body.session ?? ''}`;
      running.get(key)?.abort(new AllimError('question-superseded', 'the caller asked something newer'));
      const mine = new AbortController();
      running.set(key, mine);
      try {
        const { rule, asOf, event, example, why } = body;
        const asked = await askedOf(parts, { draft: rule as never }, { asOf, event, example }, caller());
        const warnings = warningsOfDraft(asked, parts.ruleFields);
        mine.signal.throwIfAborted();
        const answer = await askGuarded(
          parts,
          caller(),
          about('preview', rule.id ?? null, asked, why),
          { kind: 'audience', asked, detail: true, sample: SAMPLE },
          { signal: mine.signal },
        );
        return ok({ ...shownAudience(answer, asked.asOf, seesSmallCounts(caller())), warnings });
      } finally {
        if (running.get(key) === mine) running.delete(key);
      }
    },
  });
};

type Pair = Readonly<Record<'both' | 'onlyFirst' | 'onlySecond' | 'neither', number>>;

function pairOf({ sets }: WholeAnswer): Pair {
  const count = (name: SetName): number => sets[name]!.count;
  return {
    both: count('both'),
    onlyFirst: count('onlyFirst'),
    onlySecond: count('onlySecond'),
    neither: count('neither'),
  };
}

/** Two audiences: what they share (`both`, `stay`), what each has alone, and the gap that both leave. */
const pair = (parts: QuestionParts, kind: 'overlap' | 'difference'): Endpoint =>
  endpoint({
    reads: true,
    body: Type.Object(
      {
        first: RuleRef,
        second: RuleRef,
        asOf: Type.Optional(Day),
        event: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
        why: Type.Optional(Purpose),
      },
      { additionalProperties: false },
    ),
    answer: async ({ body, caller }) => {
      const { asOf, event, why } = body;
      const [first, second] = await Promise.all(
        [body.first, body.second].map((ref) => askedOf(parts, ref as Ref, { asOf, event }, caller())),
      );
      const asked = [first!, second!].map((one) => ({ ...one, eventType: one.eventType.type }));
      const rule = 'rule' in body.first ? body.first.rule : null;
      const exact = seesSmallCounts(caller());
      const answer = await askGuarded(
        parts,
        caller(),
        { kind, rule, asked, purpose: why ?? null },
        { kind: 'pair', first: first!, second: second! },
        // What is rounded tells no difference of a few.
        { told: (found) => (!exact && mustRound(pairOf(found)) ? [] : tellings(found)) },
      );
      const { both, onlyFirst, onlySecond, neither } = shownPartition(pairOf(answer), exact);
      return ok({
        asOf: first!.asOf,
        ...(kind === 'overlap'
          ? { both, onlyFirst, onlySecond, neither }
          : { stay: both, leave: onlyFirst, enter: onlySecond, neither }),
        ...stateOf(answer),
      });
    },
  });

export const overlap = (parts: QuestionParts): Endpoint => pair(parts, 'overlap');
/** From the first version to the second. */
export const difference = (parts: QuestionParts): Endpoint => pair(parts, 'difference');

export const explanation = (parts: QuestionParts): Endpoint =>
  endpoint({
    params: Type.Object({ id: Type.String({ pattern: CITIZEN_ID }) }),
    query: Type.Object(
      {
        rule: Type.String({ maxLength: 64 }),
        version: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,8}$' })),
        asOf: Type.Optional(Day),
        example: Type.Optional(Type.String({ pattern: '^[0-9]{1,2}$' })),
        language: Type.Optional(Type.Unsafe<(typeof LANGUAGES)[number]>({ enum: [...LANGUAGES] })),
        why: Type.Optional(Purpose),
      },
      { additionalProperties: false },
    ),
    answer: async ({ params, query, caller, isPerson }) => {
      needSystem({ isPerson });
      const { rule, version, asOf, example, language = 'ko', why } = query;
      const ref = { rule, ...(version === undefined ? {} : { version: Number(version) }) };
      const given = { asOf, ...(example === undefined ? {} : { example: Number(example) }) };
      const asked = await askedOf(parts, ref, given, caller());
      const answer = await askGuarded(parts, caller(), aboutCitizen(params.id, rule, asked, why), {
        kind: 'citizen',
        citizen: params.id,
        asked,
        language,
      });
      if (answer.explanation == null && answer.partial)
        throw new AllimError('shards-unavailable', 'the shard of this citizen did not answer');
      if (answer.explanation == null)
        throw new AllimError('not-found', 'no profile of this citizen is known', { ids: { rule } });
      return ok({ citizen: params.id, rule, asOf: asked.asOf, ...answer.explanation, ...stateOf(answer) });
    },
  });

function aboutCitizen(
  citizen: string,
  rule: string,
  { eventType, ...asked }: Asked,
  purpose: string | undefined,
): AboutQuestion {
  return {
    kind: 'explanation',
    rule,
    asked: { ...asked, eventType: eventType.type, citizen },
    purpose: purpose ?? null,
  };
}
