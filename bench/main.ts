/**
 * `npm run bench -- NAME [--json] [--profile]`: measures one thing beside a baseline in the same run, on services of its own. Loopback
 * only. With --json the last line is `{bench, figures, baseline, ratio, machine}`; a ratio above 1 is in our favour.
 */
import { audience } from './audience.ts';
import { evaluation } from './eval.ts';
import { fairness } from './fairness.ts';
import { fanout } from './fanout.ts';
import { growth } from './growth.ts';
import { idle } from './idle.ts';
import { importing } from './import.ts';
import { inbox } from './inbox.ts';
import { intake } from './intake.ts';
import { keystroke } from './keystroke.ts';
import { latency } from './latency.ts';
import { live } from './live.ts';
import { pipeline } from './pipeline.ts';
import { restore } from './restore.ts';
import { reverse } from './reverse.ts';
import { stop } from './stop.ts';
import { type Bench, machine, readOptions, say } from './support.ts';
import { targeted } from './targeted.ts';

const BENCHES: Readonly<Record<string, Bench>> = {
  audience,
  pipeline,
  targeted,
  latency,
  live,
  eval: evaluation,
  fairness,
  fanout,
  growth,
  idle,
  inbox,
  keystroke,
  intake,
  import: importing,
  restore,
  reverse,
  stop,
};

const [name = '', ...args] = process.argv.slice(2);
const bench = BENCHES[name];
if (bench === undefined) {
  say(`usage: npm run bench -- ${Object.keys(BENCHES).join('|')} [--json] [--profile]`);
  process.exit(2);
}
const options = readOptions(args);
const report = { bench: name, ...(await bench(options)), machine: machine() };
if (options.has('json')) process.stdout.write(`${JSON.stringify(report)}\n`);
else
  for (const [part, values] of Object.entries({ ...report, bench: undefined }))
    for (const [key, value] of Object.entries(values ?? {}))
      process.stdout.write(`${part}.${key} ${String(value)}\n`);
