/**
 * What a kill costs, at production's own times (pace 1). `recovery`: from kill -9 until the last notice that was under way or came meanwhile, and of whose call the ledger knows the end,
 * has arrived; the killed process stays away until then, or for twenty seconds (everything at once comes back at once). `throughput`: notices a second with a
 * kill -9 every ten seconds over that without.
 */
import type { Fault, Stage } from './fault.ts';
import type { Installation } from './installation.ts';
import { pick, within } from './outage.ts';
import { type RoundResult, runRound } from './round.ts';

const KILLS = 10;
const NOTICES = 400;
const LONG_NOTICES = 20_000;
/** How long the killed one stays away at most, while texts of which nobody knows wait for receipts. */
const AWAY_MS = 20_000;
const BETWEEN_KILLS_MS = 10_000;

export type Figures = {
  readonly figures: Readonly<Record<string, number>>;
  readonly results: readonly RoundResult[];
};

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

/**
 * When the last of those arrived of which the ledger knows how their call ended. The others wait for a receipt first, up to a minute over SMPP:
 * that is the policy's time and not that of resuming.
 */
async function resumedAtMs({ oracle }: Installation, killedAtMs: number): Promise<number> {
  const { rows } = await oracle.query<{ at: number | null }>(
    `SELECT max(f.at) AS at FROM (
       SELECT p.citizen, s.figure, min(s.at_ms) AS at FROM seen s JOIN points p ON p.channel = s.channel AND p.address = s.address GROUP BY 1, 2
     ) f JOIN compared c ON c.citizen = f.citizen AND c.figure = f.figure WHERE c.unclear = 0`,
  );
  return Math.max(killedAtMs, rows[0]?.at ?? 0);
}

/** Kills when some of the notices are there, and waits until all are. */
function killFault(
  name: string,
  role: 'workers' | 'dispatcher' | null,
  killedAt: (ms: number) => void,
): Fault {
  return {
    name,
    group: 'processes',
    does: role === null ? 'kill -9 of everything' : `kill -9 of one of ${role}`,
    doubles: true,
    async inflict(stage) {
      await stage.arrived(within(stage, 0.05, 0.6));
      const names = role === null ? stage.processes.names() : [pick(stage, stage.processes.names(role))];
      killedAt(Date.now());
      await Promise.all(names.map((one) => stage.processes.kill(one)));
      if (role === null) await Promise.all(names.map((one) => stage.processes.start(one)));
      const all = stage.arrived(1);
      all.catch(() => {});
      await Promise.race([all, new Promise((resume) => setTimeout(resume, AWAY_MS))]);
    },
  };
}

async function recovery(installation: Installation): Promise<Figures> {
  const results: RoundResult[] = [];
  const figures: Record<string, number> = {};
  for (const [what, role] of [
    ['worker', 'workers'],
    ['consumer', 'dispatcher'],
    ['everything', null],
  ] as const) {
    const seconds: number[] = [];
    for (let at = 1; at <= KILLS; at++) {
      let killedAtMs = 0;
      const fault = killFault(`recovery-${what}-${at}`, role, (ms) => {
        killedAtMs = ms;
      });
      const result = await runRound(installation, fault, NOTICES);
      results.push(result);
      seconds.push(((await resumedAtMs(installation, killedAtMs)) - killedAtMs) / 1000);
      installation.say(
        `  ${what} ${at}: work had resumed and was done ${seconds.at(-1)!.toFixed(1)} s after the kill`,
      );
    }
    figures[`recovery_${what}_p50_s`] = Number(quantile(seconds, 0.5).toFixed(1));
    figures[`recovery_${what}_p99_s`] = Number(quantile(seconds, 0.99).toFixed(1));
  }
  return { figures, results };
}

async function killEvery(stage: Stage): Promise<void> {
  let done = false;
  const finished = stage.arrived(1).finally(() => {
    done = true;
  });
  finished.catch(() => {});
  const pause = (ms: number) => new Promise((resume) => setTimeout(resume, ms));
  while (!done) {
    await Promise.race([finished.catch(() => {}), pause(BETWEEN_KILLS_MS)]);
    if (done) break;
    const name = pick(stage, stage.processes.names());
    stage.say(`kill -9 ${name}`);
    await stage.processes.kill(name);
    await stage.processes.start(name);
  }
  await finished;
}

async function throughput(installation: Installation): Promise<Figures> {
  const rate = async (fault: Fault) => {
    const startedAt = Date.now();
    const result = await runRound(installation, fault, LONG_NOTICES);
    const perS = (result.verdict?.expected ?? 0) / ((result.completeAtMs - startedAt) / 1000);
    installation.say(`  ${fault.name}: ${Math.round(perS)} notices a second`);
    return { result, perS };
  };
  const base = { group: 'processes', doubles: true } as const;
  const calm = await rate({
    ...base,
    name: 'undisturbed',
    does: 'nothing',
    inflict: (stage) => stage.arrived(1),
  });
  const killed = await rate({
    ...base,
    name: 'a-kill-every-10-s',
    does: 'kill -9 every ten seconds',
    inflict: killEvery,
  });
  return {
    results: [calm.result, killed.result],
    figures: {
      notices_per_s: Math.round(calm.perS),
      notices_per_s_with_kills: Math.round(killed.perS),
      throughput_with_kills: Number((killed.perS / calm.perS).toFixed(2)),
    },
  };
}

export const FIGURES: Readonly<Record<string, (installation: Installation) => Promise<Figures>>> = {
  recovery,
  throughput,
};
