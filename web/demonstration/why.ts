/**
 * Why a notice came: the parts of the rule's condition, each as a short line with the value that was seen. It reads the checked tree and
 * judges each part with the same closure that matching uses, against the attributes as they are now and the day on which it was judged.
 */
import type { EventType } from '../../domain/event.ts';
import type { Rule } from '../../domain/rule.ts';
import { dayText, parseDay } from '../../rules/calendar.ts';
import type { Fields } from '../../rules/catalogue.ts';
import { readRule } from '../../rules/check/rule.ts';
import { type Circumstances, compileNumber, compileText } from '../../rules/compile/closure.ts';
import {
  type Call,
  fieldsOf,
  type Known,
  type Node,
  type Quantified,
  readsItem,
} from '../../rules/language.ts';
import {
  type Layout,
  layoutOf,
  type Profile,
  profileSource,
  readProfile,
} from '../../rules/population/profile.ts';
import type { Language } from './words.ts';

export type Leaf = {
  readonly text: string;
  /** `unknown` where a value is missing: then it neither says yes nor no. */
  readonly holds: 'yes' | 'no' | 'unknown';
};

export type Reason = {
  readonly leaves: readonly Leaf[];
  /** Attributes that the condition names, with their labels: null is not known. */
  readonly seen: readonly {
    readonly label: string;
    readonly value: string | number | boolean | null;
    readonly field: string;
  }[];
};

const SIGNS: Readonly<Record<string, string>> = {
  '==': '=',
  '!=': '≠',
  '<': '<',
  '<=': '≤',
  '>': '>',
  '>=': '≥',
};
const FUNCTIONS: Readonly<Record<string, Readonly<Record<Language, string>>>> = {
  age: { ko: '만 나이', en: 'age' },
  yearAge: { ko: '연 나이', en: 'age reached this year' },
  parity: { ko: '출생연도 홀짝(0 짝수, 1 홀수)', en: 'parity of the birth year (0 even, 1 odd)' },
  daysUntil: { ko: '남은 날', en: 'days until' },
  daysSince: { ko: '지난 날', en: 'days since' },
  ageMonths: { ko: '만 개월 수', en: 'age in months' },
  monthDay: { ko: '월·일', en: 'month and day' },
};
const LISTS: Readonly<Record<Quantified['op'], Readonly<Record<Language, string>>>> = {
  some: { ko: '하나라도', en: 'at least one of' },
  all: { ko: '모두', en: 'all of' },
  none: { ko: '하나도 없음', en: 'none of' },
};
const KNOWN: Readonly<Record<Language, string>> = { ko: '알려진 값', en: 'known:' };
const JOIN: Readonly<Record<string, Readonly<Record<Language, string>>>> = {
  and: { ko: ' 그리고 ', en: ' and ' },
  or: { ko: ' 또는 ', en: ' or ' },
};
const EVENT: Readonly<Record<Language, string>> = { ko: '사건.', en: 'event.' };
/** Whose one argument says nothing beside the function: a birth year is of the date of birth. */
const PLAIN = new Set(['age', 'yearAge', 'parity']);

export type Explainer = (
  rule: Rule,
  eventType: EventType,
  given: {
    readonly event: Readonly<Record<string, unknown>>;
    readonly attributes: Readonly<Record<string, unknown>>;
    /** YYYY-MM-DD. */
    readonly asOf: string;
  },
  language: Language,
) => Reason;

export function createExplainer(fields: Fields): Explainer {
  const layout = layoutOf(fields);
  const source = profileSource(layout);

  return (rule, eventType, { event, attributes, asOf }, language) => {
    const { condition } = readRule(rule, {
      fields,
      eventType: (name) => (name === eventType.type ? eventType : undefined),
    });
    const profile = readProfile(attributes, layout);
    const circumstances: Circumstances = { event, asOf: parseDay(asOf) };
    const parts = condition.kind === 'call' && condition.op === 'and' ? condition.args : [condition];
    return {
      leaves: parts.map((part) => {
        const value = compileNumber(part, source)(profile, circumstances);
        return {
          text: written(part, language, { profile, circumstances, source }),
          holds: Number.isNaN(value) ? 'unknown' : value === 1 ? 'yes' : 'no',
        };
      }),
      seen: seen(condition, layout, attributes, language),
    };
  };
}

type Sight = {
  readonly profile: Profile;
  readonly circumstances: Circumstances;
  readonly source: ReturnType<typeof profileSource>;
};

/** What a node is in words, and, for what is read of the citizen or the event, the value that was seen. */
function written(node: Node, language: Language, sight: Sight): string {
  switch (node.kind) {
    case 'literal':
      return literal(node.type, node.value);
    case 'list':
      return node.values.map((value) => literal(value.type, value.value)).join(', ');
    case 'field':
      return `${node.field.labels[language]} ${value(node, sight)}`;
    case 'item':
      return node.field.labels[language];
    case 'quantified':
      return `${LISTS[node.op][language]} ${node.list.labels[language]}: (${written(node.body, language, sight)})`;
    case 'known':
      return `${KNOWN[language]} ${known(node, language)}`;
    case 'event':
      return `${EVENT[language]}${node.path.join('.')} ${value(node, sight)}`;
    case 'call':
      return call(node, language, sight);
  }
}

function call(node: Call, language: Language, sight: Sight): string {
  const write = (arg: Node) => written(arg, language, sight);
  const sign = SIGNS[node.op];
  if (sign !== undefined) return node.args.map(write).join(` ${sign} `);
  const join = JOIN[node.op];
  if (join !== undefined)
    return node.args
      .map((arg) =>
        arg.kind === 'call' && JOIN[arg.op] !== undefined && arg.op !== node.op
          ? `(${write(arg)})`
          : write(arg),
      )
      .join(join[language]);
  const named = FUNCTIONS[node.op]?.[language];
  if (named !== undefined && PLAIN.has(node.op)) return `${named} ${value(node, sight)}`;
  if (node.op === 'in') return `${write(node.args[0]!)} ∈ [${write(node.args[1]!)}]`;
  if (node.op === 'between')
    return `${write(node.args[1]!)} ≤ ${write(node.args[0]!)} ≤ ${write(node.args[2]!)}`;
  return `${named ?? node.op}(${node.args.map(write).join(', ')})`;
}

function known({ of }: Known, language: Language): string {
  if (of.kind === 'event') return `${EVENT[language]}${of.path.join('.')}`;
  return (of.kind === 'list-field' ? of.list : of.field).labels[language];
}

/** In brackets, since it stands beside its name. */
function value(node: Node, { profile, circumstances, source }: Sight): string {
  // What is read of an item has no one value to show.
  if ((node.kind === 'event' && node.list) || readsItem(node)) return '';
  if (node.type === 'text') {
    const text = compileText(node, source)(profile, circumstances);
    return text === undefined ? '[?]' : `[${text}]`;
  }
  const number = compileNumber(node, source)(profile, circumstances);
  return Number.isNaN(number) ? '[?]' : `[${literal(node.type, number)}]`;
}

function literal(type: Node['type'], value: string | number): string {
  if (typeof value === 'string') return value;
  if (type === 'boolean') return value === 1 ? 'true' : 'false';
  if (type === 'date') return dayText(value);
  return String(value);
}

function seen(
  condition: Node,
  layout: Layout,
  attributes: Readonly<Record<string, unknown>>,
  language: Language,
): Reason['seen'] {
  const names = [...fieldsOf(condition)].filter(({ type }) => type !== 'list').map(({ name }) => name);
  return names.map((name) => ({
    field: name,
    label: layout.fields.get(name)!.labels[language],
    value: (attributes[name] ?? null) as string | number | boolean | null,
  }));
}
