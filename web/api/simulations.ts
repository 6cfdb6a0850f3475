/**
 * What a draft would have sent: held against a past day, or against the events of a past time, with notices by day and channel. Asks the shards
 * step by step, as anybody does, and sends nothing: no campaign, no page, no row of the ledger comes of it. It judges by what is known of
 * citizens today, on the days on which the stages would have fallen due, and each notice by the first of the rule's channels that leads
 * somewhere today; opt-outs, budgets and quiet hours are not part of it. A day whose audience differs in a few people from one that was told
 * of before is rounded.
 */
import { randomUUID } from 'node:crypto';
import { Type } from 'typebox';
import { dayOf } from '../../domain/clock.ts';
import { AllimError, messageOf } from '../../domain/errors.ts';
import type { Rule } from '../../domain/rule.ts';
import type { Channel } from '../../domain/statuses.ts';
import { dueOf } from '../../domain/timeline.ts';
import { WORKING_DAYS } from '../../domain/working-days.ts';
import { type Credential, needAgency, seesSmallCounts } from '../../producers/credential.ts';
import { REACH_BITS } from '../../rules/population/reachable.ts';
import type { WholeAnswer, WholeSet } from '../../rules/run/asking.ts';
import type { Asked, Question } from '../../rules/run/question.ts';
import {
  advanceSimulation,
  beginSimulation,
  endSimulation,
  type PastEvent,
  pastEvents,
  readSimulation,
} from '../../store/simulations.ts';
import { askedOf, Day, Purpose } from './asked-rules.ts';
import { type Endpoint, endpoint, invalid, ok } from './endpoint.ts';
import { type AboutQuestion, guard, logFailed, type Telling } from './question-guard.ts';
import type { QuestionParts } from './questions.ts';
import { type Shown, shownAbout, shownParts } from './shown-counts.ts';

export type SimulationParts = QuestionParts & {
  readonly checkRule: (json: unknown) => Rule | Promise<Rule>;
  readonly logger: { warn(fields: object, message: string): void };
};

const EVENTS = 20_000;
const PAIRS = 5_000;
const STEP_MS = 30_000;
/** A step or two are worth waiting for; more are asked about later. */
const STEPS_AWAITED = 4;
/** Beyond it every day is rounded, and none of them looked at. */
const MOST_TELLINGS = 1_000;

/** One question, and the day whose notices it counts. */
type Step = { readonly day: string; readonly question: Question };
type Volumes = Map<string, Map<Channel | 'none', number>>;
type Simulated = {
  readonly volumes: Volumes;
  /** The audiences that the volumes of a day are made of. */
  readonly tellings: readonly (Telling & { readonly day: string })[];
  readonly partial: boolean;
  readonly offsets: WholeAnswer['offsets'];
};

export type SimulationResult = {
  /** Day → channel → notices; `none` is whom no channel of the rule leads to. */
  readonly volumes: Readonly<Record<string, Readonly<Record<string, Shown>>>>;
  readonly events: number;
  /** Events that name a person by a key of the agency are left out, and those beyond 20,000. */
  readonly eventsLeftOut: number;
  readonly partial: boolean;
};

/** By the first of the rule's channels that leads to them. */
function addVolume(volumes: Volumes, day: string, set: WholeSet, channels: readonly Channel[]): void {
  const ofDay = volumes.get(day) ?? new Map<Channel | 'none', number>();
  volumes.set(day, ofDay);
  (set.reaches ?? []).forEach((count, bits) => {
    const channel = channels.find((one) => (bits & REACH_BITS[one]) !== 0) ?? 'none';
    ofDay.set(channel, (ofDay.get(channel) ?? 0) + count);
  });
}

function stepsOf(rule: Rule, asked: Asked, events: readonly PastEvent[]): Step[] {
  const steps: Step[] = [];
  const pairs = new Map<string, { citizen: string; event: Readonly<Record<string, unknown>> }[]>();
  for (const { data, citizen, receivedAt } of events)
    for (const stage of rule.stages) {
      const event = data ?? {};
      const due = dueOf(rule, stage, { data: event, arrivedMs: receivedAt.getTime() }, WORKING_DAYS);
      // A day long gone is caught up with when the event arrives, once; that is the newest stage's business and not counted here.
      if (due === null || due < receivedAt.getTime() - 86_400_000) continue;
      const day = dayOf(due);
      if (citizen === null)
        steps.push({
          day,
          question: { kind: 'audience', asked: { ...asked, event, asOf: day }, detail: false, sample: 0 },
        });
      else pairs.set(day, [...(pairs.get(day) ?? []), { citizen, event }]);
    }
  for (const [day, all] of pairs)
    for (let at = 0; at < all.length; at += PAIRS)
      steps.push({
        day,
        question: {
          kind: 'targets',
          asked: { ...asked, event: {}, asOf: day },
          pairs: all.slice(at, at + PAIRS),
        },
      });
  return steps;
}

async function run(
  { ask, pool }: SimulationParts,
  id: string,
  rule: Rule,
  steps: readonly Step[],
): Promise<Simulated> {
  const volumes: Volumes = new Map();
  const tellings: Simulated['tellings'][number][] = [];
  let partial = false;
  let offsets: WholeAnswer['offsets'] = [];
  for (const [index, { day, question }] of steps.entries()) {
    const answer = await ask(question, { deadlineMs: STEP_MS });
    partial ||= answer.partial || Object.values(answer.sets).some(({ reaches }) => reaches === null);
    ({ offsets } = answer);
    for (const name of rule.reach === 'possible'
      ? (['certain', 'possible'] as const)
      : (['certain'] as const)) {
      const set = answer.sets[name];
      if (set === undefined) continue;
      addVolume(volumes, day, set, rule.channels);
      tellings.push({ name: `${index}/${name}`, day, count: set.count, sketch: set.sketch });
    }
    await advanceSimulation(pool, id, index + 1);
  }
  return { volumes, tellings, partial, offsets };
}

/** Logs the simulation, and returns the days that may not be told as they are. */
async function guardDays(
  pool: SimulationParts['pool'],
  caller: Credential,
  about: AboutQuestion,
  simulated: Simulated,
): Promise<ReadonlySet<string>> {
  const { tellings } = simulated;
  const many = tellings.length > MOST_TELLINGS && !seesSmallCounts(caller);
  const tooNear = await guard(pool, caller, about, simulated, many ? [] : tellings, 'part');
  return new Set(tellings.filter(({ name }) => many || tooNear.has(name)).map(({ day }) => day));
}

function shownVolumes(
  volumes: Volumes,
  rounded: ReadonlySet<string>,
  exact: boolean,
): SimulationResult['volumes'] {
  const days = [...volumes].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    days.map(([day, channels]) => [
      day,
      rounded.has(day)
        ? Object.fromEntries([...channels].map(([name, count]) => [name, shownAbout(count)]))
        : // The channels of a day make up an audience that may have been counted in another question.
          shownParts(Object.fromEntries(channels), exact),
    ]),
  );
}

export const postSimulation = (parts: SimulationParts): Endpoint =>
  endpoint({
    body: Type.Object(
      {
        rule: Type.Object({}, { additionalProperties: true }),
        /** A day as if the event had come then; or the time whose events are taken, both days included. */
        asOf: Type.Optional(Day),
        from: Type.Optional(Day),
        to: Type.Optional(Day),
        event: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
        why: Type.Optional(Purpose),
      },
      { additionalProperties: false },
    ),
    answer: async ({ body, caller }) => {
      const rule = await parts.checkRule(body.rule);
      needAgency(caller(), rule.agency);
      const { asOf, from, to, event } = body;
      if ((asOf === undefined) === (from === undefined) || (from === undefined) !== (to === undefined))
        throw invalid('/asOf', 'must be given, or /from and /to');
      const asked = await askedOf(parts, { draft: rule }, { asOf: asOf ?? to, event }, caller());
      const found = from === undefined ? dayAsEvent(asked) : await eventsOf(parts, rule, from, to!);
      const usable = found.events.filter(({ keyed }) => !keyed);
      const steps = stepsOf(rule, asked, usable);
      const id = randomUUID();
      await beginSimulation(parts.pool, {
        id,
        agency: rule.agency,
        caller: caller().id,
        steps: steps.length,
      });
      const { id: name, condition, stages, channels, reach } = rule;
      const about: AboutQuestion = {
        kind: 'simulation',
        rule: name,
        purpose: body.why ?? null,
        asked: { condition, stages, channels, reach, asOf, from, to, event },
      };
      const ended = carryOut(parts, id, rule, about, steps, caller(), {
        events: usable.length,
        eventsLeftOut: found.events.length - usable.length + found.beyond,
      });
      if (steps.length <= STEPS_AWAITED) await ended;
      return {
        status: 202,
        body: { id, steps: steps.length, state: steps.length <= STEPS_AWAITED ? 'done' : 'running' },
      };
    },
  });

type Taken = { readonly events: readonly PastEvent[]; readonly beyond: number };

/** Noon of the day in the zone of the state: the event that is asked with, for everybody. */
function dayAsEvent({ asOf, event }: Asked): Taken {
  const receivedAt = new Date(`${asOf}T03:00:00Z`);
  return { events: [{ id: 'asked', data: event, citizen: null, keyed: false, receivedAt }], beyond: 0 };
}

async function eventsOf({ pool }: SimulationParts, rule: Rule, from: string, to: string): Promise<Taken> {
  const after = Temporal.PlainDate.from(to).add({ days: 1 }).toString();
  const { events, more } = await pastEvents(
    pool,
    rule.on,
    `${from}T00:00:00+09:00`,
    `${after}T00:00:00+09:00`,
    EVENTS,
  );
  return { events, beyond: more ? 1 : 0 };
}

/** Never rejects: what went wrong stands in the simulation. */
async function carryOut(
  parts: SimulationParts,
  id: string,
  rule: Rule,
  about: AboutQuestion,
  steps: readonly Step[],
  caller: Credential,
  counted: Pick<SimulationResult, 'events' | 'eventsLeftOut'>,
): Promise<void> {
  const { pool, logger } = parts;
  try {
    const simulated = await run(parts, id, rule, steps).catch(async (error: unknown) => {
      await logFailed(pool, caller, about);
      throw error;
    });
    const rounded = await guardDays(pool, caller, about, simulated);
    const result: SimulationResult = {
      volumes: shownVolumes(simulated.volumes, rounded, seesSmallCounts(caller)),
      ...counted,
      partial: simulated.partial,
    };
    await endSimulation(pool, id, { result });
  } catch (error) {
    logger.warn({ simulation: id, error: messageOf(error) }, 'a simulation failed');
    await endSimulation(pool, id, { failure: messageOf(error) }).catch(() => {});
  }
}

export const getSimulation = (parts: SimulationParts): Endpoint =>
  endpoint({
    params: Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' }) }),
    answer: async ({ params, caller }) => {
      const found = await readSimulation(parts.pool, params.id);
      if (found === undefined || (caller().agency !== null && caller().agency !== found.agency))
        throw new AllimError('not-found', 'there is no such simulation');
      const { updatedAt, ...shown } = found;
      return ok({ ...shown, updatedAt: updatedAt.toISOString() });
    },
  });
