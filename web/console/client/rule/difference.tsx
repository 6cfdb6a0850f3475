/** What would change if this were published: parts of the rule, lines of its sentence, and how many people enter and leave. */
import { useQuery } from '@tanstack/react-query';
import { call } from '../api.ts';
import { SENDING_WORDS } from '../pages/sending.words.ts';
import { STAGE_NAMES } from '../stage-names.ts';
import { useLanguage, useWords } from '../words.ts';
import { sayCount } from './audience.tsx';
import { AUDIENCE_WORDS } from './audience.words.ts';
import { SentenceLines } from './condition.tsx';
import type { Draft } from './model.ts';
import { PUBLISH_WORDS } from './publish.words.ts';
import { readCondition, type Scope, sentenceIn } from './reading.ts';
import type { Shown } from './use-audience.ts';
import { useAboutDraft } from './use-check.ts';
import type { Opened, VersionObject } from './use-rule.ts';
import { WHEN_WORDS } from './when.words.ts';

type Moved = { readonly enter: Shown; readonly leave: Shown; readonly stay: Shown };

export function Difference({
  draft,
  opened,
  scope,
}: {
  readonly draft: Draft;
  readonly opened: Opened;
  readonly scope: Scope;
}) {
  const words = useWords(PUBLISH_WORDS);
  const live = opened.object?.live ?? null;
  const { data } = useQuery({
    queryKey: ['rule-version', draft.id, live?.version],
    enabled: live !== null,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) =>
      (await call<VersionObject>(`/api/v1/rules/${draft.id}/versions/${live!.version}`, { signal })).body
        .rule,
  });
  return (
    <section className="stack tight">
      <h2>{words.difference}</h2>
      {live === null ? (
        <First draft={draft} scope={scope} />
      ) : (
        data !== undefined && <From before={data} draft={draft} version={live.version} scope={scope} />
      )}
    </section>
  );
}

/** Whoever approves reads here what it is about: whom, when, by which channels. */
function First({ draft, scope }: { readonly draft: Draft; readonly scope: Scope }) {
  const words = useWords(PUBLISH_WORDS);
  const stageName = useWords(STAGE_NAMES);
  const { channels } = useWords(SENDING_WORDS);
  const language = useLanguage();
  const { node } = readCondition(draft.condition, scope);
  return (
    <>
      <p>{words.first}</p>
      {node !== undefined && (
        <div className="sentence">
          <SentenceLines sentence={sentenceIn(node, language)} />
        </div>
      )}
      <p>
        {words.tellsAt(
          draft.stages.map(({ kind }) => stageName(kind)).join(', '),
          draft.channels.map((channel) => channels[channel] ?? channel).join(', '),
        )}
      </p>
    </>
  );
}

const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

type FromGiven = {
  readonly before: Draft;
  readonly draft: Draft;
  readonly version: number;
  readonly scope: Scope;
};

function From({ before, draft, version, scope }: FromGiven) {
  const words = useWords(PUBLISH_WORDS);
  const language = useLanguage();
  const parts = (rule: Draft) => rule as unknown as Readonly<Record<string, unknown>>;
  const names = [...new Set([...Object.keys(before), ...Object.keys(draft)])];
  const changed = names.filter((name) => canonical(parts(before)[name]) !== canonical(parts(draft)[name]));
  const lines = (rule: Draft): readonly string[] => {
    const { node } = readCondition(rule.condition, scope);
    return node === undefined
      ? []
      : sentenceIn(node, language)
          .text.split('\n')
          .map((line) => line.trim());
  };
  const when = useWords(WHEN_WORDS);
  const stageName = useWords(STAGE_NAMES);
  const stages = (rule: Draft): readonly string[] =>
    rule.stages.map(({ kind, time, anchor }) =>
      [stageName(kind), time ?? (anchor === 'event' ? when.atOnce : '')].filter(Boolean).join(' · '),
    );
  const said = (rule: Draft) => [...lines(rule), ...stages(rule)];
  const [old, fresh] = [said(before), said(draft)];
  if (changed.length === 0) return <p>{words.same}</p>;
  return (
    <>
      <p>
        {words.from(version)}: {changed.map((name) => words.members[name] ?? name).join(', ')}
      </p>
      <Lines label={words.lost} lines={old.filter((line) => !fresh.includes(line))} kind="lost" />
      <Lines label={words.gained} lines={fresh.filter((line) => !old.includes(line))} kind="gained" />
      {changed.includes('condition') && <People draft={draft} version={version} />}
    </>
  );
}

function Lines({
  label,
  lines,
  kind,
}: {
  readonly label: string;
  readonly lines: readonly string[];
  readonly kind: string;
}) {
  if (lines.length === 0) return null;
  return (
    <div>
      <h3 className="small">{label}</h3>
      <ul className={`changed-lines ${kind}`}>
        {lines.map((line) => (
          <li key={line}>{line.replace(/^- /, '')}</li>
        ))}
      </ul>
    </div>
  );
}

function People({ draft, version }: { readonly draft: Draft; readonly version: number }) {
  const words = useWords(PUBLISH_WORDS);
  const counts = useWords(AUDIENCE_WORDS);
  const language = useLanguage();
  const { id, agency, on, condition, reach } = draft;
  const { data, error } = useAboutDraft<Moved>(
    '/api/v1/rules/difference',
    { first: { rule: id, version }, second: { draft: { id, agency, on, condition, reach } } },
    true,
  );
  if (error !== null) return <p className="hint">{counts.unavailable}</p>;
  if (data === undefined) return <p className="hint">{words.counting}</p>;
  return (
    <dl className="moved">
      {(['enter', 'leave', 'stay'] as const).map((name) => (
        <div key={name}>
          <dt>{words[name]}</dt>
          <dd className="number">{words.people(sayCount(data[name], counts, language))}</dd>
        </div>
      ))}
    </dl>
  );
}
