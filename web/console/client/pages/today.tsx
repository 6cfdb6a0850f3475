/** What leaves today, what waits for me, is all well: three questions and nothing else. */
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { get } from '../api.ts';
import { formatClock, formatDay, formatNumber } from '../formats.ts';
import { useActor } from '../parts/actor.ts';
import { drawn, type PeopleCount, usePeople } from '../parts/people.tsx';
import { Empty, Failed, Loading } from '../parts/states.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { useMay, usePerson } from '../person.ts';
import { PLACES } from '../places.ts';
import { nameIn, useLanguage, useWords } from '../words.ts';
import { TODAY_WORDS } from './today.words.ts';

type Hour = {
  readonly hour: number;
  readonly left: PeopleCount;
  readonly held: PeopleCount;
  readonly stages: number;
};
type Day = {
  readonly day: string;
  readonly now: string;
  readonly left: PeopleCount;
  readonly held: PeopleCount;
  readonly hours: readonly Hour[];
  readonly approvals: readonly {
    readonly rule: string;
    readonly version: number;
    readonly title: Readonly<Record<string, string>>;
    readonly by: string;
    readonly byName: string | null;
    readonly at: string;
    /** Texts alone; 0 where the version itself waits. */
    readonly texts: number;
  }[];
  readonly quarantine: number;
  readonly paused: number;
  readonly failedFanouts: number;
  readonly plannedMs: { readonly median: number; readonly slowest: number } | null;
  readonly underWay: PeopleCount;
  readonly ambiguous: number;
};

const LOOK_EVERY_MS = 30_000;
/** From event to plan; slower is worth a look. */
const SLOW_MS = 60_000;

export function Today() {
  const words = useWords(TODAY_WORDS);
  const language = useLanguage();
  const { data, error, refetch } = useQuery({
    queryKey: ['today'],
    queryFn: ({ signal }) => get<Day>('/api/v1/today', signal),
    refetchInterval: LOOK_EVERY_MS,
  });
  return (
    <>
      <div className="place-head">
        <h1>{words.title}</h1>
        {data !== undefined && <p className="muted">{formatDay(data.day, language)}</p>}
      </div>
      {error !== null && <Failed error={error} again={() => void refetch()} />}
      {data === undefined ? (
        error === null && <Loading />
      ) : (
        <div className="stack">
          <Leaves day={data} />
          <div className="halves">
            <Waits day={data} />
            <Well day={data} />
          </div>
        </div>
      )}
    </>
  );
}

function Leaves({ day }: { readonly day: Day }) {
  const words = useWords(TODAY_WORDS);
  const language = useLanguage();
  const { hours, left, held } = day;
  const say = usePeople();
  const cases = (count: PeopleCount): string =>
    typeof count === 'number' ? words.cases(formatNumber(count, language)) : say(count);
  const stages = hours.reduce((total, hour) => total + hour.stages, 0);
  const most = Math.max(1, ...hours.map((hour) => drawn(hour.left) + drawn(hour.held)));
  const hourNow = Number(formatClock(day.now, language).slice(0, 2));
  const columns: Column<Hour>[] = [
    { name: 'hour', label: words.hour, head: true, cell: ({ hour }) => words.hourOf(hour) },
    { name: 'left', label: words.left, number: true, cell: (hour) => say(hour.left) },
    { name: 'held', label: words.held, number: true, cell: (hour) => say(hour.held) },
    { name: 'stages', label: words.stages, number: true, cell: (hour) => say(hour.stages) },
  ];
  const busy = hours.filter((hour) => drawn(hour.left) + drawn(hour.held) + hour.stages > 0);
  return (
    <section className="card stack tight" aria-labelledby="today-leaves">
      <h2 id="today-leaves">{words.leaves}</h2>
      {busy.length === 0 ? (
        <p className="muted">{words.nothing}</p>
      ) : (
        <p>{words.leavesSum(cases(left), cases(held), say(stages))}</p>
      )}
      <div className="hours" role="img" aria-label={words.strip}>
        {hours.map((hour) => (
          <span key={hour.hour} className={hour.hour === hourNow ? 'hour now' : 'hour'}>
            <span className="hour-column">
              {hour.stages > 0 && <span className="hour-stages">◆{hour.stages}</span>}
              <span className="hour-held" style={{ height: `${(100 * drawn(hour.held)) / most}%` }} />
              <span className="hour-left" style={{ height: `${(100 * drawn(hour.left)) / most}%` }} />
            </span>
            <span className="hour-name">{hour.hour}</span>
          </span>
        ))}
      </div>
      {busy.length > 0 && (
        <details>
          <summary>{words.table}</summary>
          <Table
            caption={words.leaves}
            columns={columns}
            rows={busy}
            keyOf={({ hour }) => String(hour)}
            tight
          />
        </details>
      )}
    </section>
  );
}

function Waits({ day }: { readonly day: Day }) {
  const words = useWords(TODAY_WORDS);
  const language = useLanguage();
  const person = usePerson();
  // Whoever may not decide reads it all the same.
  const read = useMay('approve') ? words.read : words.look;
  const actor = useActor();
  const say = (count: number): string => formatNumber(count, language);
  const leadsTo = (where: string): boolean =>
    PLACES.some(({ path, needs }) => path === where && person.may.includes(needs));
  const nothing = day.approvals.length === 0 && day.quarantine === 0 && day.paused === 0;
  return (
    <section className="card stack tight" aria-labelledby="today-waits">
      <h2 id="today-waits">{words.waits}</h2>
      {nothing && (
        <Empty title={words.nothingWaits}>
          <p>{words.nothingWaitsWhy}</p>
        </Empty>
      )}
      {day.approvals.length > 0 && (
        <>
          <h3>{words.approvals}</h3>
          <ul className="waiting">
            {day.approvals.map(({ rule, version, title, by, byName, texts }) => (
              <li key={`${rule} ${version}`} className="row apart">
                <span>
                  <span className="rule-name">{nameIn(title, language, rule)}</span>
                  <span className="small muted">
                    {texts === 0
                      ? words.approvalOf(version, actor(by, byName))
                      : words.textsOf(formatNumber(texts, language), actor(by, byName))}
                  </span>
                </span>
                <Link
                  className="button small"
                  href={`/rules/${rule}?version=${version}&step=publish`}
                  aria-label={`${read}: ${nameIn(title, language, rule)}`}
                >
                  {read}
                </Link>
              </li>
            ))}
          </ul>
        </>
      )}
      {day.quarantine > 0 && (
        <p className="notice warning">
          <strong>{words.quarantine}</strong> {words.quarantineWhy(say(day.quarantine))}{' '}
          {leadsTo('/quarantine') && <Link href="/quarantine">{words.look}</Link>}
        </p>
      )}
      {day.paused > 0 && (
        <p className="notice danger">
          <strong>{words.paused}</strong> {words.pausedWhy(say(day.paused))}{' '}
          {leadsTo('/campaigns') && <Link href="/campaigns">{words.look}</Link>}
        </p>
      )}
    </section>
  );
}

function Well({ day }: { readonly day: Day }) {
  const words = useWords(TODAY_WORDS);
  const language = useLanguage();
  const few = usePeople();
  const cases = (count: PeopleCount): string =>
    typeof count === 'number' ? words.cases(formatNumber(count, language)) : few(count);
  const seconds = (ms: number): string =>
    words.seconds((ms / 1000).toLocaleString(language, { maximumFractionDigits: ms < 10_000 ? 1 : 0 }));
  const { plannedMs } = day;
  const rows = [
    {
      name: words.planned,
      said:
        plannedMs === null
          ? words.noPlanned
          : words.plannedSaid(seconds(plannedMs.median), seconds(plannedMs.slowest)),
      fine: plannedMs === null || plannedMs.median < SLOW_MS,
    },
    { name: words.underWay, said: cases(day.underWay), fine: true },
    { name: words.failed, said: cases(day.failedFanouts), fine: day.failedFanouts === 0 },
    { name: words.ambiguous, said: cases(day.ambiguous), fine: day.ambiguous === 0 },
  ];
  return (
    <section className="card stack tight" aria-labelledby="today-well">
      <h2 id="today-well">{words.well}</h2>
      <dl className="well">
        {rows.map(({ name, said, fine }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {said}{' '}
              <span className={fine ? 'badge success' : 'badge warning'}>
                {fine ? words.fine : words.look}
              </span>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
