/** A rule while it is being written: the file's own shape, of which anything may still be missing. */
import type { Expression, RuleTest, Stage } from '../../../../domain/rule.ts';
import type { Category, Channel } from '../../../../domain/statuses.ts';

export type Draft = {
  readonly id: string;
  readonly agency: string;
  readonly title: Readonly<Record<string, string>>;
  readonly on: string;
  readonly category: Category;
  readonly reach: 'certain' | 'possible';
  readonly condition: Expression;
  readonly obligation?: { readonly kind: string; readonly ref: Expression };
  readonly deadline?: { readonly at: Expression; readonly ifDayOff?: 'next' | 'keep' };
  readonly stages: readonly Stage[];
  readonly channels: readonly Channel[];
  readonly cascade?: { readonly after: string };
  readonly overflow?: 'inbox' | Channel;
  readonly templates: Readonly<Record<string, string>>;
  readonly action?: { readonly url?: string; readonly tel?: string };
  readonly basis?: Readonly<Record<string, string>>;
  readonly tests: readonly RuleTest[];
};

type ObjectSchema = {
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, ObjectSchema>>;
  readonly required?: readonly string[];
};

/** As `GET /api/v1/event-types` gives it. */
export type EventType = {
  readonly type: string;
  readonly agency: string;
  readonly effect: string;
  readonly obligationKind?: string;
  readonly title: Readonly<Record<string, string>>;
  readonly schema: ObjectSchema;
  readonly examples: readonly Readonly<Record<string, unknown>>[];
};

export function blankDraft(agency: string): Draft {
  return {
    id: '',
    agency,
    title: { ko: '', en: '' },
    on: '',
    category: 'service',
    reach: 'certain',
    condition: true,
    stages: [{ kind: 'opened', anchor: 'event', offset: 'P0D' }],
    channels: ['push', 'email', 'sms'],
    overflow: 'inbox',
    templates: {},
    tests: [],
  };
}

const variable = (name: string): Expression => ({ var: `event.${name}` });

/** Days that every event of the type has, those that sound like an end first. */
export function datesOf(type: EventType): readonly string[] {
  const { properties = {}, required = [] } = type.schema;
  const dates = Object.keys(properties).filter(
    (name) => required.includes(name) && properties[name]?.format === 'date',
  );
  const isEnd = (name: string): number => (/close|due|end|until|expire|deadline/i.test(name) ? 0 : 1);
  return dates.toSorted((a, b) => isEnd(a) - isEnd(b));
}

/** What follows from which event a rule listens to: its end, its stages, and what it is about. What was written already stays. */
export function listeningTo(draft: Draft, type: EventType): Draft {
  const end = datesOf(type)[0];
  const { properties = {}, required = [] } = type.schema;
  const reference = ['year', 'season', 'round'].find(
    (name) => required.includes(name) && Object.hasOwn(properties, name),
  );
  const opened: Stage = { kind: 'opened', anchor: 'event', offset: 'P0D' };
  const { deadline: _, obligation: __, ...rest } = draft;
  const fresh: Draft = {
    ...rest,
    on: type.type,
    agency: type.agency,
    ...(end === undefined ? {} : { deadline: { at: variable(end), ifDayOff: 'next' } }),
    ...(type.obligationKind === undefined || reference === undefined
      ? {}
      : { obligation: { kind: type.obligationKind, ref: variable(reference) } }),
    stages:
      end === undefined
        ? [opened]
        : [opened, { kind: 'd7', anchor: 'deadline', offset: '-P7D', time: '09:00', workingDay: 'previous' }],
  };
  return withTemplates(fresh);
}

/** A template a stage that has none: the first has its own, those that remind share one; and one for when the event is corrected. */
export function withTemplates(draft: Draft): Draft {
  const kinds = draft.stages.map(({ kind }) => kind);
  const kept = Object.entries(draft.templates).filter(
    ([kind]) => kind === 'corrected' || kinds.includes(kind),
  );
  const templates: Record<string, string> = Object.fromEntries(kept);
  // A rule of long ago that has none goes without.
  if (draft.id !== '' && kept.length === 0) templates['corrected'] = `${draft.id}-corrected`.slice(0, 64);
  if (draft.id !== '')
    draft.stages.forEach(({ kind }, index) => {
      templates[kind] ??= `${draft.id}-${index === 0 ? kind : 'reminder'}`.slice(0, 64);
    });
  return { ...draft, templates };
}

/** A name that a file could have, of a title; the agency first, so that no two agencies take the same. */
export function idOf(agency: string, title: string): string {
  const words = title
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return words === '' ? '' : `${agency}-${words}`.slice(0, 50).replace(/-+$/, '');
}

export const sameDraft = (a: Draft, b: Draft): boolean => JSON.stringify(a) === JSON.stringify(b);
