/** Step three, what: the channels, the one thing to do, and a table of texts, channel by language, each as its reader sees it. */
import { useId, useState } from 'react';
import { CHANNELS } from '../../../../domain/statuses.ts';
import { Loading } from '../parts/states.tsx';
import { STAGE_NAMES } from '../stage-names.ts';
import { useLanguage, useWords } from '../words.ts';
import { fileOf, firstText, missingTexts } from './first-draft.ts';
import type { Draft, EventType } from './model.ts';
import { Preview } from './previews.tsx';
import { TEXTS_WORDS } from './texts.words.ts';
import type { Texts as RuleTexts } from './use-texts.ts';
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

type TemplateGiven = Given & { readonly eventType: EventType; readonly name: string; readonly wide: boolean };

function Template(given: TemplateGiven) {
  const words = useWords(TEXTS_WORDS);
  const stageName = useWords(STAGE_NAMES);
  const { name, draft, texts } = given;
  const [further, setFurther] = useState<readonly string[]>([]);
  const files = texts.files(name);
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

type CellGiven = TemplateGiven & {
  readonly channel: Draft['channels'][number];
  readonly locale: string;
  readonly reach: Draft['reach'];
};

function Cell({ name, draft, texts, eventType, readOnly, channel, locale, reach, wide }: CellGiven) {
  const words = useWords(TEXTS_WORDS);
  const language = useLanguage();
  const id = useId();
  const [open, setOpen] = useState(false);
  const file = fileOf(locale, channel, reach);
  const source = texts.files(name)[file];
  const rendered = texts.previews?.texts.find((text) => text.template === name && text.file === file);
  const size = texts.previews?.sizes.find((one) => one.template === name && one.file === file);
  const faults = texts.faults.filter(({ pointer }) => pointer === `/${name}/${file}`);
  const title = `${words.channel[channel]} · ${words.locales[locale] ?? locale}`;
  const begin = (): void => {
    const known = locale === 'ko' || locale === 'en' ? locale : 'en';
    texts.write(name, {
      ...(texts.files(name)['meta.json'] === undefined
        ? { 'meta.json': JSON.stringify({ title: draft.title }) }
        : {}),
      [file]: firstText(draft, name, known, channel, reach),
    });
    setOpen(true);
  };
  return (
    <article
      className={faults.length > 0 && source !== undefined ? 'text-cell wrong' : 'text-cell'}
      aria-label={title}
    >
      <header className="row apart">
        <strong className="small">{title}</strong>
        {source !== undefined && !readOnly && (
          <button
            type="button"
            className="button small quiet"
            aria-expanded={open}
            aria-label={`${open ? words.done : words.edit}: ${title}`}
            onClick={() => setOpen(!open)}
          >
            {open ? words.done : words.edit}
          </button>
        )}
      </header>
      {source === undefined ? (
        <div className="text-missing">
          <p className="muted">{words.missing}</p>
          {!readOnly && (
            <button
              type="button"
              className="button small"
              aria-label={`${words.write}: ${title}`}
              onClick={begin}
            >
              {words.write}
            </button>
          )}
        </div>
      ) : (
        <>
          {rendered !== undefined && <Preview text={rendered} agency={draft.agency} wide={wide} />}
          {size !== undefined && channel === 'sms' && (
            <p className="small muted">{words.longest(size.size, size.limit)}</p>
          )}
          {open && (
            <div className="field">
              <label htmlFor={id}>{words.source}</label>
              <textarea
                id={id}
                className="input code"
                lang={locale}
                rows={channel === 'email' ? 10 : 4}
                value={source}
                aria-invalid={faults.length > 0}
                aria-describedby={`${id}-faults`}
                onChange={(event) => texts.write(name, { [file]: event.target.value })}
              />
              <Variables
                draft={draft}
                eventType={eventType}
                onPick={(variable) => texts.write(name, { [file]: `${source}{{${variable}}}` })}
              />
            </div>
          )}
          <ul className="faults" id={`${id}-faults`}>
            {faults.map(({ message, sentences }) => (
              <li key={message} className="fault">
                {sentences?.[language] ?? message}
              </li>
            ))}
          </ul>
        </>
      )}
    </article>
  );
}

type VariablesGiven = {
  readonly draft: Draft;
  readonly eventType: EventType;
  readonly onPick: (variable: string) => void;
};

function Variables({ draft, eventType, onPick }: VariablesGiven) {
  const words = useWords(TEXTS_WORDS);
  const { url = '', tel = '' } = draft.action ?? {};
  const names = [
    'agency',
    'code',
    ...(draft.deadline === undefined ? [] : ['date deadline', 'shortDate deadline']),
    ...(url === '' ? [] : ['action.url']),
    ...(tel === '' ? [] : ['action.tel']),
    ...(eventType.schema.required ?? []).map((name) => `event.${name}`),
  ];
  return (
    <details>
      <summary className="small">{words.variables}</summary>
      <div className="row">
        {names.map((name) => (
          <button key={name} type="button" className="button small" onClick={() => onPick(name)}>
            <code>{`{{${name}}}`}</code>
          </button>
        ))}
      </div>
    </details>
  );
}
