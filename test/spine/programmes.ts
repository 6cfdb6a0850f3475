/**
 * What the agencies of all the other programmes say, from the seed: one event or some for each broadcast, narrowed to a part of the country
 * where its type knows areas, and for each type about one citizen a sample of whom some match and some do not. Deadlines are so far away
 * that no reminder falls due; the few rules whose first notice has a time of day get it at nine, which the run lets come.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isDayOff } from '../../domain/kr/holidays.ts';
import { SIDO } from '../../domain/kr/regions.ts';
import { citizens, randomStream, type SyntheticProfile } from '../../producers/population.ts';
import { isReachable, type Size } from './plan.ts';
import type { Producible } from './produce.ts';
import { BROADCASTS, type Data, type Day, dataAbout, LIKELY } from './programme-data.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');

/** Judged by the spine's own acts, by rules that are written out as SQL by hand. */
const BY_HAND = ['nhis-general-checkup', 'nts-property-tax'];

export type Programme = {
  readonly id: string;
  readonly on: string;
  readonly reach: 'certain' | 'possible';
  readonly condition: unknown;
  readonly channels: readonly string[];
  readonly stages: readonly { readonly kind: string; readonly anchor: unknown }[];
};

export type TypeFile = {
  readonly type: string;
  readonly sources: readonly string[];
  readonly schema: { readonly properties: Readonly<Record<string, object>> };
  readonly examples: readonly Data[];
};

/** `stage` is the one that is due by the end of the run. */
export type ProgrammeEvent = Producible & { readonly data: Data; readonly stage: string };

export type Programmes = {
  readonly rules: readonly Programme[];
  readonly types: ReadonlyMap<string, TypeFile>;
  readonly events: readonly ProgrammeEvent[];
  /** Types of which nothing can fall due on this day. */
  readonly notToday: readonly string[];
};

function filesIn<T>(...folder: string[]): T[] {
  return readdirSync(path.join(ROOT, ...folder))
    .sort()
    .map((file) => JSON.parse(readFileSync(path.join(ROOT, ...folder, file), 'utf8')) as T);
}

/** The act in which they are said; nine o'clock is the one after it. */
export function makeProgrammes(seed: number, size: Size, asOf: string, act: number): Programmes {
  const rules = filesIn<Programme>('rules', 'published').filter(({ id }) => !BY_HAND.includes(id));
  const all = filesIn<TypeFile>('producers', 'catalogue').map((type) => [type.type, type] as const);
  const wanted = new Set(rules.map(({ on }) => on));
  const types = new Map(all.filter(([type]) => wanted.has(type)));
  const random = randomStream(seed, 0x29);
  const pick = (below: number) => Math.floor(random() * below);
  const day = dayFrom(asOf);
  const events: ProgrammeEvent[] = [];
  const notToday: string[] = [];
  const say = (type: TypeFile, subject: string | null, data: Data, stage = 'opened') =>
    events.push({
      act,
      id: `p${seed}-${events.length}`,
      source: type.sources[0]!,
      type: type.type,
      subject,
      obligation: null,
      sequence: 1,
      data: { ...type.examples[0], ...data },
      stage,
    });

  // Middling ones, so that a broadcast reaches some of a hundred people in it.
  const areas = SIDO.filter(({ thousands }) => thousands > 1_300 && thousands < 3_500).map(
    ({ code }) => code,
  );
  const samples = sample(seed, size, [...types.keys()], pick);
  for (const type of types.values()) {
    const broadcasts = BROADCASTS[type.type];
    if (broadcasts !== undefined) {
      for (const data of broadcasts(day, () => areas[pick(areas.length)]!)) say(type, null, data);
      continue;
    }
    const people = samples.get(type.type)!;
    for (const [at, { id, profile }] of people.entries()) {
      const about = dataAbout(type.type, { day, at, profile, pick });
      if (about === null) {
        notToday.push(type.type);
        break;
      }
      say(type, id, about.data, about.stage);
    }
  }
  return { rules, types, events, notToday };
}

function dayFrom(asOf: string): Day {
  const today = Temporal.PlainDate.from(asOf);
  const plus = (duration: object) => today.add(duration).toString();
  let far = today.add({ days: 200 });
  while (isDayOff(far.toString())) far = far.add({ days: 1 });
  return { today, year: today.year, plus, far: far.toString() };
}

type Person = { readonly id: string; readonly profile: SyntheticProfile };

/** Citizens of whom the sample is taken: enough for what concerns one in a hundred of those who can be reached. */
const LOOKED_AT = 60_000;

/** By type: a third who look as if it concerned them and can be reached, a third who look so, and a third of anybody; each once. */
function sample(
  seed: number,
  size: Size,
  types: readonly string[],
  pick: (below: number) => number,
): ReadonlyMap<string, readonly Person[]> {
  const people: (Person & { readonly reachable: boolean })[] = [];
  for (const { id, profile } of citizens(seed, Math.min(size.citizens - size.late, LOOKED_AT)))
    people.push({ id, profile, reachable: isReachable(size, people.length) });
  const some = (from: readonly Person[], count: number) =>
    from.length === 0 ? [] : Array.from({ length: count }, () => from[pick(from.length)]!);
  const third = Math.ceil(size.each / 3);
  return new Map(
    types.map((type) => {
      const likely = people.filter(({ profile }) => LIKELY[type]?.(profile) ?? true);
      const reachable = likely.filter((person) => person.reachable);
      const chosen = [...some(reachable, third), ...some(likely, third), ...some(people, third)];
      return [type, [...new Map(chosen.map((person) => [person.id, person])).values()]];
    }),
  );
}
