/** The months between the event and the deadline, a cell a day: when stages leave, what is off. The table beside it says the same in words. */
import { formatMonth, formatShortDay } from '../formats.ts';
import { useLanguage, useWords } from '../words.ts';
import { WHEN_WORDS } from './when.words.ts';

export type Mark = {
  readonly day: string;
  readonly label: string;
  readonly kind: 'event' | 'stage' | 'deadline';
};

type Given = {
  readonly marks: readonly Mark[];
  readonly daysOff: readonly { readonly day: string; readonly name: string | null }[];
};

const MOST_MONTHS = 14;

function monthsOf(days: readonly string[]): readonly string[] {
  const sorted = days.toSorted();
  const [first, last] = [sorted[0]!, sorted.at(-1)!];
  const months: string[] = [];
  let [year, month] = first.split('-').map(Number) as [number, number];
  for (let at = first.slice(0, 7); at <= last.slice(0, 7) && months.length < MOST_MONTHS; ) {
    months.push(at);
    [year, month] = month === 12 ? [year + 1, 1] : [year, month + 1];
    at = `${year}-${String(month).padStart(2, '0')}`;
  }
  return months;
}

export function Ribbon({ marks, daysOff }: Given) {
  const words = useWords(WHEN_WORDS);
  const language = useLanguage();
  const off = new Map(daysOff.map(({ day, name }) => [day, name]));
  const marked = Map.groupBy(marks, ({ day }) => day);
  const months = monthsOf(marks.map(({ day }) => day));
  return (
    <figure>
      <div className="ribbon" role="img" aria-label={`${words.ribbon}. ${words.ribbonWhy}`}>
        {months.map((month) => (
          <div key={month} className="ribbon-month">
            <span className="ribbon-name">{formatMonth(`${month}-01`, language)}</span>
            <div
              className={
                marks.some(({ day }) => day.startsWith(month)) ? 'ribbon-days marked' : 'ribbon-days'
              }
            >
              {daysIn(month).map((day) => {
                const here = marked.get(day) ?? [];
                const kind = here.some((mark) => mark.kind === 'stage') ? 'leaves-on' : (here[0]?.kind ?? '');
                const name = off.get(day);
                return (
                  <span
                    key={day}
                    className={`ribbon-day ${off.has(day) ? 'off' : ''} ${kind}`}
                    title={[formatShortDay(day, language), name, ...here.map(({ label }) => label)]
                      .filter((part) => part != null)
                      .join(' · ')}
                  >
                    {Number(day.slice(8))}
                    {here.length > 0 && (
                      <span className="ribbon-label" data-day={Number(day.slice(8))}>
                        {here.map(({ label }) => label).join(', ')}
                      </span>
                    )}
                  </span>
                );
              })}
            </div>
          </div>
        ))}
      </div>
      <figcaption className="hint">{words.ribbonWhy}</figcaption>
    </figure>
  );
}

function daysIn(month: string): readonly string[] {
  const [year, number] = month.split('-').map(Number) as [number, number];
  const count = new Date(Date.UTC(year, number, 0)).getUTCDate();
  return Array.from({ length: count }, (_, index) => `${month}-${String(index + 1).padStart(2, '0')}`);
}
