/**
 * Part of `pipeline`: texts through our HTTP adapter to a sink in a process of its own, everything else as it is, beside the same calls in
 * a bare loop of undici with as many connections, to the same sink, in alternating rounds.
 */

import type { Context } from '../app/context.ts';
import { freePorts } from '../scripts/services/process.ts';
import type { Place } from './place.ts';
import { type Child, start, startRoles } from './processes.ts';
import { median, round, say, sayCpu } from './support.ts';

/** Rows of a claim, as in the other part. */
const CLAIM = 100;
/** The bulk lane's jobs in hand: so many claims are called at once, and so many connections has the bare loop. */
const BULK_JOBS = 4;

export type OverHttp = { readonly notices: number; readonly calls: number; readonly ratio: number };

export async function overHttp(parts: {
  place: Place;
  context: Context;
  notices: number;
  rounds: number;
  keep: (child: Child) => Child;
  /** Notices a second from pages to sent, by these workers. */
  ours: (name: string, workers: Child, count: number) => Promise<number>;
}): Promise<OverHttp> {
  const { place, context, notices, rounds, keep, ours } = parts;
  // One channel, so that all are calls.
  await context.pool.query(`DELETE FROM contact_points WHERE channel <> 'sms'`);
  const [port] = (await freePorts(1)) as [number];
  const sink = keep(await start('http-sink.ts', [port], { env: place.env }));
  const bare = keep(await start('http-bare.ts', [port, CLAIM * BULK_JOBS], { env: place.env }));
  const env = { ...place.env, ALLIM_BENCH_GATEWAY: `http://127.0.0.1:${port}` };
  const workers = keep(await startRoles(['workers'], { env, claim: CLAIM, name: 'workers-http' }));
  const groups = async () => ({ bare: [bare.pid], sink: [sink.pid] });
  const measured: { bare: number[]; ours: number[] } = { bare: [], ours: [] };
  for (let turn = 0; turn <= rounds; turn++) {
    // The first of them is for warming up.
    const count = turn === 0 ? Math.min(notices, 10_000) : notices;
    const calls = await sayCpu('bare calls', count, groups, async () => {
      const startedAt = performance.now();
      await bare.ask({ do: 'call', count });
      return (count / (performance.now() - startedAt)) * 1_000;
    });
    const rate = await ours(`http-${turn}`, workers, count);
    if (turn === 0) continue;
    measured.bare.push(calls);
    measured.ours.push(rate);
    say(`pipeline: round ${turn}: bare calls ${round(calls)}/s, notices over HTTP ${round(rate)}/s`);
  }
  return {
    notices: median(measured.ours),
    calls: median(measured.bare),
    ratio: median(measured.ours.map((rate, at) => rate / measured.bare[at]!)),
  };
}
