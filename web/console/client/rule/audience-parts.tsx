/** An audience in parts: where people live, how old they are, which channels lead to them. Each picture has its table beside it. */
import { type Column, Table } from '../parts/table.tsx';
import { useLanguage, useWords } from '../words.ts';
import { sayCount, shareOf } from './audience.tsx';
import { AUDIENCE_WORDS } from './audience.words.ts';
import { TILES } from './regions.ts';
import type { Audience, Shown } from './use-audience.ts';

type Given = { readonly audience: Audience };
type Row = { readonly name: string; readonly label: string; readonly count: Shown | undefined };

const size = (count: Shown | undefined): number => (typeof count === 'number' ? count : 0);
/** How dark a tile is: five steps, so that neighbours can be told apart; the number stands on it in any case. */
const STEPS = 5;

export function Regions({ audience }: Given) {
  const words = useWords(AUDIENCE_WORDS);
  const language = useLanguage();
  const cells = audience.breakdown['sido']?.certain ?? {};
  const most = Math.max(1, ...Object.values(cells).map(size));
  const rows = TILES.map(({ code, ...names }) => ({
    name: code,
    label: names[language],
    count: cells[code],
  })).toSorted((a, b) => size(b.count) - size(a.count));
  if (cells[''] !== undefined) rows.push({ name: 'unknown', label: words.unknown, count: cells[''] });
  return (
    <>
      <div className="tiles" role="img" aria-label={words.mapOf}>
        {TILES.map(({ code, x, y, ...names }) => {
          const count = cells[code];
          const step = size(count) === 0 ? 0 : Math.max(1, Math.ceil((STEPS * size(count)) / most));
          return (
            <span key={code} className={`tile step-${step}`} style={{ gridColumn: x + 1, gridRow: y + 1 }}>
              <span>{names[language]}</span>
              <span className="number">{sayCount(count, words, language)}</span>
            </span>
          );
        })}
      </div>
      <Counted caption={words.regionOf} rows={rows} audience={audience} />
    </>
  );
}

const BANDS = ['0-9', '10-19', '20-29', '30-39', '40-49', '50-59', '60-69', '70-79', '80-89', '90+'];

export function Ages({ audience }: Given) {
  const words = useWords(AUDIENCE_WORDS);
  const cells = audience.breakdown['ageBand']?.certain ?? {};
  const rows = BANDS.map((band) => ({ name: band, label: words.years(band), count: cells[band] }));
  if (cells[''] !== undefined) rows.push({ name: 'unknown', label: words.unknown, count: cells[''] });
  return <Counted caption={words.ageOf} rows={rows} audience={audience} bars />;
}

export function Channels({ audience }: Given) {
  const words = useWords(AUDIENCE_WORDS);
  if (audience.channels === null) return <p className="hint">{words.noReach}</p>;
  const cells = audience.channels.certain;
  const rows = ['push', 'sms', 'email', 'none'].map((name) => ({
    name,
    label: words.channels[name] ?? name,
    count: cells[name],
  }));
  return <Counted caption={words.channel} rows={rows} audience={audience} bars />;
}

type CountedGiven = Given & {
  readonly caption: string;
  readonly rows: readonly Row[];
  readonly bars?: boolean;
};

function Counted({ caption, rows, audience, bars }: CountedGiven) {
  const words = useWords(AUDIENCE_WORDS);
  const language = useLanguage();
  const most = Math.max(1, ...rows.map(({ count }) => size(count)));
  const columns: Column<Row>[] = [
    { name: 'label', label: caption, head: true, cell: ({ label }) => label },
    {
      name: 'count',
      label: words.people('').trim(),
      number: true,
      cell: ({ count }) => (
        <span className={bars === true ? 'count-bar' : undefined}>
          {bars === true && (
            <span className="bar" aria-hidden="true">
              <span style={{ width: `${(100 * size(count)) / most}%` }} />
            </span>
          )}
          {sayCount(count, words, language)}
        </span>
      ),
    },
    {
      name: 'share',
      label: words.share,
      number: true,
      cell: ({ count }) => shareOf(count, audience.certain, language),
    },
  ];
  return <Table caption={caption} columns={columns} rows={rows} keyOf={({ name }) => name} tight narrow />;
}

export function Sample({ audience }: Given) {
  const words = useWords(AUDIENCE_WORDS);
  const language = useLanguage();
  if (audience.sample.length === 0) return <p className="hint">{words.noSample}</p>;
  const cell = (value: string | null | undefined, say: (value: string) => string): string =>
    value == null ? words.unknown : value === 'hidden' ? words.hidden : say(value);
  const columns: Column<Audience['sample'][number]>[] = [
    {
      name: 'pseudonym',
      label: words.pseudonym,
      head: true,
      cell: ({ pseudonym }) => <code>{pseudonym.slice(0, 8)}</code>,
    },
    { name: 'kind', label: words.kind, cell: ({ certain }) => (certain ? words.certain : words.possible) },
    { name: 'age', label: words.age, cell: ({ cells }) => cell(cells['ageBand'], words.years) },
    {
      name: 'sex',
      label: words.sex,
      cell: ({ cells }) => cell(cells['sex'], (sex) => words.sexes[sex] ?? sex),
    },
    {
      name: 'region',
      label: words.region,
      cell: ({ cells }) =>
        cell(cells['sido'], (code) => TILES.find((tile) => tile.code === code)?.[language] ?? code),
    },
  ];
  return (
    <>
      <p className="hint">{words.sampleWhy}</p>
      <Table
        caption={words.sample}
        columns={columns}
        rows={audience.sample}
        keyOf={({ pseudonym }) => pseudonym}
        tight
      />
    </>
  );
}
