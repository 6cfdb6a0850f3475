/**
 * The second half of `eval`: profiles that changed in a few fields, applied to a shard of a million citizens as records of their topic, in
 * JSON and binary, in batches of 500; looking up the citizen and all that Shard.apply does is in it. Beside them JSON.parse of the same
 * bytes. In turns, medians; by the clock, and by the CPU that the process used, which depends less on what else the machine does.
 */
import { TOPICS } from '../domain/records.ts';
import { citizens, randomStream, type SyntheticProfile } from '../producers/population.ts';
import { shippedFields } from '../rules/catalogue.ts';
import { readProfile } from '../rules/population/profile.ts';
import { Shard, type ShardRecord } from '../rules/run/shard.ts';
import { median, type Options, type Report, round, say } from './support.ts';

const BATCH = 500;
const ROUNDS = 5;
/** What one change changes: somebody moved, was screened, found work, ... */
const CHANGES: readonly (readonly (keyof SyntheticProfile)[])[] = [
  ['sido', 'sigungu'],
  ['lastCheckupYear', 'lastStomachScreening', 'lastColorectalScreening'],
  ['lastBreastScreening', 'lastCervicalScreening'],
  ['insurance', 'jobSeeker', 'earnings'],
  ['household', 'householdIncome', 'householdAssets', 'incomePercentile'],
  ['licenceTerm', 'licenceRenewedYear'],
  ['smoking', 'packYears', 'smokingQuitYear'],
  ['children', 'pregnant', 'largeFamily'],
];

type Change = { readonly key: string; readonly json: Buffer; readonly binary: Buffer };

/** A citizen's whole profile with some fields taken from somebody else's. */
function changed(profile: SyntheticProfile, other: SyntheticProfile, fields: readonly string[]): object {
  const after: Record<string, unknown> = { ...profile };
  for (const field of fields) {
    const value = (other as Readonly<Record<string, unknown>>)[field];
    if (value === undefined) delete after[field];
    else after[field] = value;
  }
  return after;
}

function makeChanges(shard: Shard, count: number, wanted: number): Change[] {
  const { population } = shard;
  const random = randomStream(7, 0);
  const changes: Change[] = [];
  let before: SyntheticProfile | undefined;
  for (const { id, profile } of citizens(1, count)) {
    population.upsert(id, readProfile(profile, population.layout));
    if (population.size % 250_000 === 0) say(`eval: ${population.size} citizens`);
    if (before !== undefined && random() < wanted / count) {
      const after = changed(profile, before, CHANGES[Math.floor(random() * CHANGES.length)]!);
      const json = Buffer.from(JSON.stringify(after));
      changes.push({ key: id, json, binary: population.records.write(after) });
    }
    before = profile;
  }
  for (let at = changes.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [changes[at], changes[other]] = [changes[other]!, changes[at]!];
  }
  // The values of a fetch stand one after another, as a broker hands them over.
  const [json, binary] = [
    together(changes.map((one) => one.json)),
    together(changes.map((one) => one.binary)),
  ];
  return changes.map(({ key }, at) => ({ key, json: json[at]!, binary: binary[at]! }));
}

function together(values: readonly Buffer[]): Buffer[] {
  const all = Buffer.concat(values);
  let at = 0;
  return values.map(({ length }) => {
    at += length;
    return all.subarray(at - length, at);
  });
}

type Rate = { readonly clock: number; readonly cpu: number };

export async function updates(options: Options): Promise<Report> {
  const count = options.number('citizens', 1_000_000);
  const shard = new Shard({
    partition: 0,
    partitions: 1,
    fields: shippedFields(),
    begin: 0,
    end: 1,
    placed: () => {},
  });
  const changes = makeChanges(shard, count, options.number('updates', 200_000));
  shard.population.order();
  let offset = 0;
  const batched = (value: (change: Change) => Buffer) => {
    const records = changes.map(
      (change): ShardRecord => ({
        topic: TOPICS.profiles,
        partition: 0,
        offset: offset++,
        key: change.key,
        headers: {},
        value: value(change),
      }),
    );
    return Array.from({ length: Math.ceil(records.length / BATCH) }, (_, at) => {
      const slice = records.slice(at * BATCH, (at + 1) * BATCH);
      return { from: slice[0]!.offset, next: slice.at(-1)!.offset + 1, fence: 0, records: slice };
    });
  };
  const rounds: Readonly<Record<'json' | 'binary' | 'parse', Rate[]>> = { json: [], binary: [], parse: [] };
  for (let at = 0; at <= ROUNDS; at++) {
    const json = batched((change) => change.json);
    const binary = batched((change) => change.binary);
    const rate = (work: () => void): Rate => timed(changes.length, work);
    const round = {
      json: rate(() => {
        for (const batch of json) shard.apply(batch);
      }),
      binary: rate(() => {
        for (const batch of binary) shard.apply(batch);
      }),
      parse: rate(() => {
        for (const change of changes) JSON.parse(change.json.toString());
      }),
    };
    // The first warms up.
    if (at > 0) for (const name of ['json', 'binary', 'parse'] as const) rounds[name].push(round[name]);
  }
  if (shard.refused.length > 0) throw shard.refused[0]!.error;
  if (shard.population.size !== count) throw new Error(`${shard.population.size} citizens of ${count}`);
  const by = (name: keyof typeof rounds, clock: keyof Rate): number =>
    median(rounds[name].map((rate) => rate[clock]));
  return {
    figures: {
      citizens: count,
      bytes_an_update_json: round(changes.reduce((sum, { json }) => sum + json.length, 0) / changes.length),
      bytes_an_update_binary: round(
        changes.reduce((sum, { binary }) => sum + binary.length, 0) / changes.length,
      ),
      json_updates_s: round(by('json', 'clock')),
      binary_updates_s: round(by('binary', 'clock')),
      json_updates_a_cpu_s: round(by('json', 'cpu')),
      binary_updates_a_cpu_s: round(by('binary', 'cpu')),
    },
    baseline: {
      json_parse_s: round(by('parse', 'clock')),
      json_parse_a_cpu_s: round(by('parse', 'cpu')),
    },
    ratio: {
      json_updates_vs_parse: round(by('json', 'cpu') / by('parse', 'cpu')),
      binary_updates_vs_parse: round(by('binary', 'cpu') / by('parse', 'cpu')),
    },
  };
}

function timed(count: number, work: () => void): Rate {
  const before = process.cpuUsage();
  const startedAt = performance.now();
  work();
  const seconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(before);
  return { clock: count / seconds, cpu: count / ((user + system) / 1e6) };
}
