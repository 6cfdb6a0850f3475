/**
 * What goes into the proof, all of it from one seed: who lives, who can be reached, and what the agencies say in five acts. Pure but for the
 * day: windows close next year, on working days, so that no deadline moves and no reminder falls due while the proof runs.
 */
import { isDayOff } from '../../domain/kr/holidays.ts';
import { SIGUNGU } from '../../domain/kr/regions.ts';
import { citizenId, citizens, randomStream, type SyntheticCitizen } from '../../producers/population.ts';
import { subscriptionAt } from '../sinks/push.ts';

export type Size = {
  readonly citizens: number;
  /** Of them this many have contact points. */
  readonly reachable: number;
  readonly districts: number;
  readonly targeted: number;
  /** Corrections, payments and the like, each this many; a third of it for what is about check-ups. */
  readonly few: number;
  /** Their profiles come when they have been written to already. */
  readonly late: number;
  /** With `--programmes`: events of each type that is about one citizen. */
  readonly each: number;
};

export const FULL: Size = {
  citizens: 1_000_000,
  reachable: 20_000,
  districts: 198,
  targeted: 20_000,
  few: 300,
  late: 100,
  each: 200,
};
export const SMALL: Size = {
  citizens: 20_000,
  reachable: 2_000,
  districts: 18,
  targeted: 500,
  few: 30,
  late: 10,
  each: 24,
};

/** One event as it goes out, and as the oracle reads it. */
export type Said = {
  /** 0 and on; all of an act are handled before the next begins. */
  readonly act: number;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string | null;
  readonly obligation: string;
  readonly sequence: number;
  readonly data: Readonly<Record<string, string | number>>;
};

export type Plan = {
  readonly size: Size;
  readonly seed: number;
  readonly asOf: string;
  readonly year: number;
  readonly said: readonly Said[];
};

export const ACTS = [
  'settled before anybody opened it',
  'windows and assessments',
  'late profiles, payments and check-ups done',
  'corrections, some of what is settled, and sequences that go backwards',
  'assessments, corrections and payments all at once',
] as const;
export const UNSYNCHRONISED = ACTS.length - 1;
/** The act of `--programmes`. */
export const PROGRAMMES = ACTS.length;

/** Every so manieth citizen can be reached. */
export function isReachable(size: Size, index: number): boolean {
  const every = Math.floor(size.citizens / size.reachable);
  return index % every === 0 && index / every < size.reachable;
}

export function isLate(size: Size, index: number): boolean {
  return index >= size.citizens - size.late;
}

/** The population of the proof; contact points only for those who can be reached and those who come late. */
export function* people(
  plan: Pick<Plan, 'size' | 'seed'>,
  pushUrl: string,
): Generator<SyntheticCitizen & { readonly late: boolean }> {
  let index = 0;
  const random = randomStream(plan.seed, 0x0ff1ce);
  for (const citizen of citizens(plan.seed, plan.size.citizens, {
    subscription: (id) => subscriptionAt(pushUrl, id),
  })) {
    const late = isLate(plan.size, index);
    const reachable = isReachable(plan.size, index) || late;
    // An employee who is no office worker goes every year. A register does not know it of everybody.
    const office = random();
    if (citizen.profile.insurance === 'employee' && office > 0.08) citizen.profile.nonOffice = office > 0.9;
    yield { ...citizen, late, contactPoints: reachable ? citizen.contactPoints : [] };
    index++;
  }
}

/** So many days before a window closes, or a tax is due, the two rules remind. */
const REMINDERS = [90, 30, 7, 5, 1];

/** Working days of a year, less those of which somebody would be reminded today: what is said of them is then the opening alone. */
function closingDays(year: number, asOf: string): string[] {
  const today = Temporal.PlainDate.from(asOf);
  const days: string[] = [];
  for (let day = Temporal.PlainDate.from(`${year}-02-01`); day.year === year; day = day.add({ days: 1 }))
    if (!isDayOff(day.toString()) && !REMINDERS.includes(today.until(day).days)) days.push(day.toString());
  return days;
}

export function makePlan(seed: number, size: Size, asOf: string): Plan {
  const random = randomStream(seed, 0x5eed);
  const pick = (below: number) => Math.floor(random() * below);
  const year = Number(asOf.slice(0, 4)) + 1;
  const days = closingDays(year, asOf);
  const due = days[40]!;
  const said: Said[] = [];
  let serial = 0;
  const say = (
    act: number,
    what: Omit<Said, 'act' | 'id' | 'source' | 'sequence'> & { sequence?: number },
  ): void => {
    const source = what.type.startsWith('kr.nhis') ? '/nhis/checkup' : '/nts/property-tax';
    said.push({ sequence: 1, ...what, act, id: `e${seed}-${serial++}`, source });
  };
  const window = (act: number, area: string, parity: number, closesOn: string, sequence: number) =>
    say(act, {
      type: 'kr.nhis.checkup-window.opened',
      subject: null,
      obligation: `checkup/${year}-${area}-${parity}`,
      sequence,
      data: { year, parity, area, closesOn },
    });
  const checked = (act: number, citizen: string, area: string, parity: number) =>
    say(act, {
      type: 'kr.nhis.checkup.completed',
      subject: citizen,
      obligation: `checkup/${year}-${area}-${parity}`,
      data: { year },
    });
  // Amounts are one of a kind: by its amount a text at a sink tells which event it is about.
  let amount = 10_000;
  const assessed = (act: number, citizen: string, ref: string, sequence: number) => {
    amount += 7;
    say(act, {
      type: 'kr.nts.property-tax.assessed',
      subject: citizen,
      obligation: `property-tax/${ref}`,
      sequence,
      data: { amount, dueOn: due },
    });
  };
  const paid = (act: number, citizen: string, ref: string) =>
    say(act, {
      type: 'kr.nts.property-tax.paid',
      subject: citizen,
      obligation: `property-tax/${ref}`,
      data: {},
    });

  const districts = [...SIGUNGU]
    .map((sigungu) => ({ code: sigungu.code, order: random() }))
    .sort((a, b) => a.order - b.order)
    .slice(0, size.districts)
    .map((district, at) => ({ area: district.code, parity: pick(2), closesOn: days[10 + (at % 100)]! }));
  window(1, 'all', 0, days[2]!, 1);
  window(1, 'all', 1, days[4]!, 1);
  for (const { area, parity, closesOn } of districts) window(1, area, parity, closesOn, 1);

  const every = Math.floor(size.citizens / size.reachable);
  const reachable = (at: number) => citizenId(seed, (at % size.reachable) * every);
  const anybody = () => citizenId(seed, pick(size.citizens - size.late));
  const few = size.few;
  // Six of ten go to people who can be reached, so that most of them show at the sinks; some to nobody we know.
  for (let at = 0; at < size.targeted; at++) {
    const citizen =
      at < size.late
        ? citizenId(seed, size.citizens - 1 - at)
        : at < size.late * 2
          ? `c-nobody-${seed}-${at}`
          : at % 10 < 6
            ? reachable(at)
            : anybody();
    const ref = `${year}-${at}`;
    assessed(1, citizen, ref, 1);
    const group = Math.floor((at - size.late * 2) / few);
    if (at < size.late * 2) continue;
    if (group === 0) paid(0, citizen, ref);
    if (group === 1) paid(2, citizen, ref);
    if (group === 1 && at % 3 === 0) assessed(3, citizen, ref, 2);
    if (group === 2) assessed(3, citizen, ref, 2);
    // Lower than what stands: recorded, never sent.
    if (group === 3) assessed(3, citizen, ref, 0);
  }
  // Whether a window concerns these people does not matter: what is done stays done.
  for (let at = 0; at < few; at++) {
    const { area, parity } = districts[at % districts.length]!;
    const wide = at % 2 === 0;
    const parityOfAll = Math.floor(at / 2) % 2;
    const citizen = reachable(pick(size.reachable));
    checked(at < few / 3 ? 0 : 2, citizen, wide ? 'all' : area, wide ? parityOfAll : parity);
  }
  window(3, 'all', 0, days[6]!, 2);
  for (const { area, parity } of districts.slice(0, Math.ceil(size.districts / 20)))
    window(3, area, parity, days[120]!, 2);

  // Each of these people is in no other race, so what came can be held against the few ways in which it may come.
  for (let at = 0; at < few; at++) {
    const citizen = reachable(at * 3 + 1);
    const ref = `${year}-race-${at}`;
    assessed(UNSYNCHRONISED, citizen, ref, 1);
    if (at % 3 !== 0) assessed(UNSYNCHRONISED, citizen, ref, 2);
    if (at % 3 !== 1) paid(UNSYNCHRONISED, citizen, ref);
  }
  return { size, seed, asOf, year, said };
}
