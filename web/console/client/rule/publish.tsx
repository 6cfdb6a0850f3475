/** Step five, publish: what changes, who still has to say yes to exactly this, and what has been done with each version. */
import { useId, useState } from 'react';
import { Link } from 'wouter';
import { call, Problem } from '../api.ts';
import { formatTime } from '../formats.ts';
import { StateBadge } from '../pages/rules.tsx';
import { useActor } from '../parts/actor.ts';
import { type Column, Table } from '../parts/table.tsx';
import { useLanguage, useWords } from '../words.ts';
import { Difference } from './difference.tsx';
import { PUBLISH_WORDS } from './publish.words.ts';
import type { Scope } from './reading.ts';
import { type May, type Opened, type Step, useForget, type Version, type VersionObject } from './use-rule.ts';
import type { Texts } from './use-texts.ts';
import { TextsAlone, TextsAlong } from './waiting-texts.tsx';
import type { StepGiven } from './when.tsx';
import { Withdrawal } from './withdrawal.tsx';

type Given = StepGiven & {
  readonly opened: Opened;
  readonly changed: boolean;
  readonly scope: Scope;
  readonly texts: Texts;
};

export function Publish({ draft, opened, changed, scope, texts }: Given) {
  const words = useWords(PUBLISH_WORDS);
  const { version, object } = opened;
  return (
    <div className="stack">
      {version === null ? (
        <p className="notice">{words.notYet}</p>
      ) : (
        <>
          <Difference draft={draft} opened={opened} scope={scope} />
          {changed ? (
            <p className="notice warning">{words.notSaved}</p>
          ) : (
            <Next version={version} draft={draft} texts={texts} />
          )}
          {object !== null && <Versions id={object.id} versions={object.versions} />}
        </>
      )}
    </div>
  );
}

type Action = 'request' | 'approve' | 'refuse' | 'publish';
const PATHS: Readonly<Record<Action, string>> = {
  request: 'request',
  approve: 'approval',
  refuse: 'refusal',
  publish: 'publication',
};

type NextGiven = Pick<Given, 'draft' | 'texts'> & { readonly version: VersionObject };

function Next({ version, draft, texts }: NextGiven) {
  const words = useWords(PUBLISH_WORDS);
  const forget = useForget();
  const id = useId();
  const [reason, setReason] = useState('');
  const [state, setState] = useState<{ doing: boolean; problem: Problem | null }>({
    doing: false,
    problem: null,
  });
  const may = (action: keyof May): boolean => version.may[action] === true;
  const open = (['request', 'approve', 'refuse', 'publish'] as const).filter(may);
  // Whoever may do both need not come back for the second.
  const both = may('approve') && version.state === 'awaiting' && version.may.publish === 'not-approved';
  async function act(...actions: readonly Action[]): Promise<void> {
    setState({ doing: true, problem: null });
    let problem: Problem | null = null;
    try {
      for (const action of actions) await take(action);
      setReason('');
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problem = error;
    }
    setState({ doing: false, problem });
    await forget(version.id);
  }
  async function take(action: Action): Promise<void> {
    const said = reason.trim();
    const body =
      action === 'request'
        ? { hash: version.hash, ...(said === '' ? {} : { note: said }) }
        : action === 'publish'
          ? { reason: said }
          : {
              hash: version.hash,
              ...(action === 'approve' && version.texts.length > 0
                ? {
                    texts: Object.fromEntries(
                      version.texts.map(({ name, hash }) => [name, texts.hashOf(name) ?? hash]),
                    ),
                  }
                : {}),
              ...(said === '' ? {} : { reason: said }),
            };
    await call(`/api/v1/rules/${version.id}/versions/${version.version}/${PATHS[action]}`, {
      method: 'POST',
      body,
      idempotencyKey: crypto.randomUUID(),
    });
  }
  const needsReason = (action: Action): boolean => action === 'refuse' || action === 'publish';
  return (
    <section className="stack tight next">
      <h2>{words.next}</h2>
      <p role="status">{words.states[version.state]}</p>
      {open.includes('approve') && <p className="hint">{words.approveWhy(version.hash.slice(0, 12))}</p>}
      {version.texts.length > 0 &&
        (version.state === 'draft' || version.state === 'awaiting' ? (
          <TextsAlong version={version} draft={draft} texts={texts} open={may('approve')} />
        ) : (
          <TextsAlone version={version} draft={draft} texts={texts} hashOf={texts.hashOf} />
        ))}
      {open.includes('request') && <p className="hint">{words.requestWhy}</p>}
      {open.includes('publish') && <p className="hint">{words.publishWhy}</p>}
      {open.length > 0 ? (
        <>
          <div className="field">
            <label htmlFor={id}>{open.includes('request') ? words.note : words.reason}</label>
            <textarea
              id={id}
              className="input"
              rows={2}
              maxLength={1_000}
              value={reason}
              onChange={(event) => setReason(event.target.value)}
            />
            {open.some(needsReason) && <p className="hint">{words.reasonNeeded}</p>}
          </div>
          <div className="row">
            {both && (
              <button
                type="button"
                className="button primary"
                disabled={state.doing || reason.trim() === ''}
                onClick={() => void act('approve', 'publish')}
              >
                {words.approveAndPublish}
              </button>
            )}
            {open.map((action) => (
              <button
                key={action}
                type="button"
                className={
                  action === 'refuse' || (both && action === 'approve') ? 'button' : 'button primary'
                }
                disabled={state.doing || (needsReason(action) && reason.trim() === '')}
                onClick={() => void act(action)}
              >
                {words[action]}
              </button>
            ))}
          </div>
        </>
      ) : (
        <WhyNot version={version} />
      )}
      {state.problem !== null && (
        <div className="notice danger" role="alert">
          <strong>{words.failed}</strong>
          <p>{state.problem.message}</p>
        </div>
      )}
      {may('withdraw') && <Withdrawal id={version.id} />}
    </section>
  );
}

/** Of the step that comes next for the version, why this person cannot take it. */
function WhyNot({ version }: { readonly version: VersionObject }) {
  const words = useWords(PUBLISH_WORDS);
  const next: Partial<Record<string, keyof May>> = {
    draft: 'request',
    awaiting: 'approve',
    approved: 'publish',
  };
  const action = next[version.state];
  const why = action === undefined ? true : version.may[action];
  // That another approves is how it goes, and nothing that somebody lacks.
  if (action === 'approve' && why === 'permission') return <p className="hint">{words.requestWhy}</p>;
  return typeof why === 'string' ? <p className="hint">{words.whyNot[why] ?? why}</p> : null;
}

function Versions({ id, versions }: { readonly id: string; readonly versions: readonly Version[] }) {
  const words = useWords(PUBLISH_WORDS);
  const columns: Column<Version>[] = [
    {
      name: 'version',
      label: words.version,
      head: true,
      cell: ({ version }) => (
        <Link href={`/rules/${id}?version=${version}&step=publish`}>{words.show(version)}</Link>
      ),
    },
    { name: 'state', label: words.state, cell: ({ state }) => <StateBadge state={state} /> },
    { name: 'who', label: words.who, cell: ({ steps }) => <Steps steps={steps} /> },
  ];
  return (
    <section className="stack tight">
      <h2>{words.history}</h2>
      <Table
        caption={words.versions}
        columns={columns}
        rows={versions}
        keyOf={({ version }) => String(version)}
      />
    </section>
  );
}

function Steps({ steps }: { readonly steps: readonly Step[] }) {
  const words = useWords(PUBLISH_WORDS);
  const actor = useActor();
  const language = useLanguage();
  return (
    <ol className="history">
      {steps.map(({ step, by, byName, at, reason }) => (
        <li key={at + step}>
          <strong>{words.steps[step] ?? step}</strong> {actor(by, byName)} ·{' '}
          <time dateTime={at}>{formatTime(at, language)}</time>
          {reason !== null && <span className="muted"> “{reason}”</span>}
        </li>
      ))}
    </ol>
  );
}
