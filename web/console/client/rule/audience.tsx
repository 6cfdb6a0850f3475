/** The audience beside every step: how many for certain and how many perhaps, of what is missing, and who they are in parts. */
import { useState } from 'react';
import { formatNumber, formatShare, formatShortDay } from '../formats.ts';
import { Tabs } from '../parts/tabs.tsx';
import { type Language, useLanguage, useWords } from '../words.ts';
import { AUDIENCE_WORDS } from './audience.words.ts';
import { Ages, Channels, Regions, Sample } from './audience-parts.tsx';
import type { Asked, Audience, Shown } from './use-audience.ts';

type Words = (typeof AUDIENCE_WORDS)['ko'];

/** As it is said: `1,204,518`, `under 10`, `about 1,200`. */
export function sayCount(count: Shown | undefined, words: Words, language: Language): string {
  if (count === undefined) return '0';
  if (typeof count === 'number') return formatNumber(count, language);
  if (count === 'hidden') return words.hidden;
  if (count === '<10') return words.small;
  return count;
}

type Given = {
  readonly asked: Asked;
  readonly countable: boolean;
  /** Labels of fields, by name. */
  readonly labelOf: (field: string) => string;
};

export function AudiencePanel({ asked, countable, labelOf }: Given) {
  const words = useWords(AUDIENCE_WORDS);
  const { audience, problem } = asked;
  return (
    <section className="card audience" aria-label={words.title} aria-busy={asked.old}>
      {audience === null ? <h2>{words.title}</h2> : <Counts asked={asked} audience={audience} />}
      {problem !== null && (
        <p className="notice warning" role="status">
          {problem.code === 'question-refused' ? words.refused : words.unavailable}
        </p>
      )}
      {audience === null && problem === null && (
        <p className="muted" role="status">
          {countable ? words.counting : words.notYet}
        </p>
      )}
      {audience !== null && (
        <>
          {audience.partial && <p className="notice warning">{words.partial}</p>}
          <Missing audience={audience} labelOf={labelOf} />
          <Parts audience={audience} />
        </>
      )}
    </section>
  );
}

function Counts({ asked, audience }: { readonly asked: Asked; readonly audience: Audience }) {
  const words = useWords(AUDIENCE_WORDS);
  const language = useLanguage();
  const say = (count: Shown): string => {
    const said = sayCount(count, words, language);
    return typeof count === 'number' ? words.people(said) : said;
  };
  return (
    <>
      <div className="row apart">
        <h2>{words.title}</h2>
        <span className="small muted">{words.asOf(formatShortDay(audience.asOf, language))}</span>
      </div>
      <dl
        className={asked.old ? 'counts old' : 'counts'}
        aria-live="polite"
        data-took-ms={asked.tookMs ?? ''}
      >
        <div>
          <dt>{words.certain}</dt>
          <dd className="count">{say(audience.certain)}</dd>
          <dd className="small muted">{words.certainWhy}</dd>
        </div>
        <div>
          <dt>{words.possible}</dt>
          <dd className="count lesser">{say(audience.possible)}</dd>
          <dd className="small muted">{words.possibleWhy}</dd>
        </div>
      </dl>
      <p className="small muted">{words.of(formatNumber(audience.citizens, language))}</p>
    </>
  );
}

const SHOWN_MISSING = 5;

function Missing({ audience, labelOf }: { readonly audience: Audience; readonly labelOf: Given['labelOf'] }) {
  const words = useWords(AUDIENCE_WORDS);
  const language = useLanguage();
  const size = (count: Shown): number => (typeof count === 'number' ? count : 5);
  const missing = Object.entries(audience.missing)
    .filter(([, count]) => count !== 0)
    .toSorted(([, a], [, b]) => size(b) - size(a));
  if (missing.length === 0 || audience.possible === 0) return null;
  return (
    <div>
      <h3 className="small">{words.missing}</h3>
      <ul className="missing">
        {missing.slice(0, SHOWN_MISSING).map(([field, count]) => (
          <li key={field}>
            <span>{words.missingField(labelOf(field))}</span>
            <span className="number">{sayCount(count, words, language)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Parts({ audience }: { readonly audience: Audience }) {
  const words = useWords(AUDIENCE_WORDS);
  const [chosen, choose] = useState('region');
  const tabs = (['region', 'age', 'channel', 'sample'] as const).map((name) => ({
    name,
    label: words[name],
  }));
  return (
    <Tabs label={words.breakdown} tabs={tabs} chosen={chosen} onChoose={choose}>
      {chosen === 'region' && <Regions audience={audience} />}
      {chosen === 'age' && <Ages audience={audience} />}
      {chosen === 'channel' && <Channels audience={audience} />}
      {chosen === 'sample' && <Sample audience={audience} />}
    </Tabs>
  );
}

export function shareOf(count: Shown | undefined, whole: Shown, language: Language): string {
  return typeof count === 'number' && typeof whole === 'number' ? formatShare(count, whole, language) : '';
}
