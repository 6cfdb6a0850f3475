/**
 * The answer to one match request. It is resolved whole, in one synchronous step, so that it stands for one position of the profiles, and
 * copies what it needs: citizens may change and slots be reused while its pages wait to be sent. Pages are cut from it afterwards.
 */
import { AllimError } from '../../domain/errors.ts';
import type { RunId } from '../../domain/ids.ts';
import {
  type AudiencePage,
  encodeRecord,
  type MatchRequest,
  PAGE_CITIZENS,
  type RunTotals,
} from '../../domain/records.ts';
import { dayText, parseDay } from '../calendar.ts';
import type { ScalarField } from '../catalogue.ts';
import type { CheckedRule } from '../check/rule.ts';
import { type Circumstances, compileNumber } from '../compile/closure.ts';
import { scan } from '../compile/columns.ts';
import { readsCitizen } from '../language.ts';
import { BLOCK_BITS, BLOCK_SLOTS, BLOCK_WORDS, type Column } from '../population/columns.ts';
import type { Population } from '../population/population.ts';

type Value = string | number | boolean | null;
/** `at(i)` is the value beside the i-th citizen of the answer, as it was when resolved. */
type ValueColumn = { readonly name: string; at(index: number): Value };

export type Answer = {
  readonly citizens: readonly string[];
  /** Parallel to citizens: 1 certain, 0 possible. */
  readonly certain: Uint8Array;
  /** Targeted: event rows parallel to citizens. */
  readonly events: readonly string[] | null;
  readonly values: readonly ValueColumn[];
  readonly unknown: readonly string[];
  readonly unknownEvents: readonly string[];
  /**
   * `matched`: what stands on the pages. `possible`: those for whom the condition is unknown; on the pages where the rule reaches them,
   * counted where it does not. `unknown`: pairs whose citizen the shard does not know. `pages` is set when they are cut.
   */
  readonly totals: Omit<RunTotals, 'pages'>;
};

/**
 * Resolves a request against the population as it is now. `valueFields` are catalogue names ("sido") that the rule's templates show.
 * Throws `rule-invalid` for one that is not in the catalogue and `record-corrupt` for a request without a question.
 */
export function resolve(
  request: MatchRequest,
  checked: CheckedRule,
  valueFields: readonly string[],
  population: Population,
): Answer {
  const asOf = parseDay(request.asOf);
  if (Number.isNaN(asOf))
    throw new AllimError('record-corrupt', 'the request: /asOf is not a day of the calendar');
  if (request.pairs !== undefined) return resolvePairs(request, checked, valueFields, population, asOf);
  if (request.event === undefined)
    throw new AllimError('record-corrupt', 'the request has neither /event nor /pairs');
  const given: Circumstances = { event: request.event.data, asOf };
  const audience = scan(checked.condition, population, given);
  const both = checked.rule.reach === 'possible';
  const count = audience.certainCount + (both ? audience.possibleCount : 0);
  const slots = new Int32Array(count);
  const certain = new Uint8Array(count);
  let found = 0;
  if (count > 0)
    for (const slot of population.order()) {
      const word = (slot >> BLOCK_BITS) * BLOCK_WORDS + ((slot & (BLOCK_SLOTS - 1)) >> 5);
      const sure = (audience.certain[word]! >>> (slot & 31)) & 1;
      if (sure === 0 && !(both && (audience.possible[word]! >>> (slot & 31)) & 1)) continue;
      slots[found] = slot;
      certain[found++] = sure;
    }
  return {
    citizens: Array.from(slots, (slot) => population.idOf(slot)),
    certain,
    events: null,
    values: valuesOf(checked, valueFields, population, slots, () => given),
    unknown: [],
    unknownEvents: [],
    totals: { matched: count, possible: audience.possibleCount, unknown: 0 },
  };
}

function resolvePairs(
  request: MatchRequest,
  checked: CheckedRule,
  valueFields: readonly string[],
  population: Population,
  asOf: number,
): Answer {
  const judge = compileNumber(checked.condition, population.source());
  const both = checked.rule.reach === 'possible';
  const citizens: string[] = [];
  const certain: number[] = [];
  const events: string[] = [];
  const slots: number[] = [];
  const circumstances: Circumstances[] = [];
  const unknown: string[] = [];
  const unknownEvents: string[] = [];
  let possible = 0;
  for (const { citizen, event } of request.pairs ?? []) {
    const slot = population.slotOf(citizen);
    if (slot === undefined) {
      unknown.push(citizen);
      unknownEvents.push(event.row);
      continue;
    }
    // Who has died is known, and in no audience.
    if (!population.isLive(slot)) continue;
    const given = { event: event.data, asOf };
    const truth = judge(slot, given);
    if (truth === 0) continue;
    const sure = truth === 1;
    if (!sure) possible++;
    if (!sure && !both) continue;
    citizens.push(citizen);
    certain.push(Number(sure));
    events.push(event.row);
    slots.push(slot);
    circumstances.push(given);
  }
  return {
    citizens,
    certain: Uint8Array.from(certain),
    events,
    values: valuesOf(
      checked,
      valueFields,
      population,
      Int32Array.from(slots),
      (index) => circumstances[index]!,
    ),
    unknown,
    unknownEvents,
    totals: { matched: citizens.length, possible, unknown: unknown.length },
  };
}

function valuesOf(
  checked: CheckedRule,
  valueFields: readonly string[],
  population: Population,
  slots: Int32Array,
  givenAt: (index: number) => Circumstances,
): ValueColumn[] {
  const columns = valueFields.map((name): ValueColumn => {
    const field = population.layout.fields.get(name);
    if (field === undefined || field.type === 'list')
      throw new AllimError(
        'rule-invalid',
        `a template of the rule names citizen.${name}, which is not in the field catalogue`,
        {
          ids: { rule: checked.rule.id },
        },
      );
    return copied(population.column(field as ScalarField), slots);
  });
  if (checked.deadline !== undefined && readsCitizen(checked.deadline)) {
    const deadline = compileNumber(checked.deadline, population.source());
    const days = Float64Array.from(slots, (slot, index) => deadline(slot, givenAt(index)));
    columns.push({ name: 'deadline', at: (index) => dateOrNull(days[index]!) });
  }
  return columns;
}

function dateOrNull(day: number): string | null {
  return Number.isNaN(day) ? null : dayText(day);
}

function copied(column: Column, slots: Int32Array): ValueColumn {
  const name = `citizen.${column.field.name}`;
  const raw = Float64Array.from(slots, (slot) => column.raw(slot));
  switch (column.field.type) {
    case 'date':
      return { name, at: (index) => dateOrNull(column.numberOf(raw[index]!)) };
    case 'boolean':
      return { name, at: (index) => (raw[index] === 0 ? null : raw[index] === 2) };
    case 'enum':
    case 'string':
      return { name, at: (index) => column.textOf(raw[index]!) ?? null };
    default:
      return {
        name,
        at: (index) => {
          const value = column.numberOf(raw[index]!);
          return Number.isNaN(value) ? null : value;
        },
      };
  }
}

export type RunHead = { readonly run: RunId; readonly profileOffset: number };

/** The broker takes 1 MiB a record, headers and framing included. */
const PAGE_BYTES = 1_048_576 - 4_096;

/**
 * Cuts an answer into encoded pages, one at a time: citizens first, then the pairs nobody knew; at most 5,000 of both on a page, fewer
 * where long ids would make the record too large for the broker. There is always a last page, if an empty one.
 */
export function* pagesOf(
  request: MatchRequest,
  answer: Answer,
  head: RunHead,
): Generator<Buffer, void, undefined> {
  const known = answer.citizens.length;
  const all = known + answer.unknown.length;
  let page = 0;
  let at = 0;
  do {
    let size = Math.min(PAGE_CITIZENS, all - at);
    let encoded = encodePage(request, answer, head, page, at, size, all);
    while (encoded.length > PAGE_BYTES && size > 1) {
      size = Math.ceil(size / 2);
      encoded = encodePage(request, answer, head, page, at, size, all);
    }
    yield encoded;
    page++;
    at += size;
  } while (at < all);
}

function encodePage(
  request: MatchRequest,
  answer: Answer,
  head: RunHead,
  page: number,
  from: number,
  size: number,
  all: number,
): Buffer {
  const known = answer.citizens.length;
  const to = Math.min(from + size, known);
  const [unknownFrom, unknownTo] = [Math.max(0, from - known), Math.max(0, from + size - known)];
  const last = from + size >= all;
  const start = Math.min(from, known);
  const body: AudiencePage = {
    fanout: request.fanout,
    stageRun: request.stageRun,
    request: request.request,
    run: head.run,
    page,
    last,
    profileOffset: head.profileOffset,
    totals: last ? { ...answer.totals, pages: page + 1 } : null,
    citizens: answer.citizens.slice(start, to),
    reach: Array.from(answer.certain.subarray(start, to), (sure) => (sure === 1 ? 'certain' : 'possible')),
    ...(answer.events === null ? {} : { events: answer.events.slice(start, to) }),
    values: Object.fromEntries(
      answer.values.map(({ name, at }) => [
        name,
        Array.from({ length: Math.max(0, to - start) }, (_, i) => at(start + i)),
      ]),
    ),
    unknown: answer.unknown.slice(unknownFrom, unknownTo),
    ...(answer.events === null ? {} : { unknownEvents: answer.unknownEvents.slice(unknownFrom, unknownTo) }),
  };
  return encodeRecord(body);
}
