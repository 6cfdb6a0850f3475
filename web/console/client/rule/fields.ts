/**
 * What a condition may ask about, for the builder: the catalogue's fields that the agency may use, what is reckoned of their dates, and what
 * the event says. Labels are those of the sentences, so that a row reads as its sentence does.
 */
import { type Field, type Fields, mayUse, type ScalarField } from '../../../../rules/catalogue.ts';
import { readExpression, type Scope } from '../../../../rules/check/typing.ts';
import type { Node, ScalarType } from '../../../../rules/language.ts';
import { readFieldName } from '../../../../rules/say/builder-names.ts';
import { eventWord } from '../../../../rules/say/event-words.ts';
import { speakerOf } from '../../../../rules/say/speakers.ts';
import type { Language } from '../words.ts';
import type { EventType } from './model.ts';

export type FieldChoice = {
  readonly name: string;
  readonly label: string;
  readonly kind: 'own' | 'reckoned' | 'event' | 'list';
  readonly type: ScalarType | 'list';
  /** Where only these may stand. */
  readonly values?: readonly { readonly value: string | number; readonly label: string }[];
  /** Of the items of a list. */
  readonly members?: readonly FieldChoice[];
  readonly sensitive: boolean;
};

const OF_DATES = ['yearAge', 'age', 'ageMonths', 'parity', 'monthDay', 'daysUntil', 'daysSince'];

/** As `GET /api/v1/fields` shows them, back to the catalogue's own. */
export function fieldsOf(shown: readonly ShownField[]): Fields {
  const revived = (field: ShownField): unknown =>
    field.type === 'string'
      ? { ...field, pattern: field.pattern == null ? null : new RegExp(field.pattern, 'u') }
      : field;
  return new Map(
    shown.map((field) => {
      const items = Object.entries(field.items ?? {}).map(([name, member]) => [name, revived(member)]);
      const whole = field.type === 'list' ? { ...field, items: Object.fromEntries(items) } : revived(field);
      return [field.name, whole as Field];
    }),
  );
}

export type ShownField = {
  readonly name: string;
  readonly type: string;
  readonly pattern?: string | null;
  readonly items?: Readonly<Record<string, ShownField>>;
};

function nodeOf(name: string, scope: Scope): Node | undefined {
  const term = readFieldName(name);
  return term === undefined ? undefined : readExpression(term, '', scope, []);
}

function labelled(name: string, scope: Scope, language: Language): string {
  const node = nodeOf(name, scope);
  return node === undefined ? name : speakerOf(language).term(node);
}

/** What the name stands for, with its label; undefined where there is no such thing. For names that no list holds: `addYears(…, 65)`. */
export function choiceOf(name: string, scope: Scope, language: Language): FieldChoice | undefined {
  const node = nodeOf(name, scope);
  if (node === undefined || node.kind === 'list') return undefined;
  const label = speakerOf(language).term(node);
  return { name, label, kind: 'reckoned', type: node.type, sensitive: false };
}

export function choicesOf(
  scope: Scope,
  eventType: EventType | undefined,
  language: Language,
): readonly FieldChoice[] {
  const usable = [...scope.fields.values()].filter((field) => mayUse(field, scope.agency));
  const own = usable.flatMap((field) =>
    field.type === 'list'
      ? [listChoice(field, scope, language)]
      : scalarChoices(field, `citizen.${field.name}`, scope, language),
  );
  return [...own, ...eventChoices(eventType, scope, language)];
}

function scalarChoices(field: ScalarField, name: string, scope: Scope, language: Language): FieldChoice[] {
  const sensitive = field.sensitivity === 'sensitive';
  const type: ScalarType = field.type === 'enum' || field.type === 'string' ? 'text' : field.type;
  const own: FieldChoice = {
    name,
    label: field.labels[language],
    kind: 'own',
    type,
    sensitive,
    ...(field.type === 'enum'
      ? {
          values: field.values.map((value) => ({
            value,
            label: field.valueLabels[value]?.[language] ?? value,
          })),
        }
      : {}),
  };
  if (field.type !== 'date') return [own];
  return [
    ...OF_DATES.map((op): FieldChoice => {
      const reckoned = `${op}(${name})`;
      return {
        name: reckoned,
        label: inItem(name) ? reckonedLabel(op, field, language) : labelled(reckoned, scope, language),
        kind: 'reckoned',
        type: 'integer',
        sensitive,
        ...(op === 'parity' ? { values: PARITIES[language] } : {}),
      };
    }),
    own,
  ];
}

const inItem = (name: string): boolean => name.startsWith('item.');

const PARITIES = {
  ko: [
    { value: 0, label: '짝수 해' },
    { value: 1, label: '홀수 해' },
  ],
  en: [
    { value: 0, label: 'even year' },
    { value: 1, label: 'odd year' },
  ],
} as const;

/** Members of items are spoken of inside their list alone; outside it they have only these. */
const RECKONED: Readonly<Record<string, Readonly<Record<Language, string>>>> = {
  yearAge: { ko: '연 나이', en: 'age this year' },
  age: { ko: '만 나이', en: 'age' },
  ageMonths: { ko: '개월 수', en: 'age in months' },
  parity: { ko: '해의 짝홀', en: 'even or odd year' },
  monthDay: { ko: '월일', en: 'month and day' },
  daysUntil: { ko: '까지 남은 날', en: 'days until' },
  daysSince: { ko: '부터 지난 날', en: 'days since' },
};

function reckonedLabel(op: string, field: ScalarField, language: Language): string {
  return `${field.labels[language]}: ${RECKONED[op]![language]}`;
}

function listChoice(field: Extract<Field, { type: 'list' }>, scope: Scope, language: Language): FieldChoice {
  const members = Object.entries(field.items).flatMap(([name, member]) =>
    member.type === 'citizen' ? [] : scalarChoices(member, `item.${name}`, scope, language),
  );
  return {
    name: `citizen.${field.name}`,
    label: field.labels[language],
    kind: 'list',
    type: 'list',
    members,
    sensitive: field.sensitivity === 'sensitive',
  };
}

function eventChoices(eventType: EventType | undefined, scope: Scope, language: Language): FieldChoice[] {
  return Object.keys(eventType?.schema.properties ?? {}).flatMap((property): FieldChoice[] => {
    const name = `event.${property}`;
    const node = nodeOf(name, scope);
    if (node?.kind !== 'event' || node.list) return [];
    const word = eventWord([property]);
    const values = node.values?.map((value) => ({
      value,
      label: word?.values?.[value]?.[language] ?? value,
    }));
    return [
      {
        name,
        label: labelled(name, scope, language),
        kind: 'event',
        type: node.type,
        sensitive: false,
        ...(values === undefined ? {} : { values }),
      },
    ];
  });
}
