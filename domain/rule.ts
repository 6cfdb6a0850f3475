/**
 * A rule as its file gives it (CONTRACTS, "A rule"). rules/check/rule.ts turns an unknown JSON value into this or says what is wrong with it.
 */
import type { Category, Channel } from './statuses.ts';

/** A JsonLogic expression in the closed profile that rules/language.ts defines. */
export type Expression =
  | string
  | number
  | boolean
  | null
  | readonly Expression[]
  | { readonly [operator: string]: Expression };

export type Reach = 'certain' | 'possible';

export type Stage = {
  /** Unique in the rule; `corrected` is reserved for corrections. */
  readonly kind: string;
  /** `event`: when it arrives; `deadline`; else a date expression over event.* and citizen.*. */
  readonly anchor: 'event' | 'deadline' | Expression;
  /** ISO 8601 duration in days, weeks, months: `P0D`, `-P7D`. */
  readonly offset: string;
  /** HH:MM in the citizen's zone; without it the stage leaves at once. */
  readonly time?: string;
  readonly workingDay?: 'previous' | 'next';
};

export type RuleTest = {
  readonly name: string;
  /** What it is called in a language; the name where it has none. */
  readonly title?: Readonly<Record<string, string>>;
  readonly asOf: string;
  readonly citizen: Readonly<Record<string, unknown>>;
  readonly event: Readonly<Record<string, unknown>>;
  readonly expect: 'certain' | 'possible' | 'no';
};

export type Rule = {
  readonly id: string;
  readonly agency: string;
  readonly title: Readonly<Record<string, string>>;
  /** The event type it listens to. */
  readonly on: string;
  readonly category: Category;
  readonly reach: Reach;
  readonly condition: Expression;
  readonly obligation?: { readonly kind: string; readonly ref: Expression };
  readonly deadline?: { readonly at: Expression; readonly ifDayOff?: 'next' | 'keep' };
  readonly stages: readonly Stage[];
  /** In order of preference. */
  readonly channels: readonly Channel[];
  readonly cascade?: { readonly after: string };
  readonly overflow?: 'inbox' | Channel;
  /** Stage kind → template name; `corrected` too where the event type may be corrected. */
  readonly templates: Readonly<Record<string, string>>;
  readonly action?: { readonly url?: string; readonly tel?: string };
  readonly basis?: Readonly<Record<string, string>>;
  readonly tests: readonly RuleTest[];
};
