/** What `npm run faults` is told: read once, refused with a sentence and exit code 2 where it makes no sense. */
import { parseArgs } from 'node:util';
import { FIGURES } from './figures.ts';
import type { SmsBy } from './sinks.ts';

/** Two cores are busy with two; a third lane has nothing left to wait beside. */
const LANES = 2;

const OPTIONS = {
  seed: { type: 'string', default: '1' },
  faults: { type: 'string', default: 'all' },
  notices: { type: 'string' },
  notifications: { type: 'string' },
  pace: { type: 'string', default: '0.2' },
  lanes: { type: 'string', default: String(LANES) },
  brokers: { type: 'string' },
  mixture: { type: 'boolean', default: false },
  minutes: { type: 'string' },
  figures: { type: 'string' },
  sms: { type: 'string', default: 'smpp' },
  large: { type: 'boolean', default: false },
  keep: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  list: { type: 'boolean', default: false },
  product: { type: 'string', default: 'allim' },
  'write-docs': { type: 'boolean', default: false },
} as const;

export type CommandLine = {
  readonly seed: number;
  readonly faults: string;
  readonly notices: number;
  readonly pace: number;
  readonly lanes: number;
  /** Undefined: what each fault needs. */
  readonly brokers: 1 | 3 | undefined;
  readonly mixture: boolean;
  readonly minutes: number;
  readonly figures: string | undefined;
  readonly smsBy: SmsBy;
  readonly large: boolean;
  readonly keep: boolean;
  readonly json: boolean;
  readonly list: boolean;
  readonly product: 'allim' | 'bullmq';
  readonly writeDocs: boolean;
};

export function refuse(what: string): never {
  process.stderr.write(`faults: ${what}\n`);
  process.exit(2);
}

function whole(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) refuse(`--${name} takes a whole number from ${least}`);
  return value;
}

function oneOf<T extends string>(name: string, text: string, known: readonly T[]): T {
  const found = known.find((one) => one === text);
  return found ?? refuse(`--${name} takes ${known.join(' or ')}`);
}

export function readCommandLine(): CommandLine {
  const { values } = parseArgs({ options: OPTIONS });
  const { figures, mixture, large, keep, json, list } = values;
  // What a kill costs is asked at production's own times.
  const pace = figures === undefined ? Number(values.pace) : 1;
  if (!(pace > 0 && pace <= 1)) refuse('--pace takes a number above 0 and at most 1');
  const minutes = Number(values.minutes ?? Number.POSITIVE_INFINITY);
  if (!(minutes > 0)) refuse('--minutes takes a number above 0');
  return {
    seed: whole('seed', values.seed, 0),
    faults: values.faults,
    notices: whole('notices', values.notices ?? values.notifications ?? '5000', 50),
    pace,
    lanes: whole('lanes', values.lanes, 1),
    brokers:
      values.brokers === undefined
        ? undefined
        : (Number(oneOf('brokers', values.brokers, ['1', '3'])) as 1 | 3),
    mixture,
    minutes,
    figures: figures === undefined ? undefined : oneOf('figures', figures, Object.keys(FIGURES)),
    smsBy: oneOf('sms', values.sms, ['smpp', 'gateway']),
    large,
    keep,
    json,
    list,
    product: oneOf('product', values.product, ['allim', 'bullmq']),
    writeDocs: values['write-docs'],
  };
}

/** What to type to have these faults again as they were. */
export function commandFor(given: CommandLine, faults: string): string {
  const { seed, notices, pace, lanes, brokers, large, smsBy, figures, mixture } = given;
  if (figures !== undefined) return `npm run faults -- --seed ${seed} --figures ${figures}`;
  if (mixture)
    return `npm run faults -- --seed ${seed} --mixture --faults ${given.faults} --notices ${notices} --pace ${pace}`;
  return `npm run faults -- --seed ${seed} --faults ${faults} --notices ${notices} --pace ${pace}${lanes === LANES ? '' : ` --lanes ${lanes}`}${brokers === undefined ? '' : ` --brokers ${brokers}`}${large ? ' --large' : ''}${smsBy === 'smpp' ? '' : ` --sms ${smsBy}`}`;
}
