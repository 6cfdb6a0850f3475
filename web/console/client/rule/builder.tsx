/**
 * The condition as rows and groups (react-querybuilder), with what is wrong or was hardly meant written under the row it is about. It edits
 * the query of rules/say/builder.ts; the condition is made of it, and never the other way while somebody types.
 */
import { useMemo, useRef } from 'react';
import {
  type ActionProps,
  type FieldSelectorProps,
  type FullField,
  type OperatorSelectorProps,
  type OptionGroup,
  QueryBuilder,
  type RuleGroupType,
  type ValueEditorProps,
  type ValueSelectorProps,
  type ValueSourceSelectorProps,
  type VersatileSelectorProps,
} from 'react-querybuilder';
import { useWords } from '../words.ts';
import { BLANK, type Blanks, withBlanks, withoutBlanks } from './blank-rows.ts';
import { BUILDER_WORDS } from './builder.words.ts';
import { type BuilderContext, ValueEditor } from './builder-value.tsx';
import type { FieldChoice } from './fields.ts';
import { newId, type QueryTree } from './reading.ts';

type Given = {
  readonly query: QueryTree;
  readonly onQuery: (query: QueryTree) => void;
  readonly choices: readonly FieldChoice[];
  /** Of names that the query has and the lists have not. */
  readonly further: readonly FieldChoice[];
  readonly faults: BuilderContext['faults'];
  readonly warnings: BuilderContext['warnings'];
  readonly readOnly: boolean;
};

const NO_VALUE = ['null', 'notNull'];
const OPERATORS: Readonly<Record<FieldChoice['type'], readonly string[]>> = {
  text: ['=', '!=', 'in', 'notIn', ...NO_VALUE],
  boolean: ['isTrue', '=', ...NO_VALUE],
  integer: ['>=', '<=', '=', '!=', '<', '>', 'between', 'notBetween', 'in', 'notIn', ...NO_VALUE],
  number: ['>=', '<=', '=', '!=', '<', '>', 'between', 'notBetween', ...NO_VALUE],
  date: ['<=', '>=', '<', '>', '=', '!=', 'between', 'notBetween', 'within', ...NO_VALUE],
  list: ['='],
};
/** What one usually asks of a field, where the event says it: whose turn it is, and who was last seen to before when. */
const USUAL: readonly (readonly [field: RegExp, operator: string, event: string])[] = [
  [/^parity\(/, '=', 'event.parity'],
  [/^citizen\.last/, '<=', 'event.screenedBefore'],
  [/^citizen\.last/, '!=', 'event.season'],
  [/^citizen\.last/, '!=', 'event.year'],
];

const WITHOUT_FIELD = new Set(['null', 'notNull', 'isTrue', 'within', 'in', 'notIn']);

/** Of what has few values one asks which it is. */
const operatorOf = (choice: FieldChoice | undefined): string =>
  choice?.values !== undefined ? '=' : OPERATORS[choice?.type ?? 'text'][0]!;

type Words = (typeof BUILDER_WORDS)['ko'];

function optionsOf(choices: readonly FieldChoice[], words: Words): OptionGroup<FullField>[] {
  const field = (choice: FieldChoice): FullField => ({
    name: choice.name,
    value: choice.name,
    label: choice.sensitive ? `${choice.label} (${words.sensitive})` : choice.label,
    ...(choice.members === undefined
      ? {}
      : {
          matchModes: (['some', 'none', 'all'] as const).map((name) => ({
            name,
            value: name,
            label: words.modes[name],
          })),
          subproperties: optionsOf(choice.members, words),
        }),
  });
  return (['own', 'reckoned', 'event', 'list'] as const).flatMap((kind) => {
    const options = choices.filter((choice) => choice.kind === kind).map(field);
    return options.length === 0 ? [] : [{ label: words.groups[kind], options }];
  });
}

export function Builder({ query, onQuery, choices, further, faults, warnings, readOnly }: Given) {
  const words = useWords(BUILDER_WORDS);
  const all = useMemo(
    () =>
      new Map(
        [...choices, ...choices.flatMap(({ members = [] }) => members), ...further].map((one) => [
          one.name,
          one,
        ]),
      ),
    [choices, further],
  );
  const fields = useMemo(() => optionsOf([...choices, ...further], words), [choices, further, words]);
  const context: BuilderContext = { choices: all, faults, warnings };
  const blanks: Blanks = useRef(new Map<string, string>()).current;
  const shown = useMemo(() => (readOnly ? query : withBlanks(query, blanks)), [query, blanks, readOnly]);
  const usual = (name: string) => {
    const found = USUAL.find(([field, , event]) => field.test(name) && all.has(event));
    return found === undefined ? undefined : { operator: found[1], event: found[2] };
  };
  const operatorsOf = (name: string) => {
    const type = all.get(name)?.type ?? 'text';
    const labels = type === 'date' ? { ...words.operators, ...words.dateOperators } : words.operators;
    return OPERATORS[type].map((operator) => ({ name: operator, value: operator, label: labels[operator]! }));
  };
  return (
    <div className="builder">
      <QueryBuilder
        query={shown as unknown as RuleGroupType}
        onQueryChange={(next) => onQuery(withoutBlanks(next as unknown as QueryTree))}
        fields={fields}
        combinators={[
          { name: 'and', value: 'and', label: words.and },
          { name: 'or', value: 'or', label: words.or },
        ]}
        getOperators={operatorsOf}
        getDefaultOperator={(name) => usual(name)?.operator ?? operatorOf(all.get(name))}
        getDefaultValue={({ field, operator }) =>
          operator === 'in' || operator === 'notIn'
            ? []
            : (usual(field)?.event ?? all.get(field)?.values?.[0]?.value ?? '')
        }
        getValueSources={(field, operator) => {
          const fixed = { name: 'value', value: 'value', label: words.fixed } as const;
          const other = { name: 'field', value: 'field', label: words.ofEvent } as const;
          if (WITHOUT_FIELD.has(operator)) return [fixed];
          return usual(field) === undefined ? [fixed, other] : [other, fixed];
        }}
        resetOnFieldChange
        resetOnOperatorChange={false}
        listsAsArrays
        parseNumbers={false}
        showNotToggle
        idGenerator={newId}
        disabled={readOnly}
        context={context}
        controlElements={CONTROLS}
        controlClassnames={CLASSES}
        translations={translationsOf(words)}
      />
      {query.rules.length === 0 && <p className="hint">{words.empty}</p>}
    </div>
  );
}

type Plain = { readonly name: string; readonly label: string };
type Choice = Plain | { readonly label: string; readonly options: readonly Plain[] };

const optionsShown = (options: readonly Choice[]) =>
  options.map((option) =>
    'options' in option ? (
      <optgroup key={option.label} label={option.label}>
        {option.options.map((one) => (
          <option key={one.name} value={one.name}>
            {one.label}
          </option>
        ))}
      </optgroup>
    ) : (
      <option key={option.name} value={option.name}>
        {option.label}
      </option>
    ),
  );

function Selector({
  options,
  value,
  handleOnChange,
  title,
  disabled,
  className,
}: VersatileSelectorProps | ValueSelectorProps) {
  // Hundreds of options in each row, which a key in one row leaves as they are.
  const shown = useMemo(() => optionsShown(options as readonly Choice[]), [options]);
  return (
    <select
      className={`input small ${className ?? ''}`}
      aria-label={title}
      disabled={disabled}
      value={value}
      onChange={(event) => handleOnChange(event.target.value)}
    >
      {shown}
    </select>
  );
}

/** Of a row that is blank, how one adds a condition: by choosing what it is about. */
function FieldSelector(props: FieldSelectorProps) {
  const words = useWords(BUILDER_WORDS);
  const withAdd = useMemo(
    () => [
      { name: BLANK, value: BLANK, label: `＋ ${words.addRule}` },
      ...(props.options as readonly Choice[]),
    ],
    [props.options, words],
  );
  if (props.value !== BLANK) return <Selector {...props} />;
  return (
    <Selector
      {...props}
      title={words.addRule}
      className={`${props.className ?? ''} blank`}
      options={withAdd as FieldSelectorProps['options']}
    />
  );
}

function OperatorSelector(props: OperatorSelectorProps) {
  return props.field === BLANK ? null : <Selector {...props} />;
}

function SourceSelector(props: ValueSourceSelectorProps) {
  return props.field === BLANK ? null : <Selector {...props} />;
}

function Value(props: ValueEditorProps) {
  return props.field === BLANK ? null : <ValueEditor {...props} />;
}

/** The row's way out, and under the row what is wrong with it. */
function Remove({ handleOnClick, title, disabled, ruleOrGroup, context }: ActionProps) {
  const { faults, warnings } = context as BuilderContext;
  const id = ruleOrGroup.id ?? '';
  if ('field' in ruleOrGroup && ruleOrGroup.field === BLANK) return null;
  return (
    <>
      <button
        type="button"
        className="button icon small quiet remove"
        aria-label={title}
        title={title}
        disabled={disabled}
        onClick={(event) => handleOnClick(event)}
      >
        <span aria-hidden="true">✕</span>
      </button>
      <Said id={id} faults={faults} warnings={warnings} />
    </>
  );
}

function Said({
  id,
  faults,
  warnings,
}: Pick<BuilderContext, 'faults' | 'warnings'> & { readonly id: string }) {
  const wrong = faults.get(id) ?? [];
  const odd = warnings.get(id) ?? [];
  if (wrong.length + odd.length === 0) return null;
  return (
    <span className="row-said">
      {wrong.map((text) => (
        <span key={text} className="fault">
          {text}
        </span>
      ))}
      {odd.map((text) => (
        <span key={text} className="warned">
          {text}
        </span>
      ))}
    </span>
  );
}

function Add({ handleOnClick, label, title, disabled }: ActionProps) {
  return (
    <button
      type="button"
      className="button small"
      title={title}
      disabled={disabled}
      onClick={(event) => handleOnClick(event)}
    >
      <span aria-hidden="true">＋</span> {label}
    </button>
  );
}

/** Where a blank row stands, that is the way. */
function AddRule(props: ActionProps) {
  const { ruleOrGroup } = props;
  const hasBlank =
    'rules' in ruleOrGroup &&
    ruleOrGroup.rules.some((one) => typeof one === 'object' && 'field' in one && one.field === BLANK);
  return hasBlank ? null : <Add {...props} />;
}

const CONTROLS = {
  fieldSelector: FieldSelector,
  operatorSelector: OperatorSelector,
  combinatorSelector: Selector,
  valueSourceSelector: SourceSelector,
  valueSelector: Selector,
  valueEditor: Value,
  removeRuleAction: Remove,
  removeGroupAction: Remove,
  addRuleAction: AddRule,
  addGroupAction: Add,
};
const CLASSES = {
  queryBuilder: 'query',
  ruleGroup: 'query-group',
  header: 'query-head',
  body: 'query-body',
  rule: 'query-rule',
  fields: 'query-field',
  operators: 'query-operator',
  valueSource: 'query-source',
  notToggle: 'choice query-not',
};

function translationsOf(words: Words) {
  return {
    fields: { title: words.field },
    operators: { title: words.operator },
    value: { title: words.value },
    valueSourceSelector: { title: words.valueFrom },
    combinators: { title: words.combinator },
    matchMode: { title: words.mode },
    notToggle: { label: words.not, title: words.not },
    addRule: { label: words.addRule, title: words.addRule },
    addGroup: { label: words.addGroup, title: words.addGroup },
    removeRule: { label: words.remove, title: words.remove },
    removeGroup: { label: words.removeGroup, title: words.removeGroup },
  };
}
