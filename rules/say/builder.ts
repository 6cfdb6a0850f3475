/**
 * A condition as the query that react-querybuilder edits, and back without loss. What a builder cannot show is named with its place, and the
 * rule is then edited as text. Rule files keep JsonLogic only: the query lives while somebody edits. The builder is to run with
 * `listsAsArrays` and numbers parsed.
 */
import type { Labels } from '../catalogue.ts';
import { type Call, COMPARISONS, type Comparison, type Node, type Quantified } from '../language.ts';
import { fieldName } from './builder-names.ts';
import { literalJson, variableName } from './expression.ts';

export type QueryValue = string | number | boolean;
export type QueryRule = {
  readonly field: string;
  readonly operator: QueryOperator;
  /** With `valueSource` field the name of one, or of each bound. */
  readonly value: QueryValue | readonly QueryValue[] | QueryGroup | null;
  readonly valueSource?: 'value' | 'field';
  /** Of a list: its items are what the query in `value` is about. */
  readonly match?: { readonly mode: Quantified['op'] };
};
export type QueryGroup = {
  readonly combinator: 'and' | 'or';
  readonly rules: readonly (QueryRule | QueryGroup)[];
  readonly not?: boolean;
  /** A group that only holds one thing up (the whole, or a NOT) and is none in the rule. It counts while it holds exactly one. */
  readonly bare?: boolean;
};

/** react-querybuilder's own, and two of ours: `isTrue` of what is true or false itself, and `within` days from the day. */
export type QueryOperator =
  | (typeof QUERY_COMPARISONS)[Comparison]
  | 'in'
  | 'notIn'
  | 'between'
  | 'notBetween'
  | 'null'
  | 'notNull'
  | 'isTrue'
  | 'within';

export const QUERY_COMPARISONS = {
  '==': '=',
  '!=': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
} as const satisfies Record<Comparison, string>;

const UNSHOWN = {
  choice: {
    ko: '‘경우에 따라’(if)는 편집기로 나타낼 수 없습니다.',
    en: 'A choice (if) cannot be shown in the builder.',
    vi: 'Trình soạn thảo không hiển thị được lựa chọn (if).',
  },
  constant: {
    ko: '언제나 참이거나 거짓인 조건은 편집기로 나타낼 수 없습니다.',
    en: 'A condition that is always true or always false cannot be shown in the builder.',
    vi: 'Trình soạn thảo không hiển thị được điều kiện luôn đúng hoặc luôn sai.',
  },
  'literal-first': {
    ko: '적어 둔 값이 먼저 온 비교는 편집기로 나타낼 수 없습니다.',
    en: 'A comparison that begins with a literal cannot be shown in the builder.',
    vi: 'Trình soạn thảo không hiển thị được phép so sánh bắt đầu bằng giá trị viết sẵn.',
  },
  'bounds-mixed': {
    ko: '한쪽 끝은 적어 둔 값이고 다른 쪽 끝은 항목인 범위는 편집기로 나타낼 수 없습니다.',
    en: 'A range from a literal to a field, or the other way, cannot be shown in the builder.',
    vi: 'Trình soạn thảo không hiển thị được khoảng có một đầu là giá trị viết sẵn và đầu kia là một mục.',
  },
  'term-compared': {
    ko: '조건의 결과나 ‘경우에 따라’ 정해지는 값은 편집기에서 비교할 수 없습니다.',
    en: 'The outcome of a condition, or a value by choice, cannot be compared in the builder.',
    vi: 'Trình soạn thảo không so sánh được kết quả của điều kiện hay giá trị theo lựa chọn.',
  },
} as const satisfies Record<string, Labels>;

export type Unshown = {
  readonly pointer: string;
  readonly code: keyof typeof UNSHOWN;
  readonly sentences: Labels;
};

/** The query, or what of the condition no builder shows. */
export function queryOf(
  condition: Node,
  pointer = '/condition',
): { readonly query: QueryGroup } | { readonly unshown: readonly Unshown[] } {
  const shower = new Shower();
  const shown = shower.show(condition, pointer);
  if (shown === undefined || shower.unshown.length > 0) return { unshown: shower.unshown };
  return { query: 'rules' in shown ? shown : held(shown, false) };
}

const held = (inner: QueryRule | QueryGroup, not: boolean): QueryGroup => ({
  combinator: 'and',
  rules: [inner],
  bare: true,
  ...(not ? { not } : {}),
});

type Shown = QueryRule | QueryGroup | undefined;

class Shower {
  readonly unshown: Unshown[] = [];

  private refuse(code: keyof typeof UNSHOWN, pointer: string): undefined {
    this.unshown.push({ pointer, code, sentences: UNSHOWN[code] });
    return undefined;
  }

  show(node: Node, pointer: string): Shown {
    switch (node.kind) {
      case 'call':
        return this.call(node);
      case 'known':
        return { field: nameOfKnown(node.of), operator: 'notNull', value: null };
      case 'quantified': {
        const body = this.show(node.body, `${node.pointer}/1`);
        if (body === undefined) return undefined;
        return {
          field: `citizen.${node.list.name}`,
          operator: '=',
          match: { mode: node.op },
          value: 'rules' in body ? body : held(body, false),
        };
      }
      case 'literal':
        return this.refuse('constant', pointer);
      default:
        return { field: fieldName(node)!, operator: 'isTrue', value: null };
    }
  }

  private call(node: Call): Shown {
    const { op, args, pointer } = node;
    switch (op) {
      case 'and':
      case 'or':
        return this.group(node, false);
      case '!':
        return this.denied(args[0]!, pointer);
      case 'if':
        return this.refuse('choice', pointer);
      case 'between':
        return this.between(node, 'between');
      case 'in':
        return this.membership(node, 'in');
      case 'within':
        return this.compared(node, 'within');
      default:
        return COMPARISONS.includes(op as Comparison)
          ? this.compared(node, QUERY_COMPARISONS[op as Comparison])
          : this.refuse('term-compared', pointer);
    }
  }

  private group(node: Call, not: boolean): Shown {
    const rules = node.args.map((arg, index) => this.show(arg, `${node.pointer}/${index}`));
    if (rules.some((rule) => rule === undefined)) return undefined;
    return {
      combinator: node.op as 'and' | 'or',
      rules: rules as (QueryRule | QueryGroup)[],
      ...(not ? { not } : {}),
    };
  }

  private denied(node: Node, pointer: string): Shown {
    if (node.kind === 'known') return { field: nameOfKnown(node.of), operator: 'null', value: null };
    if (node.kind === 'call') {
      if (node.op === 'and' || node.op === 'or') return this.group(node, true);
      if (node.op === 'in') return this.membership(node, 'notIn');
      if (node.op === 'between') return this.between(node, 'notBetween');
    }
    const inner = this.show(node, `${pointer}/0`);
    return inner && held(inner, true);
  }

  private compared({ args, pointer }: Call, operator: QueryOperator): Shown {
    const [left, right] = args as [Node, Node];
    if (left.kind === 'literal') return this.refuse('literal-first', pointer);
    const field = fieldName(left);
    if (field === undefined) return this.refuse('term-compared', pointer);
    if (right.kind === 'literal') return { field, operator, value: literalJson(right) };
    const value = fieldName(right);
    if (value === undefined) return this.refuse('term-compared', pointer);
    return { field, operator, value, valueSource: 'field' };
  }

  private between({ args, pointer }: Call, operator: QueryOperator): Shown {
    const [subject, ...bounds] = args as [Node, Node, Node];
    if (subject.kind === 'literal') return this.refuse('literal-first', pointer);
    const field = fieldName(subject);
    if (field === undefined) return this.refuse('term-compared', pointer);
    const literals = bounds.filter((bound) => bound.kind === 'literal');
    if (literals.length === 2) return { field, operator, value: literals.map(literalJson) };
    if (literals.length === 1) return this.refuse('bounds-mixed', pointer);
    const names = bounds.map(fieldName);
    if (names.some((name) => name === undefined)) return this.refuse('term-compared', pointer);
    return { field, operator, value: names as string[], valueSource: 'field' };
  }

  private membership({ args, pointer }: Call, operator: QueryOperator): Shown {
    const [needle, list] = args as [Node, Node];
    const field = fieldName(needle);
    if (field === undefined) return this.refuse('term-compared', pointer);
    if (list.kind === 'list') return { field, operator, value: list.values.map(literalJson) };
    return { field, operator, value: fieldName(list)!, valueSource: 'field' };
  }
}

function nameOfKnown(of: Extract<Node, { kind: 'known' }>['of']): string {
  return of.kind === 'list-field' ? variableName(of) : fieldName(of)!;
}
