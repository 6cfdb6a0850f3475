/** Step one, who: the condition in the builder or as text, its sentence in both languages, and what is wrong where it stands. */
import { memo, useEffect, useId, useMemo, useRef, useState } from 'react';
import type { Expression } from '../../../../domain/rule.ts';
import type { RuleFault } from '../../../../rules/refusals.ts';
import type { Sentence } from '../../../../rules/say/sentence.ts';
import { LANGUAGES, type Language, useLanguage, useWords } from '../words.ts';
import { Builder } from './builder.tsx';
import { choiceOf, choicesOf, type FieldChoice } from './fields.ts';
import type { EventType } from './model.ts';
import { lineOf } from './places-in-text.ts';
import {
  builderOf,
  conditionFrom,
  emptyQuery,
  pointersOf,
  type QueryPart,
  type QueryTree,
  type Read,
  readCondition,
  rowAt,
  type Scope,
  sentenceIn,
} from './reading.ts';
import { RULE_WORDS } from './rule.words.ts';
import type { Audience } from './use-audience.ts';

type Given = {
  readonly condition: Expression;
  /** null while the builder has nothing complete to show for it. */
  readonly onCondition: (condition: Expression, complete: boolean) => void;
  readonly scope: Scope;
  readonly eventType: EventType | undefined;
  readonly read: Read;
  readonly complete: boolean;
  readonly warnings: NonNullable<Audience['warnings']>;
  readonly readOnly: boolean;
};

type Sentences = Readonly<Record<string, string>>;

/** Not shown anew for a count that came: its lists are long, and a key is waited for. */
export const Condition = memo(function Condition(given: Given) {
  const words = useWords(RULE_WORDS);
  const { condition, scope, readOnly, onCondition } = given;
  const [query, setQuery] = useState<QueryTree | null>(() => firstQuery(condition, scope));
  const [asText, setAsText] = useState(query === null);
  const own = useRef(condition);
  // What came from elsewhere (loaded, reverted) is shown anew; what came from here is what the builder has already.
  useEffect(() => {
    if (own.current === condition) return;
    own.current = condition;
    const shown = firstQuery(condition, scope);
    setQuery(shown);
    if (shown === null) setAsText(true);
  }, [condition, scope]);

  function edited(next: QueryTree): void {
    setQuery(next);
    const made = conditionFrom(next);
    if ('condition' in made) {
      own.current = made.condition;
      onCondition(made.condition, true);
    } else {
      // An empty builder says nothing of anybody.
      if (next.rules.length === 0) own.current = true;
      onCondition(next.rules.length === 0 ? true : condition, false);
    }
  }

  function typed(next: Expression): void {
    own.current = next;
    onCondition(next, true);
    setQuery(firstQuery(next, scope));
  }

  return (
    <div className="stack tight">
      <div className="row apart">
        <h2>{words.condition}</h2>
        <div className="segments" role="group" aria-label={words.condition}>
          <button
            type="button"
            aria-pressed={!asText}
            disabled={query === null}
            onClick={() => setAsText(false)}
          >
            {words.builder}
          </button>
          <button type="button" aria-pressed={asText} onClick={() => setAsText(true)}>
            {words.text}
          </button>
        </div>
      </div>
      {query === null && <p className="notice">{words.cannotShow}</p>}
      {asText || query === null ? (
        <TextMode condition={condition} faults={given.read.faults} onCondition={typed} readOnly={readOnly} />
      ) : (
        <BuilderMode {...given} query={query} onQuery={edited} />
      )}
      <Said read={given.read} complete={given.complete} />
    </div>
  );
});

function firstQuery(condition: Expression, scope: Scope): QueryTree | null {
  if (condition === true) return emptyQuery();
  const { node } = readCondition(condition, scope);
  if (node === undefined) return null;
  const shown = builderOf(node);
  return 'query' in shown ? shown.query : null;
}

/** Sentences by the row they are about. */
function byRow(
  found: readonly { readonly pointer: string; readonly sentences: Sentences }[],
  pointers: ReadonlyMap<string, string>,
  language: Language,
): ReadonlyMap<string, readonly string[]> {
  const rows = new Map<string, string[]>();
  for (const { pointer, sentences } of found) {
    const row = rowAt(pointer, pointers);
    if (row !== undefined) rows.set(row, [...(rows.get(row) ?? []), sentences[language] ?? sentences['en']!]);
  }
  return rows;
}

function namesIn(part: QueryPart): string[] {
  if ('rules' in part) return part.rules.flatMap(namesIn);
  const value = part.value;
  const inner =
    value !== null && typeof value === 'object' && 'rules' in value ? namesIn(value as QueryTree) : [];
  const compared =
    part.valueSource === 'field' ? [value].flat().filter((name) => typeof name === 'string') : [];
  return [part.field, ...(compared as string[]), ...inner];
}

function BuilderMode(
  given: Given & { readonly query: QueryTree; readonly onQuery: (query: QueryTree) => void },
) {
  const language = useLanguage();
  const { query, onQuery, scope, eventType, read, warnings, readOnly } = given;
  const choices = useMemo(() => choicesOf(scope, eventType, language), [scope, eventType, language]);
  const names = useMemo(() => namesIn(query).toSorted().join('\n'), [query]);
  const further = useMemo(() => {
    const known = new Set(
      [...choices, ...choices.flatMap(({ members = [] }) => members)].map(({ name }) => name),
    );
    return [...new Set(names.split('\n'))]
      .filter((name) => name !== '' && !known.has(name))
      .map((name) => choiceOf(name, scope, language))
      .filter((choice): choice is FieldChoice => choice !== undefined);
  }, [choices, names, scope, language]);
  const pointers = useMemo(() => pointersOf(query), [query]);
  return (
    <Builder
      query={query}
      onQuery={onQuery}
      choices={choices}
      further={further}
      faults={byRow(read.faults, pointers, language)}
      warnings={byRow(warnings, pointers, language)}
      readOnly={readOnly}
    />
  );
}

type TextGiven = {
  readonly condition: Expression;
  readonly faults: readonly RuleFault[];
  readonly onCondition: (condition: Expression) => void;
  readonly readOnly: boolean;
};

function TextMode({ condition, faults, onCondition, readOnly }: TextGiven) {
  const words = useWords(RULE_WORDS);
  const language = useLanguage();
  const id = useId();
  const [text, setText] = useState(() => JSON.stringify(condition, null, 2));
  const [broken, setBroken] = useState<string | null>(null);
  const own = useRef(condition);
  useEffect(() => {
    if (own.current === condition) return;
    own.current = condition;
    setText(JSON.stringify(condition, null, 2));
    setBroken(null);
  }, [condition]);
  function changed(next: string): void {
    setText(next);
    try {
      const read = JSON.parse(next) as Expression;
      setBroken(null);
      own.current = read;
      onCondition(read);
    } catch (error) {
      setBroken((error as Error).message);
    }
  }
  const wrong = broken !== null || faults.length > 0;
  return (
    <div className="field">
      <label htmlFor={id}>{words.textLabel}</label>
      <p className="hint" id={`${id}-hint`}>
        {words.textHint}
      </p>
      <textarea
        id={id}
        className="input code"
        spellCheck={false}
        rows={Math.min(30, Math.max(8, text.split('\n').length + 1))}
        readOnly={readOnly}
        aria-invalid={wrong}
        aria-describedby={`${id}-hint ${id}-faults`}
        value={text}
        onChange={(event) => changed(event.target.value)}
      />
      <ul id={`${id}-faults`} className="faults">
        {broken !== null && <li className="fault">{words.notJson(broken)}</li>}
        {broken === null &&
          faults.map(({ pointer, sentences }) => (
            <li key={pointer + sentences.en} className="fault">
              <strong>{words.line(lineOf(text, pointer.replace(/^\/condition/, '')))}</strong>{' '}
              {sentences[language]} <code className="muted">{pointer}</code>
            </li>
          ))}
      </ul>
    </div>
  );
}

/** The sentence is always there, in Korean and in English: a change is seen in it at once. */
function Said({ read, complete }: { readonly read: Read; readonly complete: boolean }) {
  const words = useWords(RULE_WORDS);
  const language = useLanguage();
  const order = [language, ...LANGUAGES.filter((one) => one !== language)];
  const { node } = read;
  const empty = !complete || node === undefined || node.kind === 'literal';
  return (
    <section className="sentence" aria-label={words.sentence} aria-live="polite">
      {empty ? (
        <p className="muted">{words.noSentence}</p>
      ) : (
        order.map((one) => (
          <div key={one} lang={one} className={one === language ? undefined : 'lesser'}>
            <SentenceLines sentence={sentenceIn(node, one)} />
          </div>
        ))
      )}
    </section>
  );
}

export function SentenceLines({ sentence }: { readonly sentence: Sentence }) {
  return (
    <>
      <p>{sentence.parts.length > 0 ? `${sentence.lead}:` : sentence.lead}</p>
      {sentence.parts.length > 0 && (
        <ul>
          {sentence.parts.map((part) => (
            <li key={part.pointer + part.lead}>
              <SentenceLines sentence={part} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
