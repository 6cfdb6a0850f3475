/**
 * A synthetic population with the shares of CATALOGUE.md, for demonstrations, tests and benches. The same seed gives the same citizens,
 * each block of sixteen from its own random stream, so that a part can be made without the rest. Nobody real is described: ids are
 * keyed hashes of a number, telephone numbers and mail addresses cannot exist. It makes values only; it writes nowhere.
 */
import { hash } from 'node:crypto';
import { SIDO, type Sigungu } from '../domain/kr/regions.ts';
import type { Channel } from '../domain/statuses.ts';
import { addChildrensFacts, addFurtherFacts, addScreeningsAndTax } from './population-facts.ts';
import type { SyntheticProfile } from './synthetic-profile.ts';

export type { SyntheticProfile } from './synthetic-profile.ts';

export type Subscription = {
  readonly endpoint: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };
};

export type SyntheticContactPoint =
  | { readonly channel: Exclude<Channel, 'push'>; readonly address: string }
  | { readonly channel: 'push'; readonly subscription: Subscription };

export type SyntheticCitizen = {
  readonly id: string;
  readonly profile: SyntheticProfile;
  readonly locale: string;
  readonly contactPoints: readonly SyntheticContactPoint[];
};

export type PopulationOptions = {
  /** The day ages are counted on; the population does not grow older by itself. */
  readonly asOf?: string;
  /** Makes a citizen's push subscription: real ones need P-256 keys, which the caller owns. Without it nobody has push. */
  readonly subscription?: (citizen: string) => Subscription;
};

/** People of one household come from one block, so a parent and a child need no look further. */
const BLOCK = 16;
export const POPULATION_DAY = '2026-11-01';

/** Per cent of all by ten-year age band, 0-9 first, 80 and over last. */
const AGE_BANDS = [6.4, 9.1, 12.1, 12.8, 15.4, 16.9, 14.9, 7.8, 4.6] as const;
const INSURANCES = [
  ['employee', 37],
  ['dependant', 32],
  ['regional', 28],
  ['medical-aid', 3],
] as const;
const FOREIGN_LOCALES = ['en', 'zh', 'vi', 'th', 'ru', 'uz', 'ja'] as const;
const MAIL_HOSTS = ['mail.example.kr', 'post.example.kr', 'letters.example.kr'] as const;

/**
 * xoshiro128** (Blackman and Vigna, 2018) seeded through splitmix32: 32-bit operations only, 4 ns a number, and streams of neighbouring
 * seeds share nothing visible. Gives [0, 1).
 */
export function randomStream(seed: number, stream: number): () => number {
  let mix = (Math.imul(seed, 0x9e3779b9) ^ Math.imul(stream + 1, 0x85ebca6b)) | 0;
  const next = () => {
    mix = (mix + 0x9e3779b9) | 0;
    let z = mix ^ (mix >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    return z ^ (z >>> 15);
  };
  let a = next();
  let b = next();
  let c = next();
  let d = next() | 1;
  return () => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result / 0x1_0000_0000;
  };
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** `c-` and 80 bits of a keyed hash: nothing about the person or the order can be read from it, and no two of 5 million meet. */
export function citizenId(seed: number, index: number): string {
  const bytes = hash('sha256', `citizen/${seed}/${index}`, 'buffer');
  let id = 'c-';
  for (let at = 0; at < 10; at += 5) {
    // Five bytes are eight digits; 40 bits are exact in a double.
    const bits = bytes.readUIntBE(at, 5);
    const high = Math.floor(bits / 0x10_0000);
    const low = bits % 0x10_0000;
    for (const half of [high, low])
      id += BASE32[half >>> 15]! + BASE32[(half >>> 10) & 31] + BASE32[(half >>> 5) & 31] + BASE32[half & 31];
  }
  return id;
}

/** Draws by weight: cumulative sums and a binary search. */
function weighted<T>(items: readonly (readonly [T, number])[]): (random: number) => T {
  const sums: number[] = [];
  let total = 0;
  for (const [, weight] of items) {
    total += weight;
    sums.push(total);
  }
  return (random) => {
    const wanted = random * total;
    let low = 0;
    let high = sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! > wanted) high = middle;
      else low = middle + 1;
    }
    return items[low]![0];
  };
}

const drawBand = weighted(AGE_BANDS.map((share, band) => [band, share] as const));
const drawInsurance = weighted(INSURANCES);
/** A sigungu's weight is its share of its sido's published total. */
const drawSigungu = weighted<Sigungu>(
  SIDO.flatMap((sido) => {
    const sum = sido.sigungu.reduce((total, sigungu) => total + sigungu.thousands, 0);
    return sido.sigungu.map((sigungu) => [sigungu, (sigungu.thousands / sum) * sido.thousands] as const);
  }),
);

/** YYYY-MM-DD of a day number since 1970-01-01. Temporal would cost 2 µs, this 0.1 µs; a test holds the two together. */
export function dayText(days: number): string {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const ofEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * ofYear + 2) / 153);
  const day = ofYear - Math.floor((153 * shifted + 2) / 5) + 1;
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return `${year}-${month < 10 ? '0' : ''}${month}-${day < 10 ? '0' : ''}${day}`;
}

/**
 * Numbers of the form 010-0xxx-xxxx: the digit after the prefix of a Korean mobile number is never 0, so nobody can have one. The multiplier has no factor
 * in common with 10^7, so citizens up to that many get different numbers.
 */
export function mobileNumber(index: number): string {
  return `+82100${String((index * 4_999_999 + 271_828) % 10_000_000).padStart(7, '0')}`;
}

/** Streams of facts that were added later start here and there, so that the older ones keep what they drew. */
const LATER_STREAMS = 0x4000_0000;
const FURTHER_STREAMS = 0x6000_0000;

type Draft = { readonly citizen: SyntheticCitizen; readonly age: number };

function draft(
  seed: number,
  index: number,
  random: () => number,
  today: number,
  thisYear: number,
  options: PopulationOptions,
): Draft {
  const band = drawBand(random());
  const within = random();
  // Over 80 the numbers thin out with age; below, a band is flat.
  const age = band < 8 ? band * 10 + Math.floor(within * 10) : 80 + Math.floor(within * within * 24);
  const birthDay = today - Math.floor(age * 365.2425 + random() * 365);
  const birthDate = dayText(birthDay);
  const place = drawSigungu(random());
  const profile: SyntheticProfile = {
    birthDate,
    sex: random() < (band === 8 ? 2 / 3 : 0.498) ? 'F' : 'M',
    sido: place.sido,
    sigungu: place.code,
    insurance: drawInsurance(random()),
  };
  const checkup = random();
  const checkupYear = random();
  if (age >= 20 && checkup < 0.92) {
    // The last turn of their parity for most, who have been or missed it; employees may go every year.
    const even = Number(birthDate.slice(0, 4)) % 2 === thisYear % 2;
    const lastTurn = thisYear - (even ? 0 : 1);
    profile.lastCheckupYear =
      checkupYear < 0.46 ? lastTurn : checkupYear < 0.84 ? lastTurn - 2 : lastTurn - 4;
  }
  const student = random();
  const bracketKnown = random();
  const bracket = Math.floor(random() * 11);
  if (age >= 17 && age <= 29) {
    if (student < 0.96)
      profile.student =
        age <= 18
          ? student < 0.4
            ? 'admitted'
            : 'none'
          : age <= 25 && student < 0.58
            ? 'enrolled'
            : student < 0.08
              ? 'enrolled'
              : 'none';
  } else if (student < 0.998) profile.student = 'none';
  if (bracketKnown < (profile.student === 'enrolled' ? 0.45 : 0.04)) profile.incomeBracket = bracket;
  const disabled = random();
  if (disabled < 0.99) profile.disabled = disabled < 0.051;

  const foreign = random();
  const locale =
    foreign < 0.95 ? 'ko' : FOREIGN_LOCALES[Math.floor(((foreign - 0.95) / 0.05) * FOREIGN_LOCALES.length)]!;
  const id = citizenId(seed, index);
  const contactPoints: SyntheticContactPoint[] = [];
  // Drawn always, so that what one draw decides does not move the others.
  const [none, push, email, sms] = [random(), random(), random(), random()] as const;
  if (none >= 0.02) {
    if (options.subscription !== undefined && push < (age < 60 ? 0.75 : age < 75 ? 0.35 : 0.1))
      contactPoints.push({ channel: 'push', subscription: options.subscription(id) });
    if (email < (age < 60 ? 0.7 : 0.25))
      contactPoints.push({
        channel: 'email',
        address: `${id.slice(2)}@${MAIL_HOSTS[index % MAIL_HOSTS.length]}`,
      });
    if (sms < 0.95) contactPoints.push({ channel: 'sms', address: mobileNumber(index) });
  }
  return { citizen: { id, profile, locale, contactPoints }, age };
}

/** Gives the children of a block to its grown-ups: same home, 20 to 44 years older. Some find no parent, as it is. */
function household(block: readonly Draft[]): void {
  for (const { citizen: child, age } of block) {
    if (age >= 18) continue;
    const parent = block.find(
      (other) =>
        other.age - age >= 20 && other.age - age < 45 && (other.citizen.profile.children?.length ?? 0) < 3,
    );
    if (parent === undefined) continue;
    const { profile } = parent.citizen;
    child.profile.sido = profile.sido;
    child.profile.sigungu = profile.sigungu;
    profile.children ??= [];
    profile.children.push({ id: child.id, birthDate: child.profile.birthDate });
  }
}

/** Citizens 0 to `count` - 1 of a seed, one block in memory at a time. 8 µs each. Throws RangeError for a count that is none. */
export function* citizens(
  seed: number,
  count: number,
  options: PopulationOptions = {},
): Generator<SyntheticCitizen> {
  if (!Number.isSafeInteger(count) || count < 0 || count > 10_000_000)
    throw new RangeError(`a population has 0 to 10,000,000 citizens, not ${count}`);
  const day = Temporal.PlainDate.from(options.asOf ?? POPULATION_DAY);
  const today = Temporal.PlainDate.from('1970-01-01').until(day).days;
  for (let first = 0; first < count; first += BLOCK) {
    const random = randomStream(seed, first / BLOCK);
    const later = randomStream(seed, LATER_STREAMS + first / BLOCK);
    const further = randomStream(seed, FURTHER_STREAMS + first / BLOCK);
    const block: Draft[] = [];
    for (let index = first; index < Math.min(first + BLOCK, count); index++)
      block.push(draft(seed, index, random, today, day.year, options));
    for (const { citizen, age } of block) addScreeningsAndTax(citizen.profile, age, day.year, later);
    household(block);
    for (const { citizen, age } of block)
      addFurtherFacts(citizen.profile, { age, today, year: day.year }, further);
    for (const { citizen } of block) addChildrensFacts(citizen.profile, { today, year: day.year }, further);
    for (const { citizen } of block) yield citizen;
  }
}
