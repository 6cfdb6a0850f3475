/** Step four, try: made-up citizens, what one expects of the rule for each, and what it says. */
import { useId } from 'react';
import type { RuleTest } from '../../../../domain/rule.ts';
import type { Field, Fields } from '../../../../rules/catalogue.ts';
import { fieldsOf } from '../../../../rules/language.ts';
import { today } from '../formats.ts';
import { Empty } from '../parts/states.tsx';
import { useLanguage, useWords } from '../words.ts';
import type { Read } from './reading.ts';
import { suggestedTests } from './suggested-tests.ts';
import { TESTS_WORDS } from './tests.words.ts';
import type { Checked } from './use-check.ts';
import type { StepGiven } from './when.tsx';
import { WHEN_WORDS } from './when.words.ts';

type Given = StepGiven & {
  readonly checked: Checked | undefined;
  readonly fields: Fields;
  readonly read: Read;
};

const OUTCOMES = ['certain', 'possible', 'no'] as const;

export function Tests({ draft, onDraft, eventType, readOnly, checked, fields, read }: Given) {
  const words = useWords(TESTS_WORDS);
  const when = useWords(WHEN_WORDS);
  const language = useLanguage();
  if (eventType === undefined) return <p className="notice">{when.noEvent}</p>;
  const { tests } = draft;
  const set = (next: readonly RuleTest[]): void => onDraft({ ...draft, tests: next });
  const asked = read.node === undefined ? [] : [...fieldsOf(read.node)];
  const passed = tests.filter((test, index) => checked?.tests[index] === test.expect).length;
  const event = eventType.examples[0] ?? {};
  const suggest = (): void => {
    if (read.node === undefined) return;
    const names = { fits: words.fits, differs: (field: Field) => words.other(field.labels[language]) };
    set([...tests, ...suggestedTests(read.node, event, today(), names)]);
  };
  return (
    <div className="stack">
      <p className="hint">{words.why}</p>
      {tests.length === 0 ? (
        <Empty title={words.none}>
          <p>{words.noneWhy}</p>
        </Empty>
      ) : (
        <>
          <p role="status">
            <strong>{words.summary(passed, tests.length)}</strong>
          </p>
          <ol className="tests">
            {tests.map((test, index) => (
              <TestRow
                // biome-ignore lint/suspicious/noArrayIndexKey: tests have no other identity than their place
                key={index}
                test={test}
                found={checked?.tests[index]}
                asked={[...new Set([...asked, ...namedIn(test, fields)])]}
                examples={eventType.examples}
                readOnly={readOnly}
                onChange={(next) => set(tests.map((one, at) => (at === index ? next : one)))}
                onRemove={() => set(tests.filter((_, at) => at !== index))}
              />
            ))}
          </ol>
        </>
      )}
      {!readOnly && (
        <div className="row">
          <button
            type="button"
            className="button"
            onClick={() =>
              set([
                ...tests,
                {
                  name: words.newName(tests.length + 1),
                  asOf: today(),
                  citizen: {},
                  event,
                  expect: 'certain',
                },
              ])
            }
          >
            ＋ {words.add}
          </button>
          <button type="button" className="button" disabled={read.node === undefined} onClick={suggest}>
            {words.suggest}
          </button>
        </div>
      )}
    </div>
  );
}

/** Fields that the test gives although the condition does not ask for them. */
function namedIn(test: RuleTest, fields: Fields): readonly Field[] {
  return Object.keys(test.citizen).flatMap((name) => fields.get(name) ?? []);
}

type RowGiven = {
  readonly test: RuleTest;
  readonly found: Checked['tests'][number] | undefined;
  readonly asked: readonly Field[];
  readonly examples: readonly Readonly<Record<string, unknown>>[];
  readonly readOnly: boolean;
  readonly onChange: (test: RuleTest) => void;
  readonly onRemove: () => void;
};

function TestRow({ test, found, asked, examples, readOnly, onChange, onRemove }: RowGiven) {
  const words = useWords(TESTS_WORDS);
  const language = useLanguage();
  const id = useId();
  const example = examples.findIndex((one) => JSON.stringify(one) === JSON.stringify(test.event));
  const wrong = found !== undefined && found !== test.expect;
  const { title, ...untitled } = test;
  const name = title?.[language] ?? test.name;
  return (
    <li className={wrong ? 'test wrong' : 'test'}>
      <fieldset disabled={readOnly} className="stack tight">
        <legend className="visually-hidden">{name}</legend>
        <div className="test-head">
          <input
            className="input small"
            aria-label={words.name}
            maxLength={200}
            value={name}
            // Whoever calls it otherwise calls it so in every language.
            onChange={(event) => onChange({ ...untitled, name: event.target.value })}
          />
          <span className="row nowrap">
            <label className="label" htmlFor={`${id}-expect`}>
              {words.expected}
            </label>
            <select
              id={`${id}-expect`}
              className="input small"
              value={test.expect}
              onChange={(event) => onChange({ ...test, expect: event.target.value as RuleTest['expect'] })}
            >
              {OUTCOMES.map((outcome) => (
                <option key={outcome} value={outcome}>
                  {words.outcomes[outcome]}
                </option>
              ))}
            </select>
          </span>
          <span className="test-actual">
            <span className="label">{words.actual}</span>{' '}
            {found === undefined ? '…' : found === null ? words.unread : words.outcomes[found]}{' '}
            {found !== undefined && (
              <span className={wrong ? 'badge danger' : 'badge success'}>
                {wrong ? words.differs : words.agrees}
              </span>
            )}
          </span>
          <button
            type="button"
            className="button icon small quiet"
            aria-label={words.remove(name)}
            title={words.remove(name)}
            onClick={onRemove}
          >
            <span aria-hidden="true">✕</span>
          </button>
        </div>
        <details open={wrong || Object.keys(test.citizen).length === 0}>
          <summary>{words.person}</summary>
          <div className="test-parts">
            <div className="field">
              <label htmlFor={`${id}-as-of`}>{words.asOf}</label>
              <input
                id={`${id}-as-of`}
                className="input small"
                type="date"
                value={test.asOf}
                onChange={(event) => onChange({ ...test, asOf: event.target.value })}
              />
            </div>
            <div className="field">
              <label htmlFor={`${id}-event`}>{words.event}</label>
              <select
                id={`${id}-event`}
                className="input small"
                value={example}
                onChange={(event) =>
                  onChange({ ...test, event: examples[Number(event.target.value)] ?? test.event })
                }
              >
                {example === -1 && <option value={-1}>{words.own}</option>}
                {examples.map((one, index) => (
                  <option key={JSON.stringify(one)} value={index}>
                    {words.example(index + 1)}
                  </option>
                ))}
              </select>
            </div>
            {asked.map((field) => (
              <Attribute
                key={field.name}
                field={field}
                value={test.citizen[field.name]}
                onChange={(value) => {
                  const { [field.name]: _, ...others } = test.citizen;
                  onChange({
                    ...test,
                    citizen: value === undefined ? others : { ...others, [field.name]: value },
                  });
                }}
              />
            ))}
          </div>
        </details>
      </fieldset>
    </li>
  );
}

type AttributeGiven = {
  readonly field: Field;
  readonly value: unknown;
  /** undefined: it is not known. */
  readonly onChange: (value: unknown) => void;
};

function Attribute({ field, value, onChange }: AttributeGiven) {
  const words = useWords(TESTS_WORDS);
  const language = useLanguage();
  const id = useId();
  const label = field.labels[language];
  const options =
    field.type === 'enum'
      ? field.values.map((one) => ({
          value: one as unknown,
          label: field.valueLabels[one]?.[language] ?? one,
        }))
      : field.type === 'boolean'
        ? [
            { value: true, label: words.yes },
            { value: false, label: words.no },
          ]
        : undefined;
  return (
    <div className="field">
      <label htmlFor={id}>{field.type === 'list' ? words.json(label) : label}</label>
      {options !== undefined ? (
        <select
          id={id}
          className="input small"
          value={value === undefined ? '' : String(value)}
          onChange={(event) =>
            onChange(options.find((one) => String(one.value) === event.target.value)?.value)
          }
        >
          <option value="">{words.unknown}</option>
          {options.map((one) => (
            <option key={String(one.value)} value={String(one.value)}>
              {one.label}
            </option>
          ))}
        </select>
      ) : (
        <input
          id={id}
          className="input small"
          type={field.type === 'date' ? 'date' : 'text'}
          inputMode={field.type === 'integer' || field.type === 'number' ? 'numeric' : undefined}
          placeholder={words.unknown}
          defaultValue={
            value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)
          }
          onChange={(event) => onChange(readAttribute(field, event.target.value))}
        />
      )}
    </div>
  );
}

/** What cannot be read is kept as it was typed; the check says what is wrong with it. */
function readAttribute(field: Field, text: string): unknown {
  if (text.trim() === '') return undefined;
  if (field.type === 'list')
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  const numeric = field.type === 'integer' || field.type === 'number';
  return numeric && Number.isFinite(Number(text)) ? Number(text) : text;
}
