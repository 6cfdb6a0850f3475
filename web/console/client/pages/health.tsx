/** Health: what works, what is left to do, what fails and by whose fault, and which processes live. */
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { get } from '../api.ts';
import { formatNumber, formatTime } from '../formats.ts';
import { FailedPage, Loading } from '../parts/states.tsx';
import { Table } from '../parts/table.tsx';
import { STAGE_NAMES } from '../stage-names.ts';
import { useLanguage, useWords } from '../words.ts';
import { HEALTH_WORDS } from './health.words.ts';
import { SENDING_WORDS } from './sending.words.ts';

type Flow = 'queued' | 'waiting' | 'failedNetwork' | 'failedUs' | 'unclear';
type ChannelFlow = { readonly channel: string } & Readonly<Record<Flow, number>>;
type Health = {
  readonly at: string;
  readonly ready: boolean;
  readonly checks: readonly { readonly name: string; readonly ok: boolean }[];
  readonly backlog: Readonly<Record<string, number>>;
  readonly idle: boolean;
  readonly quarantine: number;
  readonly restore: object | null;
  readonly channels: readonly ChannelFlow[];
  readonly failing: readonly {
    readonly campaign: string;
    readonly rule: string;
    readonly stage: string;
    readonly verdict: string;
    readonly failed: number;
    readonly called: number;
  }[];
  readonly processes: readonly {
    readonly kind: string;
    readonly seconds: number;
    readonly citizens: number | null;
  }[];
};

const LOOK_EVERY_MS = 5_000;
const FLOWS: readonly Flow[] = ['queued', 'waiting', 'failedNetwork', 'failedUs', 'unclear'];

export function HealthPage() {
  const { data, error, refetch } = useQuery({
    queryKey: ['health'],
    queryFn: ({ signal }) => get<Health>('/api/v1/health', signal),
    refetchInterval: LOOK_EVERY_MS,
  });
  if (data === undefined)
    return error === null ? <Loading page /> : <FailedPage error={error} again={() => void refetch()} />;
  return (
    <div className="stack">
      <Verdict health={data} />
      <Checks health={data} />
      <Backlog health={data} />
      <Channels health={data} />
      <Failing health={data} />
      <Processes health={data} />
    </div>
  );
}

type Given = { readonly health: Health };

function Verdict({ health }: Given) {
  const words = useWords(HEALTH_WORDS);
  const language = useLanguage();
  return (
    <>
      <div className="place-head">
        <h1>{words.title}</h1>
        <span className="small muted">{words.asOf(formatTime(health.at, language))}</span>
      </div>
      <p className={health.ready ? 'notice success' : 'notice danger'}>
        <strong>{health.ready ? words.good : words.bad}</strong>
      </p>
      {health.restore !== null && <p className="notice warning">{words.restore}</p>}
      {health.quarantine > 0 && (
        <p className="notice warning">
          <Link href="/quarantine">{words.quarantine(health.quarantine)}</Link>
        </p>
      )}
    </>
  );
}

function Checks({ health }: Given) {
  const words = useWords(HEALTH_WORDS);
  return (
    <section aria-labelledby="checks-title">
      <h2 id="checks-title">{words.checks}</h2>
      <ul className="checks">
        {health.checks.map(({ name, ok }) => (
          <li key={name}>
            <span>{words.names[name] ?? name}</span>
            <span className={ok ? 'badge success' : 'badge danger'}>{ok ? words.works : words.broken}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Backlog({ health }: Given) {
  const words = useWords(HEALTH_WORDS);
  const language = useLanguage();
  const left = Object.entries(health.backlog).filter(([, count]) => count > 0);
  return (
    <section aria-labelledby="backlog-title">
      <h2 id="backlog-title">{words.backlogTitle}</h2>
      {left.length === 0 ? (
        <p className="muted">{words.idle}</p>
      ) : (
        <dl className="facts">
          {left.map(([name, count]) => (
            <div key={name}>
              <dt>{words.backlog[name] ?? name}</dt>
              <dd className="number">{formatNumber(count, language)}</dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}

function Channels({ health }: Given) {
  const words = useWords(HEALTH_WORDS);
  const sending = useWords(SENDING_WORDS);
  const language = useLanguage();
  return (
    <section>
      <h2>{words.channelsTitle}</h2>
      <Table<ChannelFlow>
        caption={words.channelsTitle}
        columns={[
          {
            name: 'channel',
            label: words.channel,
            head: true,
            cell: ({ channel }) => sending.channels[channel] ?? channel,
          },
          ...FLOWS.map((flow) => ({
            name: flow,
            label: words.columns[flow],
            number: true,
            cell: (row: ChannelFlow) => formatNumber(row[flow], language),
          })),
        ]}
        rows={health.channels}
        keyOf={({ channel }) => channel}
      />
      <p className="small muted">{words.lastQuarter}</p>
    </section>
  );
}

function Failing({ health }: Given) {
  const words = useWords(HEALTH_WORDS);
  const stageName = useWords(STAGE_NAMES);
  return (
    <section aria-labelledby="failing-title">
      <h2 id="failing-title">{words.failingTitle}</h2>
      {health.failing.length === 0 && <p className="muted">{words.noFailing}</p>}
      <ul className="stack tight">
        {health.failing.map(({ campaign, rule, stage, verdict, failed, called }) => (
          <li key={`${campaign} ${stage}`}>
            <Link href={`/campaigns/${campaign}`}>{rule}</Link> {stageName(stage)} ·{' '}
            {words.failing(failed, called)}{' '}
            <span className="badge warning">{words.verdicts[verdict] ?? verdict}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Processes({ health }: Given) {
  const words = useWords(HEALTH_WORDS);
  return (
    <section aria-labelledby="processes-title">
      <h2 id="processes-title">{words.processesTitle}</h2>
      {health.processes.length === 0 && <p className="muted">{words.noProcesses}</p>}
      <ul className="checks">
        {health.processes.map(({ kind, seconds }, index) => (
          // Processes come without names; two of a kind look alike.
          // biome-ignore lint/suspicious/noArrayIndexKey: the order is stable between two looks
          <li key={`${kind} ${index}`}>
            <span>{words.process[kind] ?? kind}</span>
            <span className="small muted">
              {words.heart}: {words.ago(seconds)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
