/**
 * What the agencies say in the week of the demonstration: a programme a constant, with its events, the facts they state, the audience of a
 * broadcast in SQL written by hand, and how its words are told from others. Another programme is another line in PROGRAMMES; one whose event
 * types the catalogue lacks is left out.
 */
import { type Bill, bills } from './demonstration-bills.ts';
import type { Fact, Happening, Programme } from './demonstration-week.ts';

const DONE = 25;
const SEOUL = '11';
const GANGNAM = '11680';

const doneOf = (programme: string, ids: readonly string[]): Fact[] =>
  ids.map((citizen) => ({ programme, citizen, kind: 'done', figure: 0 }));

/** Of words without their marks: a correction says that something changed. */
const CORRECTS = /바뀌|바뀐|변경|changed|da doi|da thay doi/u;

/** Seoul's window opens; some have been before anybody asked them. */
const CHECKUP: Programme = {
  rule: 'nhis-general-checkup',
  types: ['kr.nhis.checkup-window.opened', 'kr.nhis.checkup.completed'],
  refusable: true,
  wakes: false,
  channels: ['push', 'email', 'sms'],
  tell({ today, people }) {
    const year = today.year + 1;
    const source = '/nhis/checkup';
    const been = people.filter((c) => c.profile.sido === SEOUL).slice(0, DONE);
    const age = `${year - 1} - extract(year FROM born)`;
    return {
      happenings: [
        ...been.map(
          ({ id }): Happening => ({
            day: 1,
            at: '10:00',
            id: `checkup-done-${year}-${id}`,
            source,
            type: 'kr.nhis.checkup.completed',
            data: { year },
            subject: id,
            obligation: `checkup/${year}`,
          }),
        ),
        {
          day: 2,
          at: '09:00',
          id: `window-${year}`,
          source,
          type: 'kr.nhis.checkup-window.opened',
          data: { year, parity: year % 2, area: SEOUL, closesOn: `${year}-12-31` },
        },
      ],
      facts: doneOf(
        'nhis-general-checkup',
        been.map(({ id }) => id),
      ),
      audience: `SELECT id, 'checkup', 0::bigint FROM seed_people
        WHERE ${age} >= 20 AND (insurance <> 'medical-aid' OR ${age} <= 64)
          AND extract(year FROM born)::int % 2 = ${year % 2} AND checked <> ${year} AND sido = '${SEOUL}'`,
    };
  },
  recognise: (text) =>
    /건강검진|health check-up|kham suc khoe/u.test(text) ? { kind: 'checkup', figure: 0 } : null,
};

/** For everybody who studies; who may be eligible is asked to apply. The closing day moves two days later. */
const SCHOLARSHIP: Programme = {
  rule: 'kosaf-national-scholarship',
  types: ['kr.kosaf.scholarship-window.opened', 'kr.kosaf.scholarship.applied'],
  refusable: true,
  wakes: false,
  channels: ['push', 'email', 'sms'],
  tell({ today, people }) {
    const term = `${today.year + 1}-1`;
    const source = '/kosaf/scholarship';
    const applied = people.filter((c) => c.profile.student === 'enrolled').slice(0, DONE);
    const window = (day: number, sequence: number, closesInDays: number): Happening => ({
      day,
      at: '14:00',
      id: `window-${term}-${sequence}`,
      source,
      type: 'kr.kosaf.scholarship-window.opened',
      sequence,
      data: {
        term,
        round: 1,
        maxBracket: 9,
        closesOn: today.add({ days: closesInDays }).toString(),
        closesTime: '18:00',
      },
    });
    const eligible = `SELECT id, %, 0::bigint FROM seed_people WHERE (student IN ('enrolled', 'admitted') AND bracket <= 9) IS NOT FALSE`;
    return {
      happenings: [
        ...applied.map(
          ({ id }): Happening => ({
            day: 1,
            at: '11:00',
            id: `applied-${term}-${id}`,
            source,
            type: 'kr.kosaf.scholarship.applied',
            data: { term },
            subject: id,
            obligation: `scholarship/${term}`,
          }),
        ),
        window(4, 1, 34),
        window(6, 2, 36),
      ],
      facts: doneOf(
        'kosaf-national-scholarship',
        applied.map(({ id }) => id),
      ),
      audience: `${eligible.replace('%', "'scholarship'")}
        UNION ALL ${eligible.replace('%', "'scholarship-corrected'")} AND NOT sleeps`,
    };
  },
  recognise: (text) =>
    /장학금|scholarship|hoc bong/u.test(text)
      ? { kind: CORRECTS.test(text) ? 'scholarship-corrected' : 'scholarship', figure: 0 }
      : null,
};

/** A flood in Gangnam, by night as by day: a watch becomes a warning and is lifted. */
const FLOOD: Programme = {
  rule: 'mois-disaster',
  types: ['kr.mois.disaster.warned', 'kr.mois.disaster.lifted'],
  refusable: false,
  wakes: true,
  channels: ['push', 'sms', 'email'],
  tell({ today }) {
    const warning = `flood-${today.toString()}`;
    const source = '/mois/disaster';
    const warned = (day: number, at: string, level: string, sequence: number): Happening => ({
      day,
      at,
      id: `${warning}-${sequence}`,
      source,
      type: 'kr.mois.disaster.warned',
      sequence,
      obligation: `disaster/${warning}`,
      data: {
        warning,
        hazard: 'flood',
        level,
        areas: [GANGNAM],
        areaName: { ko: '강남구', en: 'Gangnam-gu' },
      },
    });
    const there = (kind: string) =>
      `SELECT id, '${kind}', 0::bigint FROM seed_people WHERE sigungu = '${GANGNAM}'`;
    return {
      happenings: [
        warned(5, '23:40', 'watch', 1),
        warned(6, '02:15', 'warning', 2),
        {
          day: 7,
          at: '06:00',
          id: `${warning}-lifted`,
          source,
          type: 'kr.mois.disaster.lifted',
          sequence: 3,
          obligation: `disaster/${warning}`,
          data: { warning },
        },
      ],
      facts: [],
      audience: `${there('flood-watch')} UNION ALL ${there('flood-warning')}`,
    };
  },
  recognise: (text) =>
    /홍수|flood|lu lut/u.test(text)
      ? { kind: /주의보|watch|chu y/u.test(text) ? 'flood-watch' : 'flood-warning', figure: 0 }
      : null,
};

/** The last amount a text names: a correction names the old one first. Three digits after a comma or a point are thousands. */
function amounts(text: string): number[] {
  return [...text.matchAll(/(\d[\d.,]*) ?(?:원|won)/gu)].map((found) =>
    Number(found[1]!.replaceAll(/[.,]/g, '')),
  );
}

const lastAmount = (text: string): number => amounts(text).at(-1) ?? 0;

const PROPERTY_TAX: Bill = {
  rule: 'nts-property-tax',
  type: 'kr.nts.property-tax.assessed',
  paid: 'kr.nts.property-tax.paid',
  source: '/nts/property-tax',
  obligation: 'property-tax',
  people: [0, 400],
  day: 3,
  at: '09:30',
  correctionDay: 6,
  corrections: 40,
  kind: 'tax',
  amount: (index) => 41_000 + index * 130,
  data: (amount, today) => ({ amount, dueOn: today.add({ days: 38 }).toString() }),
  recognise: (text) =>
    /재산세|property tax|thue tai san/u.test(text)
      ? { kind: CORRECTS.test(text) ? 'tax-corrected' : 'tax', figure: lastAmount(text) }
      : null,
};

const AUTOMOBILE_TAX: Bill = {
  rule: 'local-automobile-tax',
  type: 'kr.local.automobile-tax.assessed',
  paid: 'kr.local.automobile-tax.paid',
  source: '/local/automobile-tax',
  obligation: 'automobile-tax',
  people: [350, 200],
  day: 4,
  at: '09:00',
  correctionDay: 6,
  corrections: 10,
  kind: 'car',
  amount: (index) => 130_000 + index * 260,
  data: (amount, today) => ({
    amount,
    lateAmount: Math.floor(amount * 1.03),
    dueOn: today.add({ days: 30 }).toString(),
  }),
  recognise: (text) =>
    /자동차세|automobile tax|car tax|thue o to/u.test(text)
      ? { kind: CORRECTS.test(text) ? 'car-corrected' : 'car', figure: amountOfCar(text) }
      : null,
};

/** Mail says the late amount too; the higher of two that belong together is the late one. */
function amountOfCar(text: string): number {
  const named = amounts(text);
  const last = named.at(-1) ?? 0;
  return named.find((amount) => Math.floor(amount * 1.03) === last) ?? last;
}

const FINE: Bill = {
  rule: 'knpa-fine',
  type: 'kr.knpa.fine.imposed',
  paid: 'kr.knpa.fine.paid',
  source: '/knpa/fine',
  obligation: 'fine',
  people: [500, 80],
  day: 5,
  at: '11:20',
  correctionDay: 6,
  corrections: 0,
  kind: 'fine',
  amount: (index) => 32_000 + (index % 8) * 8_000,
  data: (amount, today) => ({
    offence: 'speeding',
    occurredOn: today.subtract({ days: 14 }).toString(),
    reducedAmount: amount,
    reducedUntil: today.add({ days: 20 }).toString(),
    fullAmount: amount * 1.25,
    dueOn: today.add({ days: 80 }).toString(),
  }),
  // The reduced amount stands first.
  recognise: (text) =>
    /과태료|\bfine\b|\bphat\b/u.test(text) ? { kind: 'fine', figure: amounts(text)[0] ?? 0 } : null,
};

export const PROGRAMMES: readonly Programme[] = [
  CHECKUP,
  SCHOLARSHIP,
  FLOOD,
  bills(PROPERTY_TAX),
  bills(AUTOMOBILE_TAX),
  bills(FINE),
];
