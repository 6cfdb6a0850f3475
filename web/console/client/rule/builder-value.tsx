/** The right side of a row: a value of the field's own kind, a range, several, or another field. */
import { useId } from 'react';
import type { ValueEditorProps } from 'react-querybuilder';
import { eventWord } from '../../../../rules/say/event-words.ts';
import { useLanguage, useWords } from '../words.ts';
import { BUILDER_WORDS } from './builder.words.ts';
import type { FieldChoice } from './fields.ts';

export type BuilderContext = {
  /** By name, with those of items and those that only the query names. */
  readonly choices: ReadonlyMap<string, FieldChoice>;
  /** Sentences by the id of the row. */
  readonly faults: ReadonlyMap<string, readonly string[]>;
  readonly warnings: ReadonlyMap<string, readonly string[]>;
};

const LISTS = new Set(['in', 'notIn']);
const RANGES = new Set(['between', 'notBetween']);

type Part = string | number | boolean;

export function ValueEditor(props: ValueEditorProps) {
  const { operator, value, valueSource, handleOnChange, context, fieldData, disabled } = props;
  const { choices } = context as BuilderContext;
  const choice = choices.get(fieldData.name);
  const whole = { choice, disabled: disabled === true };
  if (operator === 'null' || operator === 'notNull' || operator === 'isTrue') return null;
  if (valueSource === 'field')
    return RANGES.has(operator) ? (
      <Range
        {...whole}
        value={value}
        onChange={handleOnChange}
        render={(given) => <FieldValue {...given} type={choice?.type} choices={choices} />}
      />
    ) : (
      <FieldValue
        {...whole}
        value={value as Part}
        onChange={handleOnChange}
        type={choice?.type}
        choices={choices}
      />
    );
  if (LISTS.has(operator)) return <Several {...whole} value={value} onChange={handleOnChange} />;
  if (RANGES.has(operator))
    return (
      <Range {...whole} value={value} onChange={handleOnChange} render={(given) => <One {...given} />} />
    );
  return <One {...whole} value={value as Part} onChange={handleOnChange} days={operator === 'within'} />;
}

type Given = {
  readonly choice: FieldChoice | undefined;
  readonly disabled: boolean;
  readonly value: Part;
  readonly onChange: (value: Part) => void;
  readonly label?: string;
};

const isNumeric = (choice: FieldChoice | undefined): boolean =>
  choice?.type === 'integer' || choice?.type === 'number';

/** What stays unreadable stays as it was typed: the reading says what is wrong with it. */
function numberOf(text: string): Part {
  const trimmed = text.trim();
  return trimmed !== '' && Number.isFinite(Number(trimmed)) ? Number(trimmed) : text;
}

function One({ choice, disabled, value, onChange, label, days }: Given & { readonly days?: boolean }) {
  const words = useWords(BUILDER_WORDS);
  const language = useLanguage();
  const name = label ?? words.value;
  if (days !== true && choice?.values !== undefined)
    return (
      <select
        className="input small"
        aria-label={name}
        disabled={disabled}
        value={String(value)}
        onChange={(event) =>
          onChange(
            choice.values!.find((one) => String(one.value) === event.target.value)?.value ??
              event.target.value,
          )
        }
      >
        {!choice.values.some((one) => one.value === value) && (
          <option value={String(value)}>{words.choose}</option>
        )}
        {choice.values.map((one) => (
          <option key={one.value} value={String(one.value)}>
            {one.label}
          </option>
        ))}
      </select>
    );
  if (choice?.type === 'boolean')
    return (
      <select
        className="input small"
        aria-label={name}
        disabled={disabled}
        value={String(value)}
        onChange={(event) => onChange(event.target.value === 'true')}
      >
        {typeof value !== 'boolean' && <option value={String(value)}>{words.choose}</option>}
        <option value="true">{words.yes}</option>
        <option value="false">{words.no}</option>
      </select>
    );
  const numeric = days === true || isNumeric(choice);
  // Codes of events are free text, and some have a word.
  const said =
    choice?.kind === 'event'
      ? eventWord([choice.name.replace(/^event\./, '')])?.values?.[String(value)]?.[language]
      : undefined;
  return (
    <span className="value-one">
      <input
        className="input small"
        aria-label={name}
        disabled={disabled}
        type={choice?.type === 'date' && days !== true ? 'date' : 'text'}
        inputMode={numeric ? 'numeric' : undefined}
        value={String(value ?? '')}
        onChange={(event) => onChange(numeric ? numberOf(event.target.value) : event.target.value)}
      />
      {days === true && <span className="small muted">{words.days}</span>}
      {said !== undefined && <span className="small muted one-line">{said}</span>}
    </span>
  );
}

type Parts = Omit<Given, 'value' | 'onChange'> & {
  readonly value: unknown;
  readonly onChange: (value: readonly Part[]) => void;
};

function Range({
  value,
  onChange,
  render,
  ...rest
}: Parts & { readonly render: (given: Given) => React.ReactNode }) {
  const words = useWords(BUILDER_WORDS);
  const [low = '', high = ''] = Array.isArray(value) ? (value as Part[]) : [value as Part];
  return (
    <span className="value-range">
      {render({ ...rest, value: low, onChange: (next) => onChange([next, high]), label: words.from })}
      <span aria-hidden="true">–</span>
      {render({ ...rest, value: high, onChange: (next) => onChange([low, next]), label: words.to })}
    </span>
  );
}

function Several({ choice, disabled, value, onChange }: Parts) {
  const words = useWords(BUILDER_WORDS);
  const id = useId();
  const chosen = Array.isArray(value)
    ? (value as Part[])
    : value === '' || value == null
      ? []
      : [value as Part];
  if (choice?.values === undefined)
    return (
      <input
        className="input small"
        aria-label={words.list}
        placeholder={words.list}
        disabled={disabled}
        defaultValue={chosen.join(', ')}
        onChange={(event) => {
          const parts = event.target.value.split(',').map((part) => part.trim());
          const kept = parts.filter((part) => part !== '');
          onChange(isNumeric(choice) ? kept.map(numberOf) : kept);
        }}
      />
    );
  const labels = choice.values.filter((one) => chosen.includes(one.value)).map((one) => one.label);
  return (
    <details className="value-several">
      <summary className="input small">{labels.length === 0 ? words.choose : labels.join(', ')}</summary>
      <div className="value-options">
        {choice.values.map((one) => (
          <label key={one.value} className="choice" htmlFor={`${id}-${one.value}`}>
            <input
              id={`${id}-${one.value}`}
              type="checkbox"
              disabled={disabled}
              checked={chosen.includes(one.value)}
              onChange={(event) =>
                onChange(
                  choice
                    .values!.map(({ value: own }) => own)
                    .filter((own) => (own === one.value ? event.target.checked : chosen.includes(own))),
                )
              }
            />
            {one.label}
          </label>
        ))}
      </div>
    </details>
  );
}

function FieldValue({
  value,
  onChange,
  type,
  choices,
  disabled,
  label,
}: Given & { readonly type: FieldChoice['type'] | undefined; readonly choices: BuilderContext['choices'] }) {
  const words = useWords(BUILDER_WORDS);
  const alike = (one: FieldChoice): boolean =>
    one.type === type ||
    (type === 'number' && one.type === 'integer') ||
    (type === 'integer' && one.type === 'number');
  const usable = [...choices.values()].filter(alike);
  // What the event says comes first: it is what one mostly compares with.
  const sorted = usable.toSorted((a, b) => Number(b.kind === 'event') - Number(a.kind === 'event'));
  return (
    <select
      className="input small"
      aria-label={label ?? words.value}
      disabled={disabled}
      value={String(value ?? '')}
      onChange={(event) => onChange(event.target.value)}
    >
      {!sorted.some(({ name }) => name === value) && (
        <option value={String(value ?? '')}>{words.choose}</option>
      )}
      {sorted.map(({ name, label: said }) => (
        <option key={name} value={name}>
          {said}
        </option>
      ))}
    </select>
  );
}
