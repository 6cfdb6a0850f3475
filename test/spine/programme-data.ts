/**
 * The data of the programmes' events by type: what differs from the type's own first example. Edges are chosen on purpose: amounts of
 * nothing, children who leave their window tomorrow, licences that are due next year.
 */
import { isDayOff } from '../../domain/kr/holidays.ts';
import type { SyntheticProfile } from '../../producers/population.ts';

export type Data = Readonly<Record<string, unknown>>;

export type Day = {
  readonly today: Temporal.PlainDate;
  readonly year: number;
  /** YYYY-MM-DD so much later than today; negative durations are earlier. */
  plus(duration: Temporal.DurationLike): string;
  /** A working day, later than the earliest reminder before it. */
  readonly far: string;
};

const INFANT_MONTHS = [
  [4, 6],
  [9, 12],
  [18, 24],
  [30, 36],
  [42, 48],
  [54, 60],
  [66, 71],
] as const;
const ORAL_MONTHS = [
  [18, 29],
  [30, 41],
  [42, 53],
  [54, 65],
] as const;

function round(day: Day, window: number, bornFrom: string, bornTo: string): Data {
  return { round: `${window}-${bornFrom.replaceAll('-', '')}`, window, bornFrom, bornTo, closesOn: day.far };
}

/** Children in a window of months, and those a few days short of it or beyond. */
function roundOfMonths(day: Day, window: number, [from, to]: readonly [number, number]): Data {
  const bornFrom = day.plus({ months: -(to + 1), days: -5 });
  return round(day, window, bornFrom, day.plus({ months: -(from - 1), days: -25 }));
}

/** The month in which those it is about come of age, so far that its end is no deadline yet. */
function month(day: Day, months: number): { month: string; from: string; to: string } {
  const first = day.today.with({ day: 1 }).add({ months });
  return {
    month: first.toString().slice(0, 7),
    from: first.toString(),
    to: first.with({ day: first.daysInMonth }).toString(),
  };
}

const screening = (day: Day, parity: number, area: string): Data => ({
  year: day.year,
  parity,
  screenedBefore: day.year - 2,
  area,
  closesOn: day.far,
});

const support = (day: Day, name: string, area: string): Data => ({
  support: `${name}-${day.year}`,
  area,
  closesOn: day.far,
});

/** Broadcasts; `area` gives a part of the country, another each time. Whatever reaches a few per cent of all is narrowed to one. */
export const BROADCASTS: Readonly<Record<string, (day: Day, area: () => string) => readonly Data[]>> = {
  'kr.nhis.stomach-screening-window.opened': (day, area) => [
    screening(day, 0, area()),
    screening({ ...day, year: day.year + 1 }, 1, area()),
  ],
  'kr.nhis.breast-screening-window.opened': (day, area) => [screening(day, 0, area())],
  'kr.nhis.cervical-screening-window.opened': (day, area) => [screening(day, 1, area())],
  'kr.nhis.colorectal-screening-window.opened': (day, area) => [
    { year: day.year, area: area(), closesOn: day.far },
  ],
  'kr.nhis.liver-screening-window.opened': (day) => [
    { half: day.year * 10 + 2, area: 'all', closesOn: day.far },
  ],
  'kr.nhis.lung-screening-window.opened': (day, area) => [
    { ...screening(day, 1, area()), statedSince: day.year - 2, quitSince: day.year - 15 },
  ],
  'kr.nhis.infant-checkup-round.opened': (day) => [
    round(day, 1, day.plus({ days: -40 }), day.plus({ days: -10 })),
    ...INFANT_MONTHS.map((months, at) => roundOfMonths(day, at + 2, months)),
  ],
  'kr.nhis.oral-checkup-round.opened': (day) =>
    ORAL_MONTHS.map((months, at) => roundOfMonths(day, at + 1, months)),
  'kr.kosaf.scholarship-window.opened': (day) => [
    { term: `${day.year + 1}-1`, maxBracket: 9, closesOn: day.far, closesTime: '18:00' },
  ],
  'kr.nts.income-tax-window.opened': (day) => [
    { window: `${day.year}-faithful`, filers: 'faithful', closesOn: day.far },
  ],
  'kr.nts.vat-window.opened': (day) => [
    { window: `${day.year}-2-simplified`, payers: 'simplified', closesOn: day.far },
  ],
  'kr.nts.earned-income-window.opened': (day) => [
    { window: `${day.year}-first-half`, year: day.year, claim: 'half', closesOn: day.far },
  ],
  'kr.nps.pension-age-round.opened': (day) => [month(day, 3), month(day, 4)],
  'kr.mohw.basic-pension-round.opened': (day) => [
    { ...month(day, 3), maxSingle: 2_470, maxCouple: 3_952 },
    { ...month(day, 4), maxSingle: 900, maxCouple: 1_200 },
  ],
  'kr.kdca.influenza-window.opened': (day, area) =>
    [
      ['senior', '1900-01-01', `${day.year - 75}-12-31`],
      ['child', `${day.year - 13}-01-01`, day.plus({ months: -6 })],
      ['pregnant', '1900-01-01', `${day.year}-12-31`],
    ].map(([group, bornFrom, bornTo]) => ({
      window: `${day.year}-${group}`,
      season: day.year,
      group,
      bornFrom,
      bornTo,
      area: group === 'pregnant' ? 'all' : area(),
      remindOn: day.plus({ days: 60 }),
      closesOn: day.far,
    })),
  'kr.local.resident-card-window.opened': (day) => [{ ...month(day, 0), area: 'all', closesOn: day.far }],
  'kr.mois.relief-fund-slot.opened': (day, area) => [
    {
      slot: `${day.year}-2-monday`,
      slotOn: day.plus({ days: 3 }),
      yearAges: Array.from({ length: 17 }, (_, at) => 20 + at * 5),
      maxPercentile: 90,
      area: area(),
      closesOn: day.far,
    },
  ],
  'kr.mois.disaster.warned': (day, area) => [
    { warning: `${day.year}-flood-1`, areas: [`${area()}110`, '11680', '36'] },
    { warning: `${day.year}-rain-2`, hazard: 'heavy-rain', level: 'watch', areas: ['50'] },
  ],
  'kr.mogef.family-support.opened': (day, area) => [
    { ...support(day, 'large', area()), group: 'large-family' },
    { ...support(day, 'single', 'all'), group: 'single-parent' },
  ],
  'kr.mohw.disability-support.opened': (day, area) => [support(day, 'energy', area())],
  'kr.mpva.veteran-support.opened': (day, area) => [support(day, 'energy', area())],
  'kr.moel.job-seeker-support.opened': (day) => [support(day, 'seekers', 'all')],
};

const student = ({ student: is }: SyntheticProfile) => is === 'enrolled' || is === 'admitted';

/** Whom a type is probably about, as a first guess: the oracle judges them. Of the others it may be about anybody. */
export const LIKELY: Readonly<Record<string, (profile: SyntheticProfile) => boolean>> = {
  'kr.kosaf.scholarship-consent.requested': student,
  'kr.mma.examination.scheduled': ({ sex, birthDate }) =>
    sex === 'M' && birthDate > '2005' && birthDate < '2010',
  'kr.moel.unemployment-recognition.due': ({ jobSeeker }) => jobSeeker === 'beneficiary',
  'kr.nts.vat-prepayment.assessed': ({ vatPayer }) => vatPayer === 'general',
  'kr.koroad.licence-renewal.opened': ({ licenceTerm }) => licenceTerm !== undefined,
  'kr.kdca.vaccine-dose.due': ({ children }) => (children?.length ?? 0) > 0,
};

type About = {
  readonly day: Day;
  /** Which of the sample. */
  readonly at: number;
  readonly profile: SyntheticProfile;
  pick(below: number): number;
};

/** Whole won; nothing for every ninth. */
const won = ({ at }: About) => (at % 9 === 8 ? 0 : 10_000 + at * 130);

type Told = { readonly data: Data; readonly stage?: string };

const ABOUT: Readonly<Record<string, (about: About) => Told | null>> = {
  'kr.kdca.vaccine-dose.due': ({ day, at, profile, pick }) => {
    const child = profile.children?.at(-1)?.birthDate;
    const strangers = day.plus({ days: -pick(2_000) });
    const bornOn = at % 5 === 4 ? strangers : at % 5 === 3 ? profile.birthDate : (child ?? strangers);
    return {
      data: {
        series: `dose-${at}`,
        dose: at % 7 === 6 ? 1 : 2,
        bornOn,
        from: day.today.toString(),
        until: day.plus({ days: 60 }),
      },
    };
  },
  'kr.knpa.fine.imposed': (about) => ({
    data: {
      reducedAmount: won(about),
      reducedUntil: about.day.far,
      fullAmount: 99_000,
      dueOn: about.day.far,
    },
  }),
  'kr.knpa.penalty.notified': (about) => ({
    data: { amount: won(about), dueOn: about.day.far, laterAmount: 99_000, laterDueOn: about.day.far },
  }),
  'kr.koroad.licence-renewal.opened': ({ day, at }) => {
    const year = day.year + (at % 2);
    return {
      data: {
        year,
        tenYearsAgo: year - 10,
        fiveYearsAgo: year - 5,
        threeYearsAgo: year - 3,
        opensOn: day.plus({ days: -10 }),
        closesOn: day.far,
      },
    };
  },
  'kr.kosaf.loan-repayment.due': (about) => {
    // The first of its notices whose deadline would not roll on to another day.
    const stages = [
      ['d10', 10],
      ['d3', 3],
      ['overdue', -1],
    ] as const;
    const due = stages.find(([, days]) => !isDayOff(about.day.plus({ days })));
    if (due === undefined) return null;
    return { data: { amount: won(about), dueOn: about.day.plus({ days: due[1] }) }, stage: due[0] };
  },
  'kr.kosaf.scholarship-consent.requested': ({ day }) => ({
    data: { term: `${day.year + 1}-1`, consentUntil: day.far },
  }),
  'kr.local.automobile-tax.assessed': (about) => ({
    data: { amount: won(about), lateAmount: 99_000, dueOn: about.day.far },
  }),
  'kr.mma.examination.scheduled': ({ day }) => ({ data: { examinedOn: day.far } }),
  'kr.moel.unemployment-recognition.due': ({ day }) => ({
    data: { recognitionOn: day.plus({ days: 2 }) },
    stage: 'd2',
  }),
  'kr.mofa.passport.expiring': ({ day }) => {
    const expires = day.today.add({ months: 6 });
    // At the end of a month there may be no day that is half a year after this one.
    if (!expires.subtract({ months: 6 }).equals(day.today)) return null;
    return { data: { expiresOn: expires.toString() }, stage: 'm6' };
  },
  'kr.mohw.birth.registered': ({ day, at }) => {
    const ago = [{ days: -20 }, { months: -23, days: -27 }, { months: -24 }, { years: -8 }, { years: -9 }][
      at % 5
    ]!;
    return { data: { birth: `b-${at}`, bornOn: day.plus(ago), claimUntil: day.far } };
  },
  'kr.nts.real-estate-tax.assessed': (about) => ({ data: { amount: won(about), dueOn: about.day.far } }),
  'kr.nts.vat-prepayment.assessed': (about) => ({ data: { amount: won(about), dueOn: about.day.far } }),
};

/** The data of an event about one citizen, and the stage that is due today; null where none can be today. Throws for a type nobody wrote down. */
export function dataAbout(type: string, about: About): { data: Data; stage: string } | null {
  const make = ABOUT[type];
  if (make === undefined)
    throw new Error(`the spine has no events of type ${type}: test/spine/programme-data.ts`);
  const told = make(about);
  return told === null ? null : { data: told.data, stage: told.stage ?? 'opened' };
}
