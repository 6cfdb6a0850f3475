/** One text of a template: as its reader sees it, what is wrong with it, and where it is written. */
import { useId, useState } from 'react';
import { useLanguage, useWords } from '../words.ts';
import { fileOf, firstText } from './first-draft.ts';
import type { Draft, EventType } from './model.ts';
import { Preview } from './previews.tsx';
import type { TemplateGiven } from './texts.tsx';
import { TEXTS_WORDS } from './texts.words.ts';

type CellGiven = TemplateGiven & {
  readonly channel: Draft['channels'][number];
  readonly locale: string;
  readonly reach: Draft['reach'];
};

export function Cell({ name, draft, texts, eventType, readOnly, channel, locale, reach, wide }: CellGiven) {
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
