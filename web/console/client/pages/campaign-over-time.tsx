/** What left over time, as a picture, and the same as a table. */
import { formatTime } from '../formats.ts';
import { drawn, People, type PeopleCount } from '../parts/people.tsx';
import { Table } from '../parts/table.tsx';
import { useLanguage, useWords } from '../words.ts';
import { CAMPAIGN_WORDS } from './campaign.words.ts';

type TimeColumn = { readonly at: string; readonly sent: PeopleCount; readonly failed: PeopleCount };

const HEIGHT = 120;
const WIDTH = 14;
const GAP = 2;
/** More than fit are not drawn; the table has them all. */
const DRAWN = 60;

export function OverTime({
  spanMinutes,
  columns,
}: {
  readonly spanMinutes: number;
  readonly columns: readonly TimeColumn[];
}) {
  const words = useWords(CAMPAIGN_WORDS);
  const language = useLanguage();
  return (
    <section aria-labelledby="time-title">
      <h2 id="time-title">
        {words.timeTitle} <span className="small muted">{words.spans(spanMinutes)}</span>
      </h2>
      {columns.length === 0 ? (
        <p className="muted">{words.noTime}</p>
      ) : (
        <>
          <Picture columns={columns.slice(-DRAWN)} label={words.timeWhat} />
          <details>
            <summary>{words.asTable}</summary>
            <Table
              caption={words.timeTitle}
              tight
              columns={[
                { name: 'at', label: words.at, head: true, cell: ({ at }) => formatTime(at, language) },
                {
                  name: 'sent',
                  label: words.sent,
                  number: true,
                  cell: ({ sent }) => <People count={sent} />,
                },
                {
                  name: 'failed',
                  label: words.failed,
                  number: true,
                  cell: ({ failed }) => <People count={failed} />,
                },
              ]}
              rows={columns}
              keyOf={({ at }) => at}
            />
          </details>
        </>
      )}
    </section>
  );
}

function Picture({ columns, label }: { readonly columns: readonly TimeColumn[]; readonly label: string }) {
  const most = Math.max(1, ...columns.map(({ sent, failed }) => drawn(sent) + drawn(failed)));
  const heightOf = (count: PeopleCount): number =>
    count === 0 ? 0 : Math.max(1, (HEIGHT * drawn(count)) / most);
  const width = columns.length * (WIDTH + GAP);
  return (
    <svg
      className="over-time"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${Math.max(width, 320)} ${HEIGHT}`}
      preserveAspectRatio="xMinYMax meet"
    >
      {columns.map(({ at, sent, failed }, index) => {
        const x = index * (WIDTH + GAP);
        const sentHeight = heightOf(sent);
        const failedHeight = heightOf(failed);
        return (
          <g key={at}>
            <rect className="sent" x={x} y={HEIGHT - sentHeight} width={WIDTH} height={sentHeight} />
            <rect
              className="failed"
              x={x}
              y={HEIGHT - sentHeight - failedHeight}
              width={WIDTH}
              height={failedHeight}
            />
          </g>
        );
      })}
    </svg>
  );
}
