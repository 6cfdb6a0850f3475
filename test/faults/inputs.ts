/**
 * What goes into a round, all of it from the run's seed and the round's number: assessments of tax with an amount of their own each (by its
 * amount a text at a sink tells which event it is about), check-up windows for a slice of the population (by their closing day), what was
 * settled before it was opened, corrections of the last round's, and races. Pure.
 */
import { isDayOff } from '../../domain/kr/holidays.ts';
import { citizens, mobileNumber, randomStream, type SyntheticCitizen } from '../../producers/population.ts';
import { subscriptionAt } from '../sinks/push.ts';

/** One event as it goes out, and as the oracle reads it. */
export type Said = {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string | null;
  readonly obligation: string;
  readonly sequence: number;
  readonly data: Readonly<Record<string, string | number>>;
};

/** One thing in the world and how it may come out. */
export type Assessment = {
  readonly obligation: string;
  readonly citizen: string;
  /** Amounts by sequence: 1 first. */
  readonly amounts: readonly number[];
  /**
   * `told`: of the last amount, once. `corrected`: the first was of an earlier round, told of the last, once. `settled`: paid before it was
   * opened, so nothing. `race`: opened, maybe corrected, and paid, all at once.
   */
  readonly kind: 'told' | 'corrected' | 'settled' | 'race-corrected' | 'race-paid';
};

export type Window = {
  readonly event: string;
  readonly obligation: string;
  readonly area: string;
  readonly parity: number;
  readonly year: number;
  /** month * 100 + day */
  readonly closes: number;
};

export type Round = {
  readonly number: number;
  readonly events: readonly Said[];
  readonly assessments: readonly Assessment[];
  readonly windows: readonly Window[];
};

export type Person = SyntheticCitizen & { readonly reachable: boolean };

/** People of whom five of six can be reached: a third each first by push, by mail, by text message; where `pushUrl` is null all by mail. */
export function makePeople(seed: number, count: number, pushUrl: string | null): readonly Person[] {
  return [...citizens(seed, count)].map((citizen, index) => {
    const { id } = citizen;
    const mail = { channel: 'email' as const, address: `${id}@mail.example.kr` };
    const all: SyntheticCitizen['contactPoints'] =
      pushUrl === null
        ? [mail]
        : [
            { channel: 'push', subscription: subscriptionAt(pushUrl, id) },
            mail,
            { channel: 'sms', address: mobileNumber(index) },
          ];
    const reachable = index % 6 !== 5;
    return { ...citizen, reachable, contactPoints: reachable ? all.slice(index % all.length) : [] };
  });
}

/** Each is a campaign of a fan-out a shard. */
const MOST_WINDOWS = 12;

/** Far enough ahead that no stage but the first falls due, and no deadline is moved. */
function closingDays(asOf: string): readonly string[] {
  const first = Temporal.PlainDate.from(asOf).add({ days: 110 });
  const days: string[] = [];
  for (let at = 0; at < 250; at++) {
    const day = first.add({ days: at }).toString();
    if (!isDayOff(day)) days.push(day);
  }
  return days;
}

/** `stream` decides what is drawn, so that a fault alone meets the same inputs as among others. */
export type Inputs = { next(notices: number, stream: number): Round };

/** `slices` are areas with the number of reachable people that a window there concerns, by parity of the year of birth. */
export type Slice = { readonly area: string; readonly parity: number; readonly reachable: number };

/** Makes rounds one after the other: each knows the last. `shareOfWindows` of a round's notices come from broadcasts. */
export function createInputs(options: {
  readonly seed: number;
  readonly asOf: string;
  readonly people: readonly Person[];
  readonly slices: readonly Slice[];
  readonly shareOfWindows?: number;
  /** Only assessments that are told, once. */
  readonly plain?: boolean;
}): Inputs {
  const { seed, asOf, people, slices } = options;
  const days = closingDays(asOf);
  const due = days.at(-1)!;
  const year = Number(asOf.slice(0, 4)) + 1;
  const reachable = people.filter((person) => person.reachable);
  let number = 0;
  let amount = 10_000;
  let day = 0;
  /** Told in the last round, not yet corrected. */
  let correctable: Assessment[] = [];
  /** Paid in the last round, to be opened in this one. */
  let settled: { citizen: string; obligation: string }[] = [];

  function next(notices: number, stream: number): Round {
    number++;
    const random = randomStream(seed, stream);
    const plain = options.plain ?? false;
    const events: Said[] = [];
    const assessments: Assessment[] = [];
    const windows: Window[] = [];
    const person = () => reachable[Math.floor(random() * reachable.length)]!.id;
    const say = (
      what: 'property-tax.assessed' | 'property-tax.paid',
      citizen: string,
      obligation: string,
      sequence: number,
      data: Said['data'],
    ) =>
      events.push({
        id: `r${number}-${events.length}`,
        source: '/nts/property-tax',
        type: `kr.nts.${what}`,
        subject: citizen,
        obligation,
        sequence,
        data,
      });
    const assess = (citizen: string, obligation: string, sequence: number): number => {
      amount += 7;
      say('property-tax.assessed', citizen, obligation, sequence, { amount, dueOn: due });
      return amount;
    };
    let serial = 0;
    const obligation = () => `property-tax/r${number}-${serial++}`;

    const few = plain ? 0 : Math.max(2, Math.round(notices / 50));
    for (const { citizen, obligation: known } of settled)
      assessments.push({
        citizen,
        obligation: known,
        amounts: [assess(citizen, known, 1)],
        kind: 'settled',
      });
    for (const { citizen, obligation: known, amounts } of correctable.slice(0, few))
      assessments.push({
        citizen,
        obligation: known,
        amounts: [...amounts, assess(citizen, known, 2)],
        kind: 'corrected',
      });
    settled = Array.from({ length: few }, () => ({ citizen: person(), obligation: obligation() }));
    for (const { citizen, obligation: ahead } of settled) say('property-tax.paid', citizen, ahead, 1, {});
    for (let at = 0; at < few; at++) {
      const citizen = person();
      const known = obligation();
      const amounts = [assess(citizen, known, 1)];
      if (at % 2 === 0) amounts.push(assess(citizen, known, 2));
      else say('property-tax.paid', citizen, known, 1, {});
      assessments.push({
        citizen,
        obligation: known,
        amounts,
        kind: at % 2 === 0 ? 'race-corrected' : 'race-paid',
      });
    }

    const wanted = plain ? 0 : notices * (options.shareOfWindows ?? 0.35);
    const order = slices.map((slice) => ({ slice, at: random() })).sort((a, b) => a.at - b.at);
    let concerned = 0;
    for (const { slice } of order) {
      if (windows.length >= MOST_WINDOWS || concerned + slice.reachable > wanted * 1.1) continue;
      const [, month, dayOfMonth] = days[day++ % days.length]!.split('-');
      const closesOn = days[(day - 1) % days.length]!;
      const ref = `checkup/r${number}-${slice.area}-${slice.parity}`;
      const id = `r${number}-w${windows.length}`;
      const { area, parity } = slice;
      windows.push({
        event: id,
        obligation: ref,
        area,
        parity,
        year,
        closes: Number(month) * 100 + Number(dayOfMonth),
      });
      events.push({
        id,
        source: '/nhis/checkup',
        type: 'kr.nhis.checkup-window.opened',
        subject: null,
        obligation: ref,
        sequence: 1,
        data: { year, parity, area, closesOn },
      });
      concerned += slice.reachable;
    }
    // A fan-out of many beside the single ones: what is left of the notices are assessments, to people drawn with repetition.
    const left = Math.max(few, notices - concerned - few * 2);
    const told: Assessment[] = [];
    for (let at = 0; at < left; at++) {
      const citizen = person();
      const known = obligation();
      told.push({ citizen, obligation: known, amounts: [assess(citizen, known, 1)], kind: 'told' });
    }
    assessments.push(...told);
    correctable = told.slice(0, few);

    // Order is never relied on; windows come first, so that they are under way beside the rest.
    const shuffled = events
      .map((event) => ({ event, at: event.subject === null ? random() / 20 : random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ event }) => event);
    return { number, events: shuffled, assessments, windows };
  }
  return { next };
}
