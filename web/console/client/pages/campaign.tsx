/** One campaign, from top to bottom like its equation: whom, by which channel, what failed and by whose fault, when, and what can be done now. */
import { useQueryClient } from '@tanstack/react-query';
import { Link } from 'wouter';
import { call } from '../api.ts';
import { formatDay, formatTime } from '../formats.ts';
import { Act } from '../parts/act.tsx';
import { useActor } from '../parts/actor.ts';
import { People, type PeopleCount, usePeople } from '../parts/people.tsx';
import { FailedPage, Loading } from '../parts/states.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { useMay } from '../person.ts';
import { STAGE_NAMES } from '../stage-names.ts';
import { nameIn, useLanguage, useWords } from '../words.ts';
import { CAMPAIGN_WORDS } from './campaign.words.ts';
import { type Campaign, type ChannelCounts, type Equation, useCampaign } from './campaign-live.ts';
import { OverTime } from './campaign-over-time.tsx';
import { CampaignBadge } from './campaigns.tsx';
import { SENDING_WORDS } from './sending.words.ts';

export function CampaignPage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const words = useWords(CAMPAIGN_WORDS);
  const { data, error, refetch, connected } = useCampaign(params['id'] ?? '');
  if (data === undefined)
    return error === null ? <Loading page /> : <FailedPage error={error} again={() => void refetch()} />;
  return (
    <div className="stack campaign">
      <Head campaign={data} connected={connected} />
      <section aria-labelledby="equation-title">
        <h2 id="equation-title">{words.equation}</h2>
        <EquationLine equation={data.equation} />
        <Notices campaign={data} />
      </section>
      <Actions campaign={data} />
      <Channels campaign={data} />
      <Failures campaign={data} />
      <OverTime {...data.overTime} />
      <Stages campaign={data} />
    </div>
  );
}

function Head({ campaign, connected }: { readonly campaign: Campaign; readonly connected: boolean }) {
  const words = useWords(CAMPAIGN_WORDS);
  const sending = useWords(SENDING_WORDS);
  const language = useLanguage();
  const actor = useActor();
  const { title, rule, state, event, day, acceptedAt, asOf, stops } = campaign;
  const { cancelledAt, cancelledBy, cancelledByName, cancelReason } = campaign;
  return (
    <header>
      <p>
        <Link className="small" href="/campaigns">
          ← {words.back}
        </Link>
      </p>
      <div className="place-head">
        <h1>{nameIn(title ?? undefined, language, rule)}</h1>
        <CampaignBadge state={state} label={sending.campaignStates[state] ?? state} />
      </div>
      <p>
        {event === null
          ? words.ofDay(formatDay(day ?? '', language))
          : words.of(event.id, formatTime(acceptedAt, language))}{' '}
        <Link href={`/rules/${rule}`}>{words.toRule}</Link>
      </p>
      <p className="small muted">
        <span className={connected ? 'badge success' : 'badge warning'}>
          {connected ? words.live : words.notLive}
        </span>{' '}
        {words.asOf(formatTime(asOf, language))}
      </p>
      {cancelledAt !== null && (
        <p className="notice danger">
          {words.cancelled(actor(cancelledBy ?? '', cancelledByName), formatTime(cancelledAt, language))}{' '}
          {cancelReason}
        </p>
      )}
      {stops.map(({ scope, reason }) => (
        <p key={scope} className="notice warning">
          {words.held(sending.scope(scope))} {reason}
        </p>
      ))}
    </header>
  );
}

const TERMS = ['notified', 'told', 'done', 'superseded', 'nobody', 'optedOut'] as const;

/** What is nothing is left out, but for the notices themselves. */
function EquationLine({ equation }: { readonly equation: Equation }) {
  const { terms } = useWords(CAMPAIGN_WORDS);
  const shown = TERMS.filter((term) => term === 'notified' || equation[term] !== 0);
  return (
    <Sum
      whole={[terms.matched, equation.matched]}
      parts={shown.map((term) => [terms[term], equation[term]])}
    />
  );
}

type Named = readonly [label: string, count: PeopleCount];

export function Sum({ whole, parts }: { readonly whole: Named; readonly parts: readonly Named[] }) {
  return (
    <dl className="sum">
      <div className="sum-whole">
        <dt>{whole[0]}</dt>
        <dd>
          <People count={whole[1]} />
        </dd>
      </div>
      {parts.map(([label, count], index) => (
        <div key={label} data-sign={index === 0 ? '=' : '+'}>
          <dt>{label}</dt>
          <dd>
            <People count={count} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Notices({ campaign }: { readonly campaign: Campaign }) {
  const words = useWords(CAMPAIGN_WORDS);
  const say = usePeople();
  const { planned, noAddress } = campaign.equation.recipients;
  const withAddress =
    typeof planned === 'number' && typeof noAddress === 'number' ? planned - noAddress : null;
  return (
    <>
      {noAddress !== 0 && (
        <p>
          {words.notices}: <strong>{say(planned)}</strong>
          {withAddress !== null && ` = ${words.terms.withAddress} ${say(withAddress)}`} +{' '}
          {words.terms.noAddress} <strong>{say(noAddress)}</strong>
        </p>
      )}
      {campaign.possible !== 0 && (
        <p>
          {words.possible(say(campaign.possible))} <span className="small muted">{words.possibleWhy}</span>
        </p>
      )}
    </>
  );
}

/** Each says what it would do now; what cannot be done is not offered. */
function Actions({ campaign }: { readonly campaign: Campaign }) {
  const words = useWords(CAMPAIGN_WORDS);
  const say = usePeople();
  const mayOperate = useMay('operate');
  const client = useQueryClient();
  const { pause, resume, cancel } = campaign.actions;
  const act = (action: string) => async (reason: string, idempotencyKey: string) => {
    const path = `/api/v1/campaigns/${campaign.campaign}/${action}`;
    await call(path, { method: 'POST', body: { reason }, idempotencyKey });
    await client.invalidateQueries();
  };
  if (!mayOperate) return null;
  return (
    <section className="card" aria-labelledby="actions-title">
      <h2 id="actions-title">{words.actionsTitle}</h2>
      {!pause.may && !resume.may && !cancel.may && <p>{words.nothingToDo}</p>}
      <ul className="stack tight actions">
        {pause.may && (
          <li className="row apart">
            <span>{words.pauseWould(say(pause.holds))}</span>
            <Act label={words.pause} title={words.pauseTitle} verb={words.pause} act={act('pause')}>
              <p>{words.pauseWould(say(pause.holds))}</p>
            </Act>
          </li>
        )}
        {resume.may && (
          <li className="row apart">
            <span>{words.resumeWould(say(resume.sends))}</span>
            <Act label={words.resume} title={words.resumeTitle} verb={words.resume} act={act('resume')}>
              <p>{words.resumeWould(say(resume.sends))}</p>
            </Act>
          </li>
        )}
        {cancel.may && (
          <li className="row apart">
            <span>{words.cancelWould(say(cancel.cancels), cancel.stages)}</span>
            <Act
              label={words.cancel}
              title={words.cancelTitle}
              verb={words.cancel}
              tone="danger"
              act={act('cancel')}
            >
              <p>
                <strong>{words.cancelWould(say(cancel.cancels), cancel.stages)}</strong>
              </p>
              <p>{words.cancelForGood}</p>
            </Act>
          </li>
        )}
      </ul>
    </section>
  );
}

/** Exact ones are added up; where any is not, the one that says most stands for them. */
function together(...counts: readonly PeopleCount[]): PeopleCount {
  const numbers = counts.filter((count) => typeof count === 'number');
  if (numbers.length === counts.length) return numbers.reduce((sum, count) => sum + count, 0);
  return numbers.some((count) => count > 0) ? 'hidden' : (counts.find((count) => count !== 0) ?? 0);
}

function Channels({ campaign }: { readonly campaign: Campaign }) {
  const words = useWords(CAMPAIGN_WORDS);
  const sending = useWords(SENDING_WORDS);
  const number = (
    name: keyof typeof words.columns,
    of: (row: ChannelCounts) => PeopleCount,
  ): Column<ChannelCounts> => ({
    name,
    label: words.columns[name],
    number: true,
    cell: (row) => <People count={of(row)} />,
  });
  const columns: Column<ChannelCounts>[] = [
    {
      name: 'channel',
      label: words.channel,
      head: true,
      cell: ({ channel }) => sending.channels[channel] ?? channel,
    },
    number('all', (row) => row.all),
    number('sent', (row) => row.sent),
    number('delivered', (row) => row.delivered),
    number('underWay', (row) => together(row.planned, row.waiting, row.sending)),
    number('failed', (row) => row.failed),
    number('unclear', (row) => row.unclear),
    number('other', (row) => together(row.suppressed, row.expired, row.cancelled)),
  ];
  return (
    <section>
      <h2>{words.channelsTitle}</h2>
      {campaign.channels.length === 0 ? (
        <p className="muted">{words.none}</p>
      ) : (
        <Table
          caption={words.channelsTitle}
          columns={columns}
          rows={campaign.channels}
          keyOf={({ channel }) => channel}
        />
      )}
    </section>
  );
}

function Failures({ campaign }: { readonly campaign: Campaign }) {
  const words = useWords(CAMPAIGN_WORDS);
  const sending = useWords(SENDING_WORDS);
  return (
    <section aria-labelledby="failures-title">
      <h2 id="failures-title">{words.failuresTitle}</h2>
      {campaign.failures.length === 0 && <p className="muted">{words.noFailures}</p>}
      <ul className="faults">
        {campaign.failures.map(({ fault, count, codes }) => (
          <li key={fault} className="card">
            <h3>
              {sending.faults[fault]} <People count={count} />
            </h3>
            <p className="small muted">{words.faultWhy[fault]}</p>
            <ul className="small">
              {codes.map(({ code, count: of }) => (
                <li key={code}>
                  {sending.reasons[code] ?? <code>{code}</code>} <People count={of} />
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Stages({ campaign }: { readonly campaign: Campaign }) {
  const words = useWords(CAMPAIGN_WORDS);
  const stageName = useWords(STAGE_NAMES);
  const language = useLanguage();
  type Row = { key: string; kind: string; at: string; asked: string; notified: PeopleCount | null };
  const rows: Row[] = [
    ...campaign.stages.map(({ kind, dueAt, answered, shards, notified }) => ({
      key: `${kind} ${dueAt}`,
      kind,
      at: dueAt,
      asked: words.answered(answered, shards),
      notified,
    })),
    ...campaign.ahead.map(({ kind, firstAt, people }) => ({
      key: `ahead ${kind}`,
      kind,
      at: firstAt,
      asked: people > 0 ? `${words.ahead} (${words.people(people)})` : words.ahead,
      notified: null,
    })),
  ];
  const columns: Column<Row>[] = [
    { name: 'stage', label: words.stage, head: true, cell: ({ kind }) => stageName(kind) },
    {
      name: 'due',
      label: words.due,
      cell: ({ at }) => <time dateTime={at}>{formatTime(at, language)}</time>,
    },
    { name: 'asked', label: words.asked, cell: ({ asked }) => asked },
    {
      name: 'notices',
      label: words.terms.notified,
      number: true,
      cell: ({ notified }) => (notified === null ? '–' : <People count={notified} />),
    },
  ];
  return (
    <section>
      <h2>{words.stagesTitle}</h2>
      <Table caption={words.stagesTitle} columns={columns} rows={rows} keyOf={({ key }) => key} />
    </section>
  );
}
