/**
 * A round: a fault, the notices that are under way when it comes, the wait until the product says it is idle, and the judgement. Whatever the
 * fault left broken is mended first, so that no round spoils the next; that it left something is itself a complaint.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from './fault.ts';
import type { Said } from './inputs.ts';
import type { Installation, Status } from './installation.ts';
import {
  complaintsOf,
  EQUATIONS_QUERY,
  INBOX_QUERY,
  judge,
  LEDGER_QUERY,
  type Ledger,
  loadRound,
  type Verdict,
} from './oracle.ts';
import { type Phases, phaseText, startStopwatch } from './phases.ts';
import { produceEvents } from './produce.ts';
import { arrivals, createStage, type From, streamOf } from './stage.ts';

/** After the fault is over. Times of the product run at its pace, those of a machine do not. */
const IDLE_WITHIN_MS = 240_000;
const MENTION_MS = 5_000;

export type RoundResult = {
  readonly fault: string;
  readonly verdict: Verdict | null;
  readonly complaints: readonly string[];
  readonly seconds: number;
  /** When the last notice had arrived for the first time. */
  readonly completeAtMs: number;
  /** From the end of the fault until everything expected had arrived. */
  readonly recoveryS: number;
  /** Seconds of each part of the round. */
  readonly phases: Phases;
};

/** Idle by its own word, twice, and nothing put off until later. */
async function awaitIdle(installation: Installation, from: From, expected: number): Promise<string | null> {
  const deadline = performance.now() + IDLE_WITHIN_MS;
  let times = 0;
  let mentionAt = performance.now() + MENTION_MS;
  let last: Status | null = null;
  for (;;) {
    const status = await installation.status();
    last = status ?? last;
    times = status?.idle && (await waiting(installation)) === 0 ? times + 1 : 0;
    if (times >= 2) return null;
    const now = performance.now();
    const left = Object.entries(last?.backlog ?? {}).filter(([, count]) => count > 0);
    const told = `${left.map(([name, count]) => `${count} ${name}`).join(', ') || 'no backlog'}, ${await waiting(installation)} waiting`;
    if (now > deadline) return `not idle after ${IDLE_WITHIN_MS / 1000} s: ${told}`;
    if (now > mentionAt) {
      mentionAt = now + MENTION_MS;
      installation.say(
        `  ${await arrivals(installation, from)} of ${expected} have arrived; ${status === null ? 'no status' : told}`,
      );
    }
    await delay(times > 0 ? 50 : 120);
  }
}

/** What is put off until later, and batches that are under way. A database that has just come back may break a connection: then not nothing. */
async function waiting(installation: Installation): Promise<number> {
  const rows = await installation
    .sql<{ n: number }>(
      `SELECT (SELECT count(*) FROM waiting)::int + (SELECT count(*) FROM batches WHERE state <> 'ended' AND open > 0)::int AS n`,
    )
    .catch(() => []);
  return rows[0]?.n ?? 1;
}

async function readLedger(installation: Installation, round: number): Promise<Ledger> {
  const prefix = [`r${round}-%`];
  return {
    deliveries: await installation.sql<Ledger['deliveries'][number]>(LEDGER_QUERY, prefix),
    inbox: await installation.sql<Ledger['inbox'][number]>(INBOX_QUERY, prefix),
  };
}

export async function runRound(
  installation: Installation,
  fault: Fault,
  notices: number,
): Promise<RoundResult> {
  const { product, oracle, inputs, say, asOf } = installation;
  const startedAt = performance.now();
  const complaints: string[] = [];
  const attempt = async (what: string, run: () => Promise<unknown>): Promise<boolean> => {
    try {
      await run();
      return true;
    } catch (error) {
      complaints.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      return false;
    }
  };
  const watch = startStopwatch();
  const round = inputs.next(notices, streamOf(`inputs of ${fault.name}`));
  watch.lap('inputs');
  const expected = await loadRound(oracle, round, asOf);
  const from: From = { line: (await installation.log.read()).length, firsts: installation.log.firsts };
  const production = startProduction(installation, round.events, fault.members?.length ?? 1);
  const stage = createStage(installation, fault, notices, expected, from, production.next);
  watch.lap('oracle');
  await attempt('prepare', async () => fault.prepare?.(stage));
  watch.lap('prepare');
  production.next();
  await attempt('inflict', () => fault.inflict(stage));
  watch.lap('inflict');
  await attempt('mend', () => installation.mend());
  watch.lap('mend');
  const mendedAt = Date.now();
  for (const error of await production.end()) complaints.push(`produce: ${error}`);
  watch.lap('produce');
  const rest = installation.rest ?? ((...args) => awaitIdle(installation, ...args));
  const stuck = await rest(from, expected).catch((error: Error) => error.message);
  if (stuck !== null) complaints.push(stuck);
  watch.lap('idle');
  // What a sink accepted stands in its log at once, but not always before its answer.
  await delay(50);
  const entries = (await installation.log.read()).slice(from.line);
  let verdict: Verdict | null = null;
  await attempt('judge', async () => {
    verdict = await judge(oracle, entries, await readLedger(installation, round.number));
    // Who has no ledger has no inboxes.
    const found = complaintsOf(verdict, { left: fault.left ?? fault.doubles ?? false });
    complaints.push(...found.filter((line) => installation.rest === undefined || !line.includes('inbox')));
    for (const row of await installation.sql(EQUATIONS_QUERY))
      complaints.push(`a fan-out does not add up: ${JSON.stringify(row)}`);
    complaints.push(...((await fault.judge?.(stage)) ?? []));
  });
  complaints.push(...product.complaints());
  watch.lap('judge');
  await attempt('renew addresses', () => installation.renewAddresses());
  watch.lap('renew');
  const result: RoundResult = {
    fault: fault.name,
    verdict,
    complaints,
    seconds: (performance.now() - startedAt) / 1000,
    completeAtMs: installation.log.lastFirstAtMs,
    recoveryS: Math.max(0, (installation.log.lastFirstAtMs - mendedAt) / 1000),
    phases: watch.phases,
  };
  say(summary(result));
  say(`  ${phaseText(result.phases)} s`);
  for (const complaint of complaints) say(`  WRONG: ${complaint}`);
  return result;
}

/** The round's events in so many parts, each a mixture of all kinds; `end` produces what is left and resolves to what went wrong. */
function startProduction(installation: Installation, events: readonly Said[], parts: number) {
  const { servers, product, token } = installation;
  const to = {
    brokers: servers.services.kafka.direct,
    urls: (['producers-1', 'web-1'] as const)
      .filter((name) => product.names().includes(name))
      .map((name) => product.url(name)),
    token,
  };
  const produced: Promise<string | null>[] = [];
  const next = () => {
    const part = produced.length;
    if (part >= parts) return;
    const its = events.filter((_event, at) => at % parts === part);
    produced.push(
      produceEvents(to, its).then(
        () => null,
        (error: Error) => error.message,
      ),
    );
  };
  return {
    next,
    async end(): Promise<readonly string[]> {
      while (produced.length < parts) next();
      return (await Promise.all(produced)).filter((error) => error !== null);
    },
  };
}

function summary({ fault, verdict, complaints, seconds, recoveryS }: RoundResult): string {
  const sign = complaints.length === 0 ? 'holds' : 'DOES NOT HOLD';
  if (verdict === null) return `${fault}: ${sign}; not judged; ${seconds.toFixed(1)} s`;
  const { expected, lost, unexpected, doubled, repeated, ambiguous } = verdict;
  const copies = repeated.push + repeated.email + repeated.sms;
  return `${fault}: ${sign}; of ${expected} lost ${lost}, unexpected ${unexpected}, doubled ${doubled}; ${copies} calls repeated, ${ambiguous} ambiguous; complete ${recoveryS.toFixed(1)} s after the fault, ${seconds.toFixed(1)} s in all`;
}
