/** Programmes that concern people one by one: an amount is assessed, some have paid before, some amounts are corrected, some are paid after. */
import type { Fact, Happening, Programme, Scene, Told } from './demonstration-week.ts';

export type Bill = Pick<Programme, 'rule' | 'recognise'> & {
  /** Event types: the one that asks for money, and the one that says it was paid. */
  readonly type: string;
  readonly paid: string;
  readonly source: string;
  readonly obligation: string;
  /** From which grown-up of the population on, and how many. */
  readonly people: readonly [from: number, count: number];
  readonly day: number;
  /** HH:MM. */
  readonly at: string;
  readonly correctionDay: number;
  readonly corrections: number;
  /** As the recognition calls it; corrected ones are `<kind>-corrected`. */
  readonly kind: string;
  /** Won. */
  readonly amount: (index: number) => number;
  readonly data: (amount: number, today: Temporal.PlainDate) => object;
};

/** Of every bill's people, so many have paid before they are asked, and so many on the last day. */
const PAID_OF = 16;
const CORRECTED_BY = 7;

export function bills(bill: Bill): Programme {
  return {
    rule: bill.rule,
    types: [bill.type, bill.paid],
    refusable: false,
    wakes: false,
    channels: ['push', 'email', 'sms'],
    tell: (scene) => tell(bill, scene),
    recognise: bill.recognise,
  };
}

function tell(bill: Bill, { today, people, sleeps }: Scene): Told {
  const [from, count] = bill.people;
  const owners = people.filter((c) => c.profile.birthDate < '2000').slice(from, from + count);
  const indexes = owners.map((_, index) => index);
  const some = Math.floor(owners.length / PAID_OF);
  const paidBefore = indexes.slice(0, some);
  const asked = indexes.slice(some);
  const paidAfter = asked.slice(-some);
  // Only who has heard the old amount is corrected.
  const corrected = asked.filter((index) => !sleeps(owners[index]!.id)).slice(0, bill.corrections);

  const about = (index: number) => ({
    source: bill.source,
    subject: owners[index]!.id,
    obligation: `${bill.obligation}/${today.year}-${index}`,
  });
  const ask = (index: number, day: number, sequence: number, amount: number): Happening => ({
    ...about(index),
    day,
    at: bill.at,
    id: `${bill.obligation}-${today.year}-${index}-${sequence}`,
    type: bill.type,
    data: bill.data(amount, today),
    sequence,
  });
  const pay = (index: number, day: number): Happening => ({
    ...about(index),
    day,
    at: '08:30',
    id: `${bill.obligation}-paid-${today.year}-${index}`,
    type: bill.paid,
    data: {},
  });
  const fact = (index: number, kind: string, figure: number): Fact => ({
    programme: bill.rule,
    citizen: owners[index]!.id,
    kind,
    figure,
  });
  return {
    happenings: [
      ...paidBefore.map((index) => pay(index, 1)),
      ...indexes.map((index) => ask(index, bill.day, 1, bill.amount(index))),
      ...corrected.map((index) => ask(index, bill.correctionDay, 2, bill.amount(index) + CORRECTED_BY)),
      ...paidAfter.map((index) => pay(index, 7)),
    ],
    facts: [
      ...asked
        // Whose notice was still waiting for the morning when they paid never hear of it.
        .filter((index) => !(paidAfter.includes(index) && sleeps(owners[index]!.id)))
        .map((index) => fact(index, bill.kind, bill.amount(index))),
      ...corrected.map((index) => fact(index, `${bill.kind}-corrected`, bill.amount(index) + CORRECTED_BY)),
    ],
  };
}
