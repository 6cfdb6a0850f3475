/** The audit trail: who did what, when, on what and why, and whether it is still what was written. */
import { useMutation } from '@tanstack/react-query';
import { useDeferredValue, useId, useState } from 'react';
import { get } from '../api.ts';
import { formatTime } from '../formats.ts';
import { More, usePages } from '../parts/paged.tsx';
import { Empty, Failed, Loading } from '../parts/states.tsx';
import { Table } from '../parts/table.tsx';
import { useLanguage, useWords } from '../words.ts';
import { ACTION_KINDS, AUDIT_WORDS } from './audit.words.ts';

type Entry = {
  readonly number: number;
  readonly at: string;
  readonly actor: string;
  readonly actorName: string | null;
  readonly action: string;
  readonly object: string | null;
  readonly reason: string | null;
  readonly details: Readonly<Record<string, unknown>>;
  readonly hash: string;
};
type Verification = {
  readonly ok: boolean;
  readonly entries: number;
  readonly head: { readonly number: number; readonly hash: string };
  readonly findings: readonly { readonly number: number; readonly what: string; readonly says: string }[];
};
type Filter = { readonly actor: string; readonly action: string; readonly object: string };

export function Audit() {
  const words = useWords(AUDIT_WORDS);
  const [filter, setFilter] = useState<Filter>({ actor: '', action: '', object: '' });
  return (
    <div className="stack">
      <div className="place-head">
        <h1>{words.title}</h1>
      </div>
      <p>{words.lead}</p>
      <Check />
      <Filters filter={filter} onFilter={setFilter} />
      <Entries filter={useDeferredValue(filter)} />
    </div>
  );
}

function Check() {
  const words = useWords(AUDIT_WORDS);
  const check = useMutation({ mutationFn: () => get<Verification>('/api/v1/audit/verification') });
  return (
    <section className="stack tight">
      <div>
        <button type="button" className="button" disabled={check.isPending} onClick={() => check.mutate()}>
          {check.isPending ? words.checking : words.check}
        </button>
      </div>
      {check.error !== null && <Failed error={check.error} />}
      <div role="status">{check.data !== undefined && <Verdict {...check.data} />}</div>
    </section>
  );
}

function Verdict({ ok, entries, head, findings }: Verification) {
  const words = useWords(AUDIT_WORDS);
  return (
    <div className={ok ? 'notice success' : 'notice danger'}>
      <strong>{ok ? words.good(entries) : words.bad}</strong>
      <ul>
        {findings.map(({ number, what, says }) => (
          <li key={`${number} ${what}`}>{words.finding[what]?.(number) ?? says}</li>
        ))}
      </ul>
      <p className="small">
        {words.head}: {head.number} · <code className="fingerprint">{head.hash}</code>
      </p>
      <p className="small muted">{words.headWhy}</p>
    </div>
  );
}

function Filters({
  filter,
  onFilter,
}: {
  readonly filter: Filter;
  readonly onFilter: (filter: Filter) => void;
}) {
  const words = useWords(AUDIT_WORDS);
  const id = useId();
  return (
    <search className="filters">
      <div className="field">
        <label htmlFor={`${id}-action`}>{words.filters.action}</label>
        <select
          id={`${id}-action`}
          className="input"
          value={filter.action}
          onChange={(event) => onFilter({ ...filter, action: event.target.value })}
        >
          <option value="">{words.all}</option>
          {ACTION_KINDS.map((kind) => (
            <option key={kind} value={kind}>
              {words.actions[kind]}
            </option>
          ))}
        </select>
      </div>
      {(['actor', 'object'] as const).map((name) => (
        <div key={name} className="field">
          <label htmlFor={`${id}-${name}`}>{words.filters[name]}</label>
          <input
            id={`${id}-${name}`}
            className="input"
            type="search"
            autoComplete="off"
            placeholder={words.hints[name]}
            value={filter[name]}
            onChange={(event) => onFilter({ ...filter, [name]: event.target.value })}
          />
        </div>
      ))}
    </search>
  );
}

/** Of an id the beginning is enough to tell two apart; the whole can be seen and filtered by. */
const UUID = /([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

function Entries({ filter }: { readonly filter: Filter }) {
  const words = useWords(AUDIT_WORDS);
  const language = useLanguage();
  const pages = usePages<{ entries: readonly Entry[]; next: string | null }>('audit', filter);
  const { data, error, refetch, isPending } = pages;
  if (error !== null) return <Failed error={error} again={() => void refetch()} />;
  if (isPending) return <Loading />;
  const entries = data.pages.flatMap((page) => page.entries);
  if (entries.length === 0) return <Empty title={words.none} />;
  return (
    <>
      <Table<Entry>
        caption={words.title}
        tight
        columns={[
          { name: 'number', label: words.number, number: true, head: true, cell: ({ number }) => number },
          {
            name: 'at',
            label: words.at,
            cell: ({ at }) => (
              <time className="when" dateTime={at}>
                {formatTime(at, language)}
              </time>
            ),
          },
          {
            name: 'who',
            label: words.who,
            cell: ({ actor, actorName }) => (
              <span>
                {actorName !== null && <span className="block">{actorName}</span>}
                <code className="small muted one-line">{actor}</code>
              </span>
            ),
          },
          { name: 'what', label: words.what, cell: ({ action }) => words.actions[action] ?? action },
          {
            name: 'on',
            label: words.on,
            cell: ({ object }) => (
              <code className="small on-what" title={object ?? undefined}>
                {object?.replace(UUID, '$1…') ?? '–'}
              </code>
            ),
          },
          { name: 'why', label: words.why, cell: ({ reason }) => reason ?? '–' },
          {
            name: 'details',
            label: words.details,
            cell: ({ details, hash }) => (
              <details>
                <summary className="one-line">{words.details}</summary>
                <pre className="small">{JSON.stringify(details, null, 1)}</pre>
                <code className="small fingerprint">{hash}</code>
              </details>
            ),
          },
        ]}
        rows={entries}
        keyOf={({ number }) => String(number)}
      />
      <More pages={pages} />
    </>
  );
}
