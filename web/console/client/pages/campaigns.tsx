/** Campaigns: what is being sent and was sent, and the brake for all of it. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useSearchParams } from 'wouter';
import { call, get } from '../api.ts';
import { formatDay, formatTime } from '../formats.ts';
import { Act } from '../parts/act.tsx';
import { useActor } from '../parts/actor.ts';
import { More, usePages } from '../parts/paged.tsx';
import { People, type PeopleCount } from '../parts/people.tsx';
import { Empty, Failed, Loading } from '../parts/states.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { useMay, usePerson } from '../person.ts';
import { nameIn, useLanguage, useWords } from '../words.ts';
import { CAMPAIGNS_WORDS } from './campaigns.words.ts';
import { SENDING_WORDS } from './sending.words.ts';

type ListState = 'running' | 'paused' | 'ended' | 'cancelled';
type ListedCampaign = {
  readonly campaign: string;
  readonly agency: string;
  readonly rule: string;
  readonly title: Readonly<Record<string, string>> | null;
  readonly event: string | null;
  readonly day: string | null;
  readonly acceptedAt: string;
  readonly state: ListState;
  readonly planned: PeopleCount;
};
type CampaignList = { readonly campaigns: readonly ListedCampaign[]; readonly next: string | null };
type Stop = {
  readonly scope: string;
  readonly reason: string;
  readonly createdBy: string;
  readonly createdByName: string | null;
  readonly createdAt: string;
};

const STATES: readonly ListState[] = ['running', 'paused', 'ended', 'cancelled'];
const TONES: Readonly<Record<string, string>> = {
  running: 'primary',
  paused: 'warning',
  done: 'success',
  ended: '',
  cancelled: 'danger',
};

export function CampaignBadge({ state, label }: { readonly state: string; readonly label: string }) {
  return <span className={`badge ${TONES[state] ?? ''}`}>{label}</span>;
}

export function Campaigns() {
  const words = useWords(CAMPAIGNS_WORDS);
  const [search, setSearch] = useSearchParams();
  const state = search.get('state') ?? '';
  return (
    <>
      <div className="place-head">
        <h1>{words.title}</h1>
        {useMay('operate') && <StopAll />}
      </div>
      <Stops />
      <search className="filters">
        <div className="field">
          <label htmlFor="campaigns-state">{words.state}</label>
          <select
            id="campaigns-state"
            className="input"
            value={state}
            onChange={(event) => setSearch(event.target.value === '' ? {} : { state: event.target.value })}
          >
            <option value="">{words.all}</option>
            {STATES.map((one) => (
              <option key={one} value={one}>
                {words.listed[one]}
              </option>
            ))}
          </select>
        </div>
      </search>
      <Found state={state} />
    </>
  );
}

/** Of the own agency; of everything for a platform owner. */
function StopAll() {
  const words = useWords(CAMPAIGNS_WORDS);
  const language = useLanguage();
  const { agency } = usePerson();
  const client = useQueryClient();
  const scope = agency === null ? 'all' : `agency:${agency.id}`;
  const who = agency === null ? words.everybody : nameIn(agency.name, language, agency.id);
  return (
    <Act
      label={words.stopAll}
      title={words.stopAllTitle}
      verb={words.stopVerb}
      tone="danger"
      act={async (reason) => {
        await call(`/api/v1/stops/${scope}`, { method: 'PUT', body: { reason } });
        await client.invalidateQueries();
      }}
    >
      <p>{words.stopAllWhat(who)}</p>
    </Act>
  );
}

function Stops() {
  const words = useWords(CAMPAIGNS_WORDS);
  const sending = useWords(SENDING_WORDS);
  const language = useLanguage();
  const mayOperate = useMay('operate');
  const actor = useActor();
  const client = useQueryClient();
  const { data } = useQuery({
    queryKey: ['stops'],
    queryFn: ({ signal }) => get<{ stops: readonly Stop[] }>('/api/v1/stops', signal),
  });
  if (data === undefined || data.stops.length === 0) return null;
  return (
    <section className="card stops" aria-labelledby="stops-title">
      <h2 id="stops-title">{words.stops}</h2>
      <ul className="stack tight">
        {data.stops.map(({ scope, reason, createdBy, createdByName, createdAt }) => (
          <li key={scope} className="row apart">
            <span>
              <strong>{sending.scope(scope)}</strong> {reason}
              <span className="small muted stop-by">
                {words.since(actor(createdBy, createdByName))} ·{' '}
                <time dateTime={createdAt}>{formatTime(createdAt, language)}</time>
              </span>
            </span>
            {mayOperate && (
              <Act
                label={words.goOn}
                title={words.goOn}
                verb={words.goOn}
                act={async (reason) => {
                  const query = new URLSearchParams({ reason });
                  await call(`/api/v1/stops/${encodeURIComponent(scope)}?${query}`, { method: 'DELETE' });
                  await client.invalidateQueries();
                }}
              >
                <p>{words.goOnWhat(sending.scope(scope))}</p>
              </Act>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Found({ state }: { readonly state: string }) {
  const words = useWords(CAMPAIGNS_WORDS);
  const pages = usePages<CampaignList>('campaigns', { state }, { refetchInterval: 15_000 });
  const { data, error, refetch, isPending } = pages;
  if (error !== null) return <Failed error={error} again={() => void refetch()} />;
  if (isPending) return <Loading />;
  const campaigns = data.pages.flatMap((page) => page.campaigns);
  if (campaigns.length === 0)
    return (
      <Empty title={words.none}>
        <p>{words.noneWhy}</p>
      </Empty>
    );
  return (
    <>
      <CampaignTable campaigns={campaigns} />
      <More pages={pages} />
    </>
  );
}

function CampaignTable({ campaigns }: { readonly campaigns: readonly ListedCampaign[] }) {
  const words = useWords(CAMPAIGNS_WORDS);
  const language = useLanguage();
  const person = usePerson();
  const columns: Column<ListedCampaign>[] = [
    {
      name: 'campaign',
      label: words.campaign,
      head: true,
      cell: ({ campaign, rule, title, event, day }) => (
        <span>
          <Link className="rule-name" href={`/campaigns/${campaign}`}>
            {nameIn(title ?? undefined, language, rule)}
          </Link>
          <span className="small muted">{event ?? words.day(formatDay(day ?? '', language))}</span>
        </span>
      ),
    },
    {
      name: 'state',
      label: words.state,
      cell: ({ state }) => <CampaignBadge state={state} label={words.listed[state] ?? state} />,
    },
    {
      name: 'planned',
      label: words.planned,
      number: true,
      cell: ({ planned }) => <People count={planned} />,
    },
    {
      name: 'came',
      label: words.came,
      cell: ({ acceptedAt }) => <time dateTime={acceptedAt}>{formatTime(acceptedAt, language)}</time>,
    },
  ];
  if (person.agency === null)
    columns.splice(1, 0, {
      name: 'agency',
      label: words.agency,
      cell: ({ agency }) => nameIn(person.agencies.find(({ id }) => id === agency)?.name, language, agency),
    });
  return (
    <Table caption={words.title} columns={columns} rows={campaigns} keyOf={({ campaign }) => campaign} />
  );
}
