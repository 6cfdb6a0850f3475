/**
 * The week of the demonstration: seven days up to today, filled by the programmes of demonstration-programmes.ts that the catalogue has. It makes
 * events and says which facts they state; it publishes nothing.
 */
import type { NewRecord } from '../broker/broker.ts';
import { dayOf, instantOf } from '../domain/clock.ts';
import { ZONE } from '../domain/jurisdiction.ts';
import type { Channel } from '../domain/statuses.ts';
import { citizens, type SyntheticCitizen } from '../producers/population.ts';
import { isRefuser, isSleeper } from './seed-population.ts';

/** Something an agency says on one day of the week: 1 is six days ago, 7 is today. */
export type Happening = {
  readonly day: number;
  /** HH:MM in Seoul. */
  readonly at: string;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly data: object;
  readonly subject?: string;
  readonly obligation?: string;
  readonly sequence?: number;
};

/** What one event alone lets the oracle expect: this person is told this (`kind`, `figure`); `done` excludes them from an audience. */
export type Fact = {
  readonly programme: string;
  readonly citizen: string;
  readonly kind: string;
  readonly figure: number;
};

export type Scene = {
  readonly today: Temporal.PlainDate;
  /** Some thousand of the population, always the same. */
  readonly people: readonly SyntheticCitizen[];
  /** Whose notices wait until the night is over, so that nobody has told them yet. */
  readonly sleeps: (citizen: string) => boolean;
};

export type Told = {
  readonly happenings: readonly Happening[];
  readonly facts: readonly Fact[];
  /**
   * Of broadcasts: SQL that gives (citizen, kind, figure) from the seed's tables (demonstration-oracle.ts), by hand and not from the rule. A
   * correction takes only those who were told before: `AND NOT sleeps`.
   */
  readonly audience?: string;
};

export type Programme = {
  readonly rule: string;
  /** Event types; the programme is left out where the catalogue lacks one. */
  readonly types: readonly string[];
  /** Whether a citizen may switch it off (categories service and information). */
  readonly refusable: boolean;
  /** Emergencies wake people. */
  readonly wakes: boolean;
  /** The rule's, best first. */
  readonly channels: readonly Channel[];
  readonly tell: (scene: Scene) => Told;
  /** What the words say, as a person would tell two notices apart; null where they are about something else. Small letters without marks. */
  readonly recognise: (text: string) => { readonly kind: string; readonly figure: number } | null;
};

export type Day = {
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly happenings: readonly Happening[];
  readonly records: readonly NewRecord[];
};

export type Story = {
  readonly seed: number;
  readonly citizens: number;
  /** YYYY-MM-DD in Seoul. */
  readonly asOf: string;
  readonly programmes: readonly Programme[];
  readonly facts: readonly Fact[];
  readonly audiences: readonly { readonly programme: string; readonly sql: string }[];
};

export const DEMONSTRATION_SEED = 2026;
export const DAYS = 7;
/** Selecting people needs no more than these. */
const CAST = 5_000;

function recordOf(happening: Happening, time: string): NewRecord {
  const { id, source, type, data, subject, obligation, sequence } = happening;
  const body = {
    specversion: '1.0',
    id,
    source,
    type,
    time,
    datacontenttype: 'application/json',
    ...(subject === undefined ? {} : { subject }),
    ...(obligation === undefined ? {} : { allimobligation: obligation }),
    ...(sequence === undefined ? {} : { sequence: String(sequence) }),
    data,
  };
  return {
    key: subject ?? obligation ?? id,
    value: JSON.stringify(body),
    headers: { 'content-type': 'application/cloudevents+json; charset=utf-8' },
  };
}

/** The same for the same count and instant, so that a second start tells the same story with the same events. */
export function writeWeek(
  programmes: readonly Programme[],
  count: number,
  nowMs: number,
): { story: Story; days: readonly Day[] } {
  const asOf = dayOf(nowMs);
  const today = Temporal.PlainDate.from(asOf);
  const scene: Scene = {
    today,
    people: [...citizens(DEMONSTRATION_SEED, Math.min(count, CAST))].filter(({ id }) => !isRefuser(id)),
    sleeps: isSleeper,
  };
  const told = programmes.map((programme) => ({ programme, ...programme.tell(scene) }));
  const days = Array.from({ length: DAYS }, (_, index): Day => {
    const date = today.subtract({ days: DAYS - 1 - index }).toString();
    const happenings = told
      .flatMap((one) => one.happenings)
      .filter((one) => one.day === index + 1)
      .toSorted((a, b) => a.at.localeCompare(b.at));
    const records = happenings.map((one) => {
      // Nothing of today has happened later than now.
      const atMs = Math.min(instantOf(date, one.at), nowMs);
      // With Seoul's offset: the day it names is the day it happened.
      return recordOf(one, Temporal.Instant.fromEpochMilliseconds(atMs).toString({ timeZone: ZONE }));
    });
    return { date, happenings, records };
  });
  return {
    story: {
      seed: DEMONSTRATION_SEED,
      citizens: count,
      asOf,
      programmes,
      facts: told.flatMap((one) => one.facts),
      audiences: told.flatMap(({ programme, audience }) =>
        audience === undefined ? [] : [{ programme: programme.rule, sql: audience }],
      ),
    },
    days,
  };
}
