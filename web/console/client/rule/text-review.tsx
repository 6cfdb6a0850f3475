/**
 * New texts for whoever approves them, beside the button: each as its reader sees it, and what differs from the one in use. What is shown is
 * what the approval names: the previews are made of the very files whose hash it carries.
 */
import { CHANNELS } from '../../../../domain/statuses.ts';
import { useActor } from '../parts/actor.ts';
import { STAGE_NAMES } from '../stage-names.ts';
import { useLanguage, useWords } from '../words.ts';
import type { Draft } from './model.ts';
import { Preview } from './previews.tsx';
import { PUBLISH_WORDS } from './publish.words.ts';
import { differenceOf } from './text-difference.ts';
import { REVIEW_WORDS } from './text-review.words.ts';
import { TEXTS_WORDS } from './texts.words.ts';
import { useAboutDraft } from './use-check.ts';
import type { WaitingText } from './use-rule.ts';
import type { Files, Previews, Texts } from './use-texts.ts';

export type Reviewed = {
  readonly draft: Draft;
  readonly texts: Pick<Texts, 'names' | 'files' | 'live' | 'loading'>;
  /** Whoever decides sees them at once; to others they can be opened. */
  readonly open: boolean;
};

export function TextReview({
  waiting,
  draft,
  texts,
  open,
}: Reviewed & { readonly waiting: readonly WaitingText[] }) {
  const words = useWords(REVIEW_WORDS);
  const edited = Object.fromEntries(waiting.map(({ name }) => [name, texts.files(name)]));
  const { data } = useAboutDraft<Previews>(
    '/api/v1/rules/previews',
    { rule: draft, edited },
    !texts.loading && waiting.length > 0,
  );
  const place = ({ name }: WaitingText): number => texts.names.indexOf(name);
  const inOrder = waiting.toSorted((a, b) => place(a) - place(b));
  if (texts.loading) return <p className="hint">{words.loading}</p>;
  return (
    <div className="stack tight">
      {inOrder.map((text) => (
        <Template
          key={text.name}
          text={text}
          draft={draft}
          files={texts.files(text.name)}
          live={texts.live(text.name)}
          previews={data}
          open={open}
        />
      ))}
    </div>
  );
}

type TemplateGiven = Pick<Reviewed, 'draft' | 'open'> & {
  readonly text: WaitingText;
  readonly files: Files;
  readonly live: Files | null;
  readonly previews: Previews | undefined;
};
type Change = 'fresh' | 'changed' | 'removed' | 'same';

function Template({ text: { name, author, authorName }, draft, files, live, previews, open }: TemplateGiven) {
  const words = useWords(REVIEW_WORDS);
  const of = useWords(TEXTS_WORDS);
  const publish = useWords(PUBLISH_WORDS);
  const stageName = useWords(STAGE_NAMES);
  const actor = useActor();
  const cells = cellsOf(files, live);
  const moved = cells.filter(({ change }) => change !== 'same');
  const titleOf = ({ channel, locale, possible }: Cell): string =>
    `${of.channel[channel]} · ${of.locales[locale] ?? locale}${possible ? ` · ${of.possible}` : ''}`;
  const same = cells.filter(({ change }) => change === 'same').map(titleOf);
  const stages = Object.entries(draft.templates)
    .filter(([, used]) => used === name)
    .map(([kind]) => stageName(kind));
  return (
    <details className="review" open={open}>
      <summary>
        <strong>{of.usedAt(stages.join(', '))}</strong>{' '}
        <span className="badge primary">{live === null ? words.first : words.changes(moved.length)}</span>
        <span className="small muted">
          <code>{name}</code>
          {author !== null && ` · ${publish.writtenBy(actor(author, authorName))}`}
        </span>
      </summary>
      <Meta files={files} live={live} />
      <div className="review-texts">
        {moved.map((cell) => (
          <ReviewedText
            key={cell.file}
            cell={cell}
            title={titleOf(cell)}
            isNewTemplate={live === null}
            agency={draft.agency}
            rendered={previews?.texts.find((text) => text.template === name && text.file === cell.file)}
            faults={previews?.faults.filter(({ pointer }) => pointer === `/${name}/${cell.file}`) ?? []}
          />
        ))}
      </div>
      {same.length > 0 && <p className="small muted">{words.same(same.join(', '))}</p>}
    </details>
  );
}

type Cell = {
  readonly file: string;
  readonly channel: (typeof CHANNELS)[number];
  readonly locale: string;
  readonly possible: boolean;
  readonly change: Change;
  readonly before: string | undefined;
  readonly after: string | undefined;
};

/** Of what is saved and of what is in use: by channel, Korean and English first. */
function cellsOf(files: Files, live: Files | null): readonly Cell[] {
  const languages = ['ko', 'en'];
  const order = ({ channel, locale, possible }: Cell): number =>
    CHANNELS.indexOf(channel) * 100 + ((languages.indexOf(locale) + 3) % 3) * 10 + Number(possible);
  return [...new Set([...Object.keys(files), ...Object.keys(live ?? {})])]
    .flatMap((file): Cell[] => {
      const parts = /^([^.]+)\.([^.]+)(\.possible)?\.hbs$/.exec(file);
      const channel = CHANNELS.find((one) => one === parts?.[2]);
      if (parts === null || channel === undefined) return [];
      const [before, after] = [live?.[file], files[file]];
      const change =
        after === undefined
          ? 'removed'
          : before === undefined
            ? 'fresh'
            : before === after
              ? 'same'
              : 'changed';
      return [{ file, channel, locale: parts[1]!, possible: parts[3] !== undefined, change, before, after }];
    })
    .toSorted((a, b) => order(a) - order(b) || (a.file < b.file ? -1 : 1));
}

type ReviewedTextGiven = {
  readonly cell: Cell;
  readonly title: string;
  readonly isNewTemplate: boolean;
  readonly agency: string;
  readonly rendered: Previews['texts'][number] | undefined;
  readonly faults: Previews['faults'];
};

function ReviewedText({ cell, title, isNewTemplate, agency, rendered, faults }: ReviewedTextGiven) {
  const words = useWords(REVIEW_WORDS);
  const language = useLanguage();
  const { change, before = '', after = '', locale } = cell;
  return (
    <article className={faults.length > 0 ? 'text-cell wrong' : 'text-cell'} aria-label={title}>
      <header className="row apart">
        <strong className="small">{title}</strong>
        {change !== 'same' && !isNewTemplate && (
          <span className={change === 'removed' ? 'badge danger' : 'badge'}>{words.states[change]}</span>
        )}
      </header>
      {rendered !== undefined && <Preview text={rendered} agency={agency} wide={false} />}
      {change === 'removed' && <p className="hint">{words.removedWhy}</p>}
      {change === 'changed' && (
        <div>
          <p className="small muted">{words.from}</p>
          <Changed before={before} after={after} locale={locale} />
        </div>
      )}
      {faults.map(({ message, sentences }) => (
        <p key={message} className="fault">
          {sentences?.[language] ?? message}
        </p>
      ))}
    </article>
  );
}

type ChangedGiven = { readonly before: string; readonly after: string; readonly locale?: string };

/** Said too, for whoever does not see what is struck. */
function Changed({ before, after, locale }: ChangedGiven) {
  const words = useWords(REVIEW_WORDS);
  return (
    <p className="text-changes" lang={locale}>
      {differenceOf(before, after).map(({ kind, text }, index) => {
        // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text have no other name
        if (kind === 'same') return <span key={index}>{text}</span>;
        const Tag = kind === 'lost' ? 'del' : 'ins';
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: as above
          <Tag key={index}>
            <span className="visually-hidden">{words[kind]} </span>
            {text}
            <span className="visually-hidden">{words.end}</span>
          </Tag>
        );
      })}
    </p>
  );
}

type MetaFile = { readonly title?: Readonly<Record<string, string>>; readonly sensitive?: boolean };

function metaOf(files: Files | null): MetaFile {
  try {
    return JSON.parse(files?.['meta.json'] ?? '{}') as MetaFile;
  } catch {
    return {};
  }
}

/** What all its texts share: how the notice is called in the inbox, and whether push and SMS may say what it is about. */
function Meta({ files, live }: Pick<TemplateGiven, 'files' | 'live'>) {
  const words = useWords(REVIEW_WORDS);
  const [now, before] = [metaOf(files), metaOf(live)];
  const titles = [...new Set([...Object.keys(now.title ?? {}), ...Object.keys(before.title ?? {})])]
    .map((locale) => ({ locale, now: now.title?.[locale] ?? '', before: before.title?.[locale] ?? '' }))
    .filter((title) => live === null || title.now !== title.before);
  const sensitive = now.sensitive === true;
  const turned = live !== null && sensitive !== (before.sensitive === true);
  return (
    <>
      {titles.length > 0 && (
        <div className="small">
          <strong>{words.inboxTitle}</strong>
          {titles.map((title) =>
            live === null ? (
              <p key={title.locale} lang={title.locale}>
                {title.now}
              </p>
            ) : (
              <Changed key={title.locale} before={title.before} after={title.now} locale={title.locale} />
            ),
          )}
        </div>
      )}
      {(turned || (live === null && sensitive)) && (
        <p className="small">{sensitive ? words.sensitive : words.notSensitive}</p>
      )}
    </>
  );
}
