/** The rules of the agency: which are live, which are being written, and which wait for somebody. */
import { useDeferredValue, useState } from 'react';
import { Link, useSearchParams } from 'wouter';
import { formatTime } from '../formats.ts';
import { More, usePages } from '../parts/paged.tsx';
import { Empty, Failed, Loading } from '../parts/states.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { useMay, usePerson } from '../person.ts';
import { useEventTypes } from '../rule/use-rule.ts';
import { nameIn, useLanguage, useWords } from '../words.ts';
import { RULES_WORDS, type RuleState } from './rules.words.ts';

type Version = {
  readonly version: number;
  readonly state: RuleState;
  readonly at: string;
  readonly author: string;
};
export type ListedRule = {
  readonly id: string;
  readonly agency: string;
  readonly title: Readonly<Record<string, string>>;
  readonly on: string;
  readonly category: string;
  readonly state: RuleState;
  readonly live: { readonly version: number } | null;
  readonly latest: Version;
};
export type RuleList = { readonly rules: readonly ListedRule[]; readonly next: string | null };

const STATES = ['draft', 'awaiting', 'live', 'withdrawn'] as const satisfies readonly RuleState[];
const TONES: Readonly<Record<RuleState, string>> = {
  draft: '',
  awaiting: 'warning',
  approved: 'primary',
  live: 'success',
  replaced: '',
  withdrawn: '',
};

export function StateBadge({ state }: { readonly state: RuleState }) {
  const words = useWords(RULES_WORDS);
  return <span className={`badge ${TONES[state]}`}>{words.states[state]}</span>;
}

export function Rules() {
  const words = useWords(RULES_WORDS);
  const [search, setSearch] = useSearchParams();
  const [text, setText] = useState('');
  const q = useDeferredValue(text.trim());
  const state = search.get('state') ?? '';
  const mayWrite = useMay('rules');
  return (
    <>
      <div className="place-head">
        <h1>{words.title}</h1>
        {mayWrite && (
          <Link className="button primary" href="/rules/new">
            {words.fresh}
          </Link>
        )}
      </div>
      <search className="filters">
        <div className="field">
          <label htmlFor="rules-text">{words.search}</label>
          <input
            id="rules-text"
            className="input"
            type="search"
            placeholder={words.searchHint}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </div>
        <div className="field">
          <label htmlFor="rules-state">{words.state}</label>
          <select
            id="rules-state"
            className="input"
            value={state}
            onChange={(event) => setSearch(event.target.value === '' ? {} : { state: event.target.value })}
          >
            <option value="">{words.all}</option>
            {STATES.map((one) => (
              <option key={one} value={one}>
                {words.states[one]}
              </option>
            ))}
          </select>
        </div>
      </search>
      <Found q={q} state={state} />
    </>
  );
}

function Found({ q, state }: { readonly q: string; readonly state: string }) {
  const words = useWords(RULES_WORDS);
  const pages = usePages<RuleList>('rules', { state, q });
  const { data, error, refetch, isPending } = pages;
  if (error !== null) return <Failed error={error} again={() => void refetch()} />;
  if (isPending) return <Loading />;
  const rules = data.pages.flatMap((page) => page.rules);
  if (rules.length === 0)
    return q === '' && state === '' ? (
      <Empty title={words.noneYet}>
        <p>{words.noneYetWhy}</p>
      </Empty>
    ) : (
      <Empty title={words.none} />
    );
  return (
    <>
      <RuleTable rules={rules} />
      <More pages={pages} />
    </>
  );
}

function RuleTable({ rules }: { readonly rules: readonly ListedRule[] }) {
  const words = useWords(RULES_WORDS);
  const language = useLanguage();
  const person = usePerson();
  const nameOfAgency = (id: string): string =>
    nameIn(person.agencies.find((agency) => agency.id === id)?.name, language, id);
  const { types } = useEventTypes();
  const titleOf = (type: string): string =>
    nameIn(types?.find((one) => one.type === type)?.title, language, type);
  const columns: Column<ListedRule>[] = [
    {
      name: 'rule',
      label: words.rule,
      head: true,
      cell: ({ id, title }) => (
        <span>
          <Link className="rule-name" href={`/rules/${id}`}>
            {nameIn(title, language, id)}
          </Link>
          <code className="small muted">{id}</code>
        </span>
      ),
    },
    {
      name: 'state',
      label: words.state,
      cell: ({ state, live, latest }) => (
        <span className="row">
          <StateBadge state={state} />
          {live !== null && latest.version > live.version && (
            <span className="small muted">{words.newer(latest.version, words.states[latest.state])}</span>
          )}
        </span>
      ),
    },
    {
      name: 'category',
      label: words.category,
      cell: ({ category }) => words.categories[category] ?? category,
    },
    { name: 'on', label: words.event, cell: ({ on }) => <span title={on}>{titleOf(on)}</span> },
    { name: 'version', label: words.latest, cell: ({ latest }) => words.version(latest.version) },
    {
      name: 'changed',
      label: words.changed,
      cell: ({ latest }) => <time dateTime={latest.at}>{formatTime(latest.at, language)}</time>,
    },
  ];
  if (person.agency === null)
    columns.splice(1, 0, { name: 'agency', label: words.agency, cell: ({ agency }) => nameOfAgency(agency) });
  return <Table caption={words.title} columns={columns} rows={rules} keyOf={({ id }) => id} />;
}
