/** Step three, what: the channels, the one thing to do, and a table of texts, channel by language, each as its reader sees it. */
import { useId, useState } from 'react';
import { CHANNELS } from '../../../../domain/statuses.ts';
import { Loading } from '../parts/states.tsx';
import { STAGE_NAMES } from '../stage-names.ts';
import { useWords } from '../words.ts';
import { missingTexts } from './first-draft.ts';
import type { Draft, EventType } from './model.ts';
import { Cell } from './text-cell.tsx';
import { TEXTS_WORDS } from './texts.words.ts';
import type { Files, Texts as RuleTexts } from './use-texts.ts';
import type { StepGiven } from './when.tsx';
import { WHEN_WORDS } from './when.words.ts';

type Given = StepGiven & { readonly texts: RuleTexts };

export function Texts(given: Given) {
  const words = useWords(TEXTS_WORDS);
  const when = useWords(WHEN_WORDS);
  const { draft, texts, readOnly, eventType } = given;
  const [wide, setWide] = useState(false);
  if (eventType === undefined) return <p className="notice">{when.noEvent}</p>;
  if (texts.names.length === 0) return <p className="notice">{words.needsId}</p>;
  if (texts.loading) return <Loading />;
  const missing = texts.names.filter(
    (name) => !texts.foreign(name) && Object.keys(missingTexts(draft, name, texts.files(name))).length > 0,
  );
  return (
    <div className="stack">
      <Ways {...given} />
      <div className="row apart">
        <h2>{words.texts}</h2>
        <div className="segments" role="group" aria-label={words.width}>
          <button type="button" aria-pressed={!wide} onClick={() => setWide(false)}>
            {words.narrow}
          </button>
          <button type="button" aria-pressed={wide} onClick={() => setWide(true)}>
            {words.wide}
          </button>
        </div>
      </div>
      {texts.suggested && <p className="notice">{words.suggested}</p>}
      {missing.length > 0 && !readOnly && (
        <div className="notice">
          <p>{words.fillWhy}</p>
          <button
            type="button"
            className="button small"
            onClick={() => {
              for (const name of missing) texts.write(name, missingTexts(draft, name, texts.files(name)));
            }}
          >
            {words.fillAll}
          </button>
        </div>
      )}
      {texts.names.map((name) => (
        <Template key={name} {...given} eventType={eventType} name={name} wide={wide} />
      ))}
    </div>
  );
}

function Ways({ draft, onDraft, readOnly }: Given) {
  const words = useWords(TEXTS_WORDS);
  const id = useId();
  const { url = '', tel = '' } = draft.action ?? {};
  return (
    <fieldset className="basics" disabled={readOnly}>
      <legend className="visually-hidden">{words.action}</legend>
      <div className="field wide" role="group" aria-labelledby={`${id}-channels`}>
        <span className="label" id={`${id}-channels`}>
          {words.channels}
        </span>
        <span className="row">
          {CHANNELS.map((channel) => (
            <label key={channel} className="choice" htmlFor={`${id}-${channel}`}>
              <input
                id={`${id}-${channel}`}
                type="checkbox"
                checked={draft.channels.includes(channel)}
                onChange={(event) =>
                  onDraft({
                    ...draft,
                    channels: event.target.checked
                      ? [...draft.channels, channel]
                      : draft.channels.filter((one) => one !== channel),
                  })
                }
              />
              {words.channel[channel]}
            </label>
          ))}
        </span>
      </div>
      <div className="field">
        <label htmlFor={`${id}-url`}>{words.url}</label>
        <input
          id={`${id}-url`}
          className="input"
          type="url"
          placeholder="https://"
          maxLength={500}
          value={url}
          onChange={(event) => onDraft({ ...draft, action: { ...draft.action, url: event.target.value } })}
        />
      </div>
      <div className="field">
        <label htmlFor={`${id}-tel`}>{words.tel}</label>
        <input
          id={`${id}-tel`}
          className="input"
          type="tel"
          placeholder="1577-1000"
          maxLength={20}
          value={tel}
          onChange={(event) => onDraft({ ...draft, action: { ...draft.action, tel: event.target.value } })}
        />
      </div>
    </fieldset>
  );
}

export type TemplateGiven = Given & {
  readonly eventType: EventType;
  readonly name: string;
  readonly wide: boolean;
};

function Template(given: TemplateGiven) {
  const words = useWords(TEXTS_WORDS);
  const stageName = useWords(STAGE_NAMES);
  const { name, draft, texts } = given;
  const [further, setFurther] = useState<readonly string[]>([]);
  const [files, live] = [texts.files(name), texts.live(name)];
  const written = Object.keys(files).flatMap((file) => /^([a-z]{2,3}(?:-[A-Z]{2})?)\./.exec(file)?.[1] ?? []);
  const locales = [...new Set(['ko', 'en', ...written, ...further])];
  const stages = Object.entries(draft.templates)
    .filter(([, used]) => used === name)
    .map(([kind]) => stageName(kind));
  const foreign = texts.foreign(name);
  const reaches: readonly Draft['reach'][] =
    draft.reach === 'possible' ? ['certain', 'possible'] : ['certain'];
  return (
    <section className="texts" aria-label={name}>
      <div className="row apart">
        <div>
          <h3>{words.usedAt(stages.join(', '))}</h3>
          <code className="small muted">{name}</code>
        </div>
        {differs(files, live) && !foreign && !given.readOnly && (
          <button
            type="button"
            className="button small quiet"
            onClick={() => texts.write(name, { ...blank(files), ...live })}
          >
            {words.takeBack}
          </button>
        )}
        {!locales.includes('vi') && !foreign && !given.readOnly && (
          <button type="button" className="button small quiet" onClick={() => setFurther(['vi'])}>
            ＋ {words.addLocale}
          </button>
        )}
      </div>
      {foreign && <p className="notice">{words.foreign}</p>}
      {reaches.map((reach) => (
        <div key={reach} className="texts-grid" data-locales={locales.length}>
          {reach === 'possible' && <h4 className="texts-reach">{words.possible}</h4>}
          {draft.channels.flatMap((channel) =>
            locales.map((locale) => (
              <Cell
                key={`${channel} ${locale}`}
                {...given}
                readOnly={given.readOnly || foreign}
                channel={channel}
                locale={locale}
                reach={reach}
              />
            )),
          )}
        </div>
      ))}
    </section>
  );
}

/** From what citizens get at present; where nothing of it is in use, from nothing. */
const differs = (files: Files, live: Files | null): boolean =>
  live !== null &&
  [...new Set([...Object.keys(files), ...Object.keys(live)])].some((file) => files[file] !== live[file]);
const blank = (files: Files): Readonly<Record<string, undefined>> =>
  Object.fromEntries(Object.keys(files).map((file) => [file, undefined]));
