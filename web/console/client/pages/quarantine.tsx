/** Quarantine: what could not be taken in and why; one record, mended and tried again. The original is kept. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { Link } from 'wouter';
import { call, get } from '../api.ts';
import { formatTime } from '../formats.ts';
import { Act } from '../parts/act.tsx';
import { useActor } from '../parts/actor.ts';
import { More, usePages } from '../parts/paged.tsx';
import { Empty, Failed, FailedPage, Loading } from '../parts/states.tsx';
import { Table } from '../parts/table.tsx';
import { useLanguage, useWords } from '../words.ts';
import { sayFault } from './fault-words.ts';
import { QUARANTINE_WORDS } from './quarantine.words.ts';

type Fault = { readonly pointer: string; readonly message: string };
type Row = {
  readonly id: string;
  readonly at: string;
  readonly topic: string;
  readonly code: string;
  readonly message: string;
  readonly faults: readonly Fault[];
};
type Case = Row & {
  readonly state: string;
  readonly closedBy: string | null;
  readonly closedByName: string | null;
  readonly mended: boolean;
  readonly record: {
    readonly headers: Readonly<Record<string, string>>;
    readonly value?: string | null;
    readonly base64?: string;
  };
};

const PROFILES = 'citizen-profiles';

export function Quarantine() {
  const words = useWords(QUARANTINE_WORDS);
  const language = useLanguage();
  const pages = usePages<{ quarantine: readonly Row[]; next: string | null }>('quarantine');
  const { data, error, refetch, isPending } = pages;
  const rows = data?.pages.flatMap((page) => page.quarantine) ?? [];
  return (
    <div className="stack">
      <div className="place-head">
        <h1>{words.title}</h1>
      </div>
      <p>{words.lead}</p>
      {error !== null && <Failed error={error} again={() => void refetch()} />}
      {isPending && <Loading />}
      {data !== undefined && rows.length === 0 && (
        <Empty title={words.none}>
          <p>{words.noneWhy}</p>
        </Empty>
      )}
      {rows.length > 0 && (
        <Table<Row>
          caption={words.title}
          columns={[
            {
              name: 'what',
              label: words.what,
              head: true,
              cell: ({ id, message, code, faults }) => (
                <span>
                  <Link className="rule-name" href={`/quarantine/${id}`}>
                    {words.codes[code] ?? message}
                  </Link>
                  <Short faults={faults} message={message} />
                </span>
              ),
            },
            {
              name: 'where',
              label: words.where,
              cell: ({ topic }) => words.topics[topic] ?? topic,
            },
            {
              name: 'at',
              label: words.at,
              cell: ({ at }) => <time dateTime={at}>{formatTime(at, language)}</time>,
            },
          ]}
          rows={rows}
          keyOf={({ id }) => id}
        />
      )}
      <More pages={pages} />
    </div>
  );
}

export function QuarantineCase({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const words = useWords(QUARANTINE_WORDS);
  const id = params['id'] ?? '';
  // Each look is written down, so it is not asked again by itself.
  const { data, error } = useQuery({
    queryKey: ['quarantine', id],
    queryFn: ({ signal }) => get<Case>(`/api/v1/quarantine/${id}`, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <div className="stack">
      <p>
        <Link className="small" href="/quarantine">
          ← {words.back}
        </Link>
      </p>
      {error !== null && <FailedPage error={error} />}
      {data === undefined ? error === null && <Loading page /> : <Opened kept={data} />}
    </div>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** What is sent in place of the record: an event whole, with the attributes that stood in headers, or a profile. */
function mendable({ topic, record }: Case): string {
  if (record.value == null) return '';
  if (topic === PROFILES) return pretty(record.value);
  const attributes = Object.fromEntries(
    Object.entries(record.headers)
      .filter(([name]) => name.startsWith('ce_'))
      .map(([name, value]) => [name.slice(3), value]),
  );
  if (Object.keys(attributes).length === 0) return pretty(record.value);
  try {
    return JSON.stringify({ ...attributes, data: JSON.parse(record.value) as unknown }, null, 2);
  } catch {
    return JSON.stringify({ ...attributes, data: record.value }, null, 2);
  }
}

function Opened({ kept }: { readonly kept: Case }) {
  const words = useWords(QUARANTINE_WORDS);
  const actor = useActor();
  const { message, code, faults, record, state, closedBy, closedByName } = kept;
  return (
    <>
      <div className="place-head">
        <h1>{words.codes[code] ?? message}</h1>
        <code>{code}</code>
      </div>
      {faults.length === 0 && (
        <p className="muted" lang="en">
          {message}
        </p>
      )}
      {faults.length > 0 && <FaultList title={words.faults} faults={faults} />}
      <section>
        <h2>{words.original}</h2>
        <p className="small muted">{words.originalWhy}</p>
        {record.base64 === undefined ? (
          <pre className="record">{pretty(record.value ?? '')}</pre>
        ) : (
          <p>{words.binary}</p>
        )}
      </section>
      {state === 'open' ? (
        <Mend kept={kept} />
      ) : (
        <p className="notice">
          {words.closed(words.states[state] ?? state, actor(closedBy ?? '', closedByName))}
        </p>
      )}
    </>
  );
}

/** The first place at fault, in words, or what the reader said where no place is. */
function Short({ faults, message }: Pick<Row, 'faults' | 'message'>) {
  const language = useLanguage();
  const [first] = faults;
  if (first === undefined)
    return (
      <span className="small muted" lang="en">
        {message}
      </span>
    );
  return (
    <span className="small muted">
      <code>{first.pointer === '' ? '/' : first.pointer}</code> {sayFault(first.message, language)}
    </span>
  );
}

function FaultList({ title, faults }: { readonly title: string; readonly faults: readonly Fault[] }) {
  const language = useLanguage();
  return (
    <section>
      <h2>{title}</h2>
      <ul>
        {faults.map(({ pointer, message }) => (
          <li key={`${pointer} ${message}`}>
            <code>{pointer === '' ? '/' : pointer}</code> {sayFault(message, language)}
          </li>
        ))}
      </ul>
    </section>
  );
}

type Done = { readonly state: string; readonly known?: boolean };

function Mend({ kept }: { readonly kept: Case }) {
  const words = useWords(QUARANTINE_WORDS);
  const id = useId();
  const client = useQueryClient();
  const first = mendable(kept);
  const [text, setText] = useState(first);
  const [notJson, setNotJson] = useState(false);
  const path = `/api/v1/quarantine/${kept.id}`;
  const send = useMutation({
    mutationFn: async (body: object | undefined) =>
      (await call<Done>(`${path}/retry`, { method: 'POST', ...(body === undefined ? {} : { body }) })).body,
    onSuccess: () => client.invalidateQueries({ queryKey: ['quarantine'], exact: true }),
  });
  function sendMended(): void {
    try {
      const mended = JSON.parse(text) as object;
      setNotJson(false);
      send.mutate(kept.topic === PROFILES ? { profile: mended } : { event: mended });
    } catch {
      setNotJson(true);
    }
  }
  if (send.data !== undefined)
    return (
      <p className="notice success" role="status">
        {words.retried(send.data.known === true)}
      </p>
    );
  return (
    <section className="stack tight">
      <div className="field">
        <label htmlFor={id}>{words.mend}</label>
        <textarea
          id={id}
          className="input record"
          rows={14}
          spellCheck={false}
          aria-invalid={notJson}
          aria-describedby={`${id}-hint`}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <p className="hint" id={`${id}-hint`}>
          {words.mendHint}
        </p>
        {notJson && (
          <p className="fault" role="alert">
            {words.notJson}
          </p>
        )}
      </div>
      {send.error !== null && <Refused error={send.error} />}
      <div className="row">
        <button
          type="button"
          className="button primary"
          disabled={send.isPending || text === first}
          onClick={sendMended}
        >
          {words.retryMended}
        </button>
        <button
          type="button"
          className="button"
          disabled={send.isPending}
          onClick={() => send.mutate(undefined)}
        >
          {words.retry}
        </button>
        <Act
          label={words.drop}
          title={words.dropTitle}
          verb={words.drop}
          tone="danger"
          act={async (reason) => {
            await call(`${path}/drop`, { method: 'POST', body: { reason } });
            await client.invalidateQueries({ queryKey: ['quarantine'] });
          }}
        >
          <p>{words.dropWhat}</p>
        </Act>
      </div>
    </section>
  );
}

/** With the places that are still at fault. */
function Refused({ error }: { readonly error: unknown }) {
  const words = useWords(QUARANTINE_WORDS);
  const faults = (error as { faults?: readonly Fault[] }).faults ?? [];
  return (
    <>
      <Failed error={error} />
      {faults.length > 0 && <FaultList title={words.faults} faults={faults} />}
    </>
  );
}
