/**
 * Questions about the population: how many a rule concerns, who they are and what is missing, what two rules share, why one citizen. Answers
 * come from the shards and say as of which positions; small counts are hidden, and every question is logged (question-guard.ts).
 */
import { Type } from 'typebox';
import { AllimError } from '../../domain/errors.ts';
import { CITIZEN_ID } from '../../producers/citizen-body.ts';
import { type Credential, needAgency, seesSmallCounts } from '../../producers/credential.ts';
import { type Fields, LANGUAGES } from '../../rules/catalogue.ts';
import { readExpression } from '../../rules/check/typing.ts';
import { type RuleWarning, warningsOf } from '../../rules/check/warnings.ts';
import type { RuleFault } from '../../rules/refusals.ts';
import type { Asking, WholeAnswer, WholeSet } from '../../rules/run/asking.ts';
import type { Asked, SampleRow } from '../../rules/run/question.ts';
import { SINGLED_OUT } from '../../rules/run/sketch.ts';
import { logQuestion } from '../../store/questions.ts';
import { type AskedParts, askedOf, Day, Draft, Purpose, type Ref, RuleRef } from './asked-rules.ts';
import { type Endpoint, endpoint, ok } from './endpoint.ts';
import { guardAnswer } from './question-guard.ts';
import {
  channelCounts,
  type Shown,
  type ShownCells,
  shownCount,
  shownDistricts,
  shownPair,
  shownParts,
  shownShares,
} from './shown-counts.ts';

export type QuestionParts = AskedParts & {
  readonly ask: Asking;
  readonly ruleFields: Fields;
};

const SAMPLE = 20;

export type ShownAudience = {
  readonly asOf: string;
  readonly certain: Shown;
  readonly possible: Shown;
  /** Dimension → set → cell; `` is where it is missing. */
  readonly breakdown: Readonly<Record<string, Readonly<Record<string, ShownCells>>>>;
  /** By set: citizens that a channel leads to, and `none`; null while that is not known. */
  readonly channels: Readonly<Record<string, ShownCells>> | null;
  /** Of the possible, by field: those for whom it decides and is missing. */
  readonly missing: ShownCells;
  readonly sample: readonly SampleRow[];
  readonly citizens: number;
  readonly offsets: readonly (number | null)[];
  readonly reachAt: string | null;
  readonly partial: boolean;
};

function stateOf({ citizens, offsets, reachAtMs, partial }: WholeAnswer) {
  return {
    citizens,
    offsets,
    reachAt: reachAtMs === null ? null : new Date(reachAtMs).toISOString(),
    partial,
  };
}

export function shownAudience(answer: WholeAnswer, asOf: string, exact: boolean): ShownAudience {
  const { certain, possible } = answer.sets as Readonly<Record<'certain' | 'possible', WholeSet>>;
  const sets = Object.entries({ certain, possible });
  const bySet = (of: (set: WholeSet) => ShownCells) =>
    Object.fromEntries(sets.map(([name, set]) => [name, of(set)]));
  const reached = certain.count + possible.count;
  const dimensions = Object.keys(certain.cells).map((name) => [
    name,
    bySet(({ cells }) =>
      name === 'sigungu'
        ? shownDistricts(cells[name]!, shownParts(cells['sido'] ?? {}, exact), exact)
        : shownParts(cells[name]!, exact),
    ),
  ]);
  const reachable = sets.every(([, set]) => set.reaches !== null);
  return {
    asOf,
    certain: shownCount(certain.count, exact),
    possible: shownCount(possible.count, exact),
    breakdown: Object.fromEntries(dimensions),
    channels: reachable ? bySet((set) => shownShares(channelCounts(set)!, set.count, exact)) : null,
    missing: shownShares(answer.missing, possible.count, exact),
    sample: exact || reached >= SINGLED_OUT ? shownSample(answer.sample, exact) : [],
    ...stateOf(answer),
  };
}

/** Districts are too small to stand beside age and sex. In the order of pseudonyms, so that no shard is preferred. */
function shownSample(rows: readonly SampleRow[], exact: boolean): SampleRow[] {
  return rows
    .toSorted((a, b) => (a.pseudonym < b.pseudonym ? -1 : 1))
    .slice(0, SAMPLE)
    .map(({ cells: { sigungu, ...cells }, ...row }) => ({
      ...row,
      cells: exact && sigungu !== undefined ? { ...cells, sigungu } : cells,
    }));
}

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
      const answer = await parts.ask({ kind: 'audience', asked, detail: true, sample: SAMPLE });
      await guardAnswer(parts.pool, caller(), about('audience', params.id, asked, why), answer);
      return ok(shownAudience(answer, asked.asOf, seesSmallCounts(caller())));
    },
  });

/** What is logged, and by what a question is known again. The schema of the event type is not part of it. */
function about(
  kind: 'audience' | 'preview',
  rule: string | null,
  { eventType, ...asked }: Asked,
  purpose: string | undefined,
) {
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
        const answer = await parts.ask(
          { kind: 'audience', asked, detail: true, sample: SAMPLE },
          { signal: mine.signal },
        );
        await guardAnswer(parts.pool, caller(), about('preview', rule.id ?? null, asked, why), answer);
        return ok({ ...shownAudience(answer, asked.asOf, seesSmallCounts(caller())), warnings });
      } finally {
        if (running.get(key) === mine) running.delete(key);
      }
    },
  });
};

/** Two audiences: what they share (`both`, `stay`), and what each has alone. */
const pair = (parts: QuestionParts, kind: 'overlap' | 'difference'): Endpoint =>
  endpoint({
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
      const answer = await parts.ask({ kind: 'pair', first: first!, second: second! });
      const asked = [first!, second!].map((one) => ({ ...one, eventType: one.eventType.type }));
      const rule = 'rule' in body.first ? body.first.rule : null;
      await guardAnswer(parts.pool, caller(), { kind, rule, asked, purpose: why ?? null }, answer);
      const { both, onlyFirst, onlySecond } = answer.sets as Readonly<Record<string, WholeSet>>;
      const shown = shownPair(
        { both: both!.count, first: onlyFirst!.count, second: onlySecond!.count },
        seesSmallCounts(caller()),
      );
      return ok({
        asOf: first!.asOf,
        ...(kind === 'overlap'
          ? { both: shown.both, onlyFirst: shown.first, onlySecond: shown.second }
          : { stay: shown.both, leave: shown.first, enter: shown.second }),
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
    answer: async ({ params, query, caller }) => {
      const { rule, version, asOf, example, language = 'ko', why } = query;
      const ref = { rule, ...(version === undefined ? {} : { version: Number(version) }) };
      const given = { asOf, ...(example === undefined ? {} : { example: Number(example) }) };
      const asked = await askedOf(parts, ref, given, caller());
      const answer = await parts.ask({ kind: 'citizen', citizen: params.id, asked, language });
      await logExplanation(parts, caller(), { ...asked, citizen: params.id }, rule, why, answer);
      if (answer.explanation == null && answer.partial)
        throw new AllimError('shards-unavailable', 'the shard of this citizen did not answer');
      if (answer.explanation == null)
        throw new AllimError('not-found', 'no profile of this citizen is known', { ids: { rule } });
      return ok({ citizen: params.id, rule, asOf: asked.asOf, ...answer.explanation, ...stateOf(answer) });
    },
  });

async function logExplanation(
  { pool }: QuestionParts,
  caller: Credential,
  { eventType, ...asked }: Asked & { readonly citizen: string },
  rule: string,
  why: string | undefined,
  answer: WholeAnswer,
): Promise<void> {
  needAgency(caller, asked.agency);
  await logQuestion(pool, {
    caller: caller.id,
    agency: caller.agency,
    kind: 'explanation',
    rule,
    asked: { ...asked, eventType: eventType.type },
    purpose: why ?? null,
    outcome: answer.partial ? 'partial' : 'answered',
    offsets: answer.offsets,
    sets: [],
  });
}
