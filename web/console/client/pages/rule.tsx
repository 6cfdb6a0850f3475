/** One rule: five steps in any order, the audience beside all of them, and what is wrong named on the step where it is mended. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { Link, useLocation, useSearchParams } from 'wouter';
import type { EventType as CatalogueEventType } from '../../../../domain/event.ts';
import type { Fields } from '../../../../rules/catalogue.ts';
import { get, Problem } from '../api.ts';
import { formatClock } from '../formats.ts';
import { FailedPage, Loading } from '../parts/states.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { useMay } from '../person.ts';
import { AudiencePanel } from '../rule/audience.tsx';
import { Basics } from '../rule/basics.tsx';
import { Condition } from '../rule/condition.tsx';
import { fieldsOf, type ShownField } from '../rule/fields.ts';
import type { Draft, EventType } from '../rule/model.ts';
import { Publish } from '../rule/publish.tsx';
import { readCondition, type Scope } from '../rule/reading.ts';
import { RULE_WORDS } from '../rule/rule.words.ts';
import { Tests } from '../rule/tests.tsx';
import { Texts } from '../rule/texts.tsx';
import { useAudience } from '../rule/use-audience.ts';
import { type Checked, type StepName, stepOf, useCheck } from '../rule/use-check.ts';
import {
  askForApproval,
  keep,
  type Opened,
  saveRule,
  useDraft,
  useEventTypes,
  useForget,
  useOpened,
} from '../rule/use-rule.ts';
import { useTexts } from '../rule/use-texts.ts';
import { When } from '../rule/when.tsx';
import { nameIn, useLanguage, useWords } from '../words.ts';
import { StateBadge } from './rules.tsx';

const NO_WARNINGS: readonly never[] = [];
const STEPS = ['who', 'when', 'what', 'try', 'publish'] as const satisfies readonly StepName[];

export function RulePage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const id = params['id']!;
  const [search] = useSearchParams();
  const wanted = search.get('version');
  const opened = useOpened(id, wanted === null ? null : Number(wanted));
  const { types, error } = useEventTypes();
  const fields = useQuery({
    queryKey: ['fields'],
    queryFn: async ({ signal }) =>
      fieldsOf((await get<{ fields: readonly ShownField[] }>('/api/v1/fields', signal)).fields),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const failed = opened.error ?? error ?? fields.error;
  if (failed !== null) return <FailedPage error={failed} again={() => void opened.refetch()} />;
  if (opened.data === undefined || types === undefined || fields.data === undefined) return <Loading page />;
  return (
    <Editor key={`${id} ${wanted ?? ''}`} id={id} opened={opened.data} types={types} fields={fields.data} />
  );
}

type Given = {
  readonly id: string;
  readonly opened: Opened;
  readonly types: readonly EventType[];
  readonly fields: Fields;
};

function Editor({ id, opened, types, fields }: Given) {
  const language = useLanguage();
  const words = useWords(RULE_WORDS);
  const [search, setSearch] = useSearchParams();
  const { draft, setDraft, changed, revert } = useDraft(id, opened.version?.rule);
  const [complete, setComplete] = useState(draft.condition !== true);
  const readOnly = !useMay('rules');
  const eventType = types.find(({ type }) => type === draft.on);
  const scope = useMemo(
    (): Scope => ({
      fields,
      agency: draft.agency,
      eventType: eventType as unknown as CatalogueEventType,
      citizen: true,
    }),
    [fields, draft.agency, eventType],
  );
  const read = useMemo(() => readCondition(draft.condition, scope), [draft.condition, scope]);
  const countable =
    eventType !== undefined && complete && read.node !== undefined && draft.condition !== true;
  const { version } = opened;
  const asked = useAudience(draft, countable, readOnly && version !== null ? version : null);
  const written = useCallback(
    (condition: Draft['condition'], whole: boolean): void => {
      setComplete(whole);
      setDraft((before) => ({ ...before, condition }));
    },
    [setDraft],
  );
  const texts = useTexts(draft, opened.version === null);
  const checked = useCheck(draft, eventType !== undefined && draft.id !== '');
  const step = STEPS.find((one) => one === search.get('step')) ?? 'who';
  const say = (field: string): string =>
    fields.get(field.replace(/^citizen\./, ''))?.labels[language] ?? field;
  const counts = faultCounts(
    checked.data,
    complete ? read.faults : [{ pointer: '/condition' }],
    texts.faults.length,
  );
  useEffect(() => {
    document.title = `${nameIn(draft.title, language, '') || words.untitled} · Allim`;
  }, [draft.title, language, words]);
  const given = {
    draft,
    onDraft: setDraft,
    eventType,
    readOnly,
    checked: checked.data,
  };
  return (
    <>
      <Head id={id} draft={draft} opened={opened} changed={changed} revert={revert} texts={texts} />
      <div className="rule">
        <div className="rule-steps">
          <Tabs
            label={words.stepsLabel}
            chosen={step}
            onChoose={(name) =>
              setSearch((before) => ({ ...Object.fromEntries(before), step: name }), { replace: true })
            }
            tabs={STEPS.map((name, index) => ({
              name,
              label: (
                <>
                  <span className="step-number" aria-hidden="true">
                    {index + 1}
                  </span>
                  {words.steps[name]}
                  {counts[name] > 0 && (
                    <span className="badge danger" title={words.faultsIn(counts[name])}>
                      {counts[name]}
                      <span className="visually-hidden"> {words.faultsIn(counts[name])}</span>
                    </span>
                  )}
                </>
              ),
            }))}
          >
            <div className="card step">
              {step === 'who' && (
                <div className="stack">
                  <Basics
                    draft={draft}
                    onDraft={setDraft}
                    types={types}
                    fresh={opened.version === null}
                    readOnly={readOnly}
                  />
                  {eventType === undefined ? (
                    <p className="notice">{words.chooseEventFirst}</p>
                  ) : (
                    <Condition
                      key={draft.on}
                      condition={draft.condition}
                      onCondition={written}
                      scope={scope}
                      eventType={eventType}
                      read={read}
                      complete={complete}
                      warnings={asked.audience?.warnings ?? NO_WARNINGS}
                      readOnly={readOnly}
                    />
                  )}
                </div>
              )}
              {step === 'when' && <When {...given} />}
              {step === 'what' && <Texts {...given} texts={texts} />}
              {step === 'try' && <Tests {...given} fields={fields} read={read} />}
              {step === 'publish' && (
                <Publish
                  {...given}
                  opened={opened}
                  changed={changed || texts.changed}
                  scope={scope}
                  texts={texts}
                />
              )}
            </div>
          </Tabs>
        </div>
        <AudiencePanel asked={asked} countable={countable} labelOf={say} />
      </div>
    </>
  );
}

/** What is wrong on each step; of the condition what is read here, which is sooner and finer than what the server says of it. */
function faultCounts(
  checked: Checked | undefined,
  own: readonly { readonly pointer: string }[],
  ofTexts: number,
): Record<StepName, number> {
  const counts: Record<StepName, number> = { who: own.length, when: 0, what: 0, try: 0, publish: 0 };
  for (const { pointer } of checked?.faults ?? []) {
    const step = stepOf(pointer);
    if (!pointer.startsWith('/condition') && !(step === 'what' && pointer.startsWith('/templates/')))
      counts[step]++;
  }
  counts.what += ofTexts;
  return counts;
}

type HeadGiven = {
  readonly id: string;
  readonly draft: Draft;
  readonly opened: Opened;
  /** The rule itself; its texts know of themselves. */
  readonly changed: boolean;
  readonly revert: () => void;
  readonly texts: ReturnType<typeof useTexts>;
};

function Head({ id, draft, opened, changed: ruleChanged, revert, texts }: HeadGiven) {
  const words = useWords(RULE_WORDS);
  const language = useLanguage();
  const [, go] = useLocation();
  const queries = useQueryClient();
  const forget = useForget();
  const mayWrite = useMay('rules');
  const [state, setState] = useState<{ saving: boolean; at: number | null; problem: Problem | null }>({
    saving: false,
    at: null,
    problem: null,
  });
  const changed = ruleChanged || texts.changed;
  // Texts alone, of a version that is approved or live, wait by themselves once they are saved.
  const mayRequest = ruleChanged || opened.version === null || opened.version.state === 'draft';
  /** With `asking` another person is asked to approve what was just saved. */
  async function save(asking: boolean): Promise<void> {
    setState((before) => ({ ...before, saving: true, problem: null }));
    try {
      await texts.save();
      const { version } = opened;
      const saved = ruleChanged || version === null ? await saveRule(draft, opened) : version;
      keep(id, null);
      if (asking) await askForApproval(saved);
      setState({ saving: false, at: Date.now(), problem: null });
      await forget(saved.id);
      await queries.invalidateQueries({ queryKey: ['about-draft'] });
      if (id === 'new') go(`/rules/${saved.id}${location.search}`, { replace: true });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setState((before) => ({ ...before, saving: false, problem: error }));
    }
  }
  const shown = opened.object?.versions.find(({ version }) => version === opened.version?.version);
  const savedAt = state.at ?? shown?.steps.at(-1)?.at ?? shown?.at ?? null;
  const said = state.saving
    ? words.saving
    : changed
      ? words.notSaved
      : savedAt === null
        ? words.unchanged
        : words.savedAt(formatClock(savedAt, language));
  return (
    <header className="rule-head">
      <p className="small">
        <Link href="/rules">← {words.back}</Link>
      </p>
      <div className="row apart">
        <div className="row">
          <h1>{nameIn(draft.title, language, '') || (id === 'new' ? words.fresh : words.untitled)}</h1>
          {opened.version !== null && <StateBadge state={opened.version.state} />}
          <span className="small muted" role="status">
            {said}
          </span>
        </div>
        {mayWrite && (
          <div className="row">
            {changed && (
              <button
                type="button"
                className="button quiet"
                onClick={() => {
                  revert();
                  texts.revert();
                }}
              >
                {words.revert}
              </button>
            )}
            <button
              type="button"
              className="button"
              disabled={state.saving || (!changed && opened.version !== null)}
              onClick={() => void save(false)}
            >
              {words.save}
            </button>
            {mayRequest && (
              <button
                type="button"
                className="button primary"
                disabled={state.saving}
                onClick={() => void save(true)}
              >
                {words.request}
              </button>
            )}
          </div>
        )}
      </div>
      {state.problem !== null && <SaveProblem problem={state.problem} onAgain={() => startAgain(id)} />}
    </header>
  );
}

/** With what somebody else saved, in place of what was typed. */
function startAgain(id: string): void {
  keep(id, null);
  location.reload();
}

function SaveProblem({ problem, onAgain }: { readonly problem: Problem; readonly onAgain: () => void }) {
  const words = useWords(RULE_WORDS);
  const language = useLanguage();
  const conflict = problem.status === 412;
  return (
    <div className="notice danger" role="alert">
      <strong>{conflict ? words.saveConflict : words.saveFailed}</strong>
      {conflict && (
        <button type="button" className="button small" onClick={onAgain}>
          {words.loadAgain}
        </button>
      )}
      {!conflict && problem.faults.length === 0 && <p>{problem.message}</p>}
      <ul className="faults">
        {problem.faults.map(({ pointer, message, sentences }) => (
          <li key={pointer + message}>
            {words.steps[stepOf(pointer)]}: {sentences?.[language] ?? message}{' '}
            <code className="muted">{pointer}</code>
          </li>
        ))}
      </ul>
    </div>
  );
}
