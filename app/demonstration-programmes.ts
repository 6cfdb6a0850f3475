/**
 * What the agencies say in the week of the demonstration: a programme a constant, with its events, the facts they state, the audience of a
 * broadcast in SQL written by hand, and how its words are told from others. Another programme is another constant in PROGRAMMES.
 */
import type { Fact, Happening, Programme, Scene } from './demonstration-week.ts';

const DONE = 25;

const doneOf = (programme: string, ids: readonly string[]): Fact[] =>
  ids.map((citizen) => ({ programme, citizen, kind: 'done', figure: 0 }));

/** The last amount a text names: a correction names the old one first. */
function lastAmount(text: string): number {
  const amounts = [...text.matchAll(/([\d,]+)(?:원| won)/gu)];
  return Number(amounts.at(-1)?.[1]?.replaceAll(',', '') ?? 0);
}

const CORRECTS = /바뀌|변경|[Cc]hanged/u;
const SEOUL = '11';

/** Seoul's window opens; some have been before anybody asked them. */
const CHECKUP: Programme = {
  rule: 'nhis-general-checkup',
  types: ['kr.nhis.checkup-window.opened', 'kr.nhis.checkup.completed'],
  refusable: true,
  wakes: false,
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
  recognise: (text) => (/건강검진|health check-up/iu.test(text) ? { kind: 'checkup', figure: 0 } : null),
};

/** For everybody who studies; who may be eligible is asked to apply. The closing day moves two days later. */
const SCHOLARSHIP: Programme = {
  rule: 'kosaf-national-scholarship',
  types: ['kr.kosaf.scholarship-window.opened', 'kr.kosaf.scholarship.applied'],
  refusable: true,
  wakes: false,
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
    /장학금|scholarship/iu.test(text)
      ? { kind: CORRECTS.test(text) ? 'scholarship-corrected' : 'scholarship', figure: 0 }
      : null,
};

/** Assessed one by one; some had paid before, some amounts are corrected, some are paid afterwards. */
const PROPERTY_TAX: Programme = {
  rule: 'nts-property-tax',
  types: ['kr.nts.property-tax.assessed', 'kr.nts.property-tax.paid'],
  refusable: false,
  wakes: false,
  tell: (scene) => tellTax(scene),
  recognise: (text) =>
    /재산세|property tax/iu.test(text)
      ? { kind: CORRECTS.test(text) ? 'tax-corrected' : 'tax', figure: lastAmount(text) }
      : null,
};

const TAXES = 400;
const CORRECTIONS = 40;

function tellTax({ today, people, sleeps }: Scene) {
  const programme = 'nts-property-tax';
  const year = today.year;
  const dueOn = today.add({ days: 38 }).toString();
  const owners = people.filter((c) => c.profile.birthDate < '2000').slice(0, TAXES);
  const amountOf = (index: number) => 41_000 + index * 130;
  const event = (
    what: 'assessed' | 'paid',
    day: number,
    at: string,
    index: number,
    data: object,
    sequence?: number,
  ): Happening => ({
    day,
    at,
    id: `tax-${what}-${year}-${index}${sequence === undefined ? '' : `-${sequence}`}`,
    source: '/nts/property-tax',
    type: `kr.nts.property-tax.${what}`,
    data,
    subject: owners[index]!.id,
    obligation: `property-tax/${year}-${index}`,
    ...(sequence === undefined ? {} : { sequence }),
  });
  const indexes = owners.map((_, index) => index);
  const paidBefore = indexes.slice(0, DONE);
  const taxed = indexes.slice(DONE);
  const paidAfter = taxed.slice(-DONE);
  // Of those who have heard the old amount.
  const corrected = taxed.filter((index) => !sleeps(owners[index]!.id)).slice(0, CORRECTIONS);
  const fact = (index: number, kind: string, figure: number): Fact => ({
    programme,
    citizen: owners[index]!.id,
    kind,
    figure,
  });
  return {
    happenings: [
      ...paidBefore.map((index) => event('paid', 1, '15:00', index, {})),
      ...indexes.map((index) => event('assessed', 3, '09:30', index, { amount: amountOf(index), dueOn }, 1)),
      ...corrected.map((index) =>
        event('assessed', 6, '10:00', index, { amount: amountOf(index) + 7, dueOn }, 2),
      ),
      ...paidAfter.map((index) => event('paid', 7, '08:30', index, {})),
    ],
    facts: [
      ...taxed
        // Whose notice was still waiting for the morning when they paid never hear of it.
        .filter((index) => !(paidAfter.includes(index) && sleeps(owners[index]!.id)))
        .map((index) => fact(index, 'tax', amountOf(index))),
      ...corrected.map((index) => fact(index, 'tax-corrected', amountOf(index) + 7)),
    ],
  };
}

export const PROGRAMMES: readonly Programme[] = [CHECKUP, SCHOLARSHIP, PROPERTY_TAX];
