/**
 * Whom the bundled provider offers to sign in as: citizens of the demonstration to whom something happens in its week, each an example of
 * something else. Their names are the provider's, as with a real one: Allim itself holds none.
 */
import { SIDO } from '../domain/kr/regions.ts';
import { citizens, POPULATION_DAY, type SyntheticCitizen } from '../producers/population.ts';
import type { BundledAccount } from '../web/sign-in/bundled-accounts.ts';
import { PROGRAMMES } from './demonstration-programmes.ts';
import { DEMONSTRATION_SEED, type Scene } from './demonstration-week.ts';
import { isRefuser, isSleeper, subscriptionPool } from './seed-population.ts';

/** Among whom they are looked for: as many as the smallest demonstration has. */
const CAST = 1_000;
const FLOODED = '11680';
/** Whoever pays on the last day has nothing left to do. */
const PAID = 'paid';

type Part = {
  readonly name: BundledAccount['name'];
  readonly story: Readonly<Record<'ko' | 'en', string>>;
  /** `told` has `<programme> <kind>` of what single events say to this person. */
  readonly suits: (person: SyntheticCitizen, told: ReadonlySet<string>) => boolean;
};

/** Names that a woman or a man may have: who plays the part follows from the seed. */
const PARTS: readonly Part[] = [
  {
    name: { ko: '윤가람', en: 'Yoon Garam' },
    story: { ko: '재산세, 홍수 경보', en: 'property tax and a flood warning' },
    suits: ({ locale, profile }, told) =>
      locale === 'ko' && profile.sigungu === FLOODED && told.has('nts-property-tax tax'),
  },
  {
    name: { ko: '오하늘', en: 'Oh Haneul' },
    story: { ko: '자동차세, 금액이 바뀜', en: 'car tax, and the amount was corrected' },
    suits: ({ locale, profile }, told) =>
      locale === 'ko' &&
      profile.birthDate > '1960' &&
      told.has('local-automobile-tax car-corrected') &&
      told.has('nts-property-tax tax'),
  },
  {
    name: { ko: '민다온', en: 'Min Daon' },
    story: { ko: '대학생, 국가장학금', en: 'student, national scholarship' },
    suits: ({ locale, profile }, told) =>
      locale === 'ko' &&
      profile.student === 'enrolled' &&
      profile.birthDate > '2000' &&
      profile.incomeBracket === undefined &&
      !told.has('kosaf-national-scholarship done'),
  },
  {
    name: { ko: '알렉스 모건', en: 'Alex Morgan' },
    story: { ko: '영어로 읽음', en: 'reads English' },
    suits: ({ locale }, told) => locale === 'en' && told.size > 0,
  },
  {
    name: { ko: '응우옌 안', en: 'Nguyen An' },
    story: { ko: '베트남어로 읽음', en: 'reads Vietnamese' },
    suits: ({ locale }, told) => locale === 'vi' && told.size > 0,
  },
];

export type CastMember = BundledAccount & { readonly locale: string };

type Cast = { readonly members: readonly CastMember[]; readonly idle: string };

let chosen: Cast | undefined;

/** The same at every start. `idle` is somebody whom nothing of the week concerns. */
export function demonstrationCast(): Cast {
  chosen ??= choose();
  return chosen;
}

function choose(): Cast {
  const people = [...citizens(DEMONSTRATION_SEED, CAST, { subscription: subscriptionPool(1) })].filter(
    ({ id }) => !isRefuser(id),
  );
  const told = factsOf(people);
  const reached = people.filter(({ id, contactPoints }) => contactPoints.length > 0 && !isSleeper(id));
  const members: CastMember[] = [];
  for (const { name, story, suits } of PARTS) {
    const person = reached.find(
      (one) =>
        suits(one, told.get(one.id) ?? new Set()) &&
        !told.get(one.id)?.has(PAID) &&
        !members.some(({ id }) => id === one.id),
    );
    if (person === undefined) continue;
    const { id, locale, profile } = person;
    const year = profile.birthDate.slice(0, 4);
    const region = SIDO.find(({ code }) => code === profile.sido);
    members.push({
      ...{ id, locale, name, kind: 'citizen', agency: null, role: null },
      about: {
        ko: `${year}년생 · ${region?.ko} · ${story.ko}`,
        en: `born ${year} · ${region?.en} · ${story.en}`,
      },
    });
  }
  const idle = reached.find(
    ({ id, locale, profile }) =>
      locale === 'ko' &&
      profile.birthDate < '1990' &&
      profile.sido !== FLOODED.slice(0, 2) &&
      profile.student === 'none' &&
      !told.has(id),
  );
  return { members, idle: idle?.id ?? members[0]!.id };
}

/** What single events of the week say, by person; who has paid is marked. */
function factsOf(people: readonly SyntheticCitizen[]): ReadonlyMap<string, ReadonlySet<string>> {
  const scene: Scene = { today: Temporal.PlainDate.from(POPULATION_DAY), people, sleeps: isSleeper };
  const found = new Map<string, Set<string>>();
  const note = (citizen: string, what: string) => {
    const of = found.get(citizen) ?? new Set();
    found.set(citizen, of.add(what));
  };
  for (const programme of PROGRAMMES) {
    const { facts, happenings } = programme.tell(scene);
    for (const { citizen, kind } of facts) note(citizen, `${programme.rule} ${kind}`);
    for (const { subject, type } of happenings)
      if (subject !== undefined && type.endsWith('.paid')) note(subject, PAID);
  }
  return found;
}
