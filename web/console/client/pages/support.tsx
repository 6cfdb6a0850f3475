/** Support: somebody calls; a notice by its code, or a person by number, the chain of what happened to each notice, and why or why not. */
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { call } from '../api.ts';
import { Failed, Loading } from '../parts/states.tsx';
import { nameIn, useLanguage, useWords } from '../words.ts';
import { SENDING_WORDS } from './sending.words.ts';
import { SUPPORT_WORDS } from './support.words.ts';
import { type Chain, NoticeChain } from './support-chain.tsx';
import { Why } from './support-why.tsx';

type Way = 'code' | 'phone' | 'citizen';
type Found = {
  readonly citizens: readonly string[] | null;
  readonly notices: readonly Chain[];
  readonly next: string | null;
};
type Asked = { readonly way: Way; readonly text: string; readonly reason: string; readonly cursor?: string };

const WAYS: readonly Way[] = ['code', 'phone', 'citizen'];

const lookUp = async ({ way, text, reason, cursor }: Asked): Promise<Found> =>
  (
    await call<Found>('/api/v1/support/lookups', {
      method: 'POST',
      body: { [way]: text, reason, ...(cursor === undefined ? {} : { cursor }) },
    })
  ).body;

export function Support() {
  const words = useWords(SUPPORT_WORDS);
  const [asked, setAsked] = useState<Asked | null>(null);
  const [notices, setNotices] = useState<readonly Chain[]>([]);
  const look = useMutation({
    mutationFn: lookUp,
    onSuccess: (found, given) =>
      setNotices((before) => (given.cursor === undefined ? found.notices : [...before, ...found.notices])),
  });
  function ask(given: Asked): void {
    setAsked(given);
    look.mutate(given);
  }
  const next = look.data?.next ?? null;
  return (
    <div className="stack">
      <div className="place-head">
        <h1>{words.title}</h1>
      </div>
      <p>{words.lead}</p>
      <Question busy={look.isPending} onAsk={ask} />
      {look.error !== null && <Failed error={look.error} />}
      <div aria-live="polite">
        {look.isPending && <Loading />}
        {look.data !== undefined && asked !== null && (
          <Answers notices={notices} citizens={look.data.citizens} reason={asked.reason} />
        )}
      </div>
      {next !== null && asked !== null && (
        <div className="more">
          <button
            type="button"
            className="button"
            disabled={look.isPending}
            onClick={() => ask({ ...asked, cursor: next })}
          >
            {words.more}
          </button>
        </div>
      )}
    </div>
  );
}

function Question({ busy, onAsk }: { readonly busy: boolean; readonly onAsk: (asked: Asked) => void }) {
  const words = useWords(SUPPORT_WORDS);
  const id = useId();
  const [way, setWay] = useState<Way>('code');
  const [text, setText] = useState('');
  const [who, setWho] = useState(0);
  const [what, setWhat] = useState('');
  function submit(event: FormEvent): void {
    event.preventDefault();
    onAsk({ way, text: text.trim(), reason: `${words.whos[who]}: ${what.trim()}` });
  }
  return (
    <form className="card support-question" onSubmit={submit}>
      <fieldset className="field">
        <legend>{words.by}</legend>
        <div className="row">
          {WAYS.map((one) => (
            <label key={one} className="choice">
              <input type="radio" name={`${id}-way`} checked={way === one} onChange={() => setWay(one)} />
              {words.ways[one]}
            </label>
          ))}
        </div>
      </fieldset>
      <div className="field">
        <label htmlFor={`${id}-text`}>{words.ways[way]}</label>
        <input
          id={`${id}-text`}
          className="input"
          required
          autoComplete="off"
          inputMode={way === 'phone' ? 'tel' : 'text'}
          maxLength={64}
          aria-describedby={`${id}-hint`}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <p className="hint" id={`${id}-hint`}>
          {words.hints[way]}
        </p>
      </div>
      <div className="field">
        <label htmlFor={`${id}-who`}>{words.who}</label>
        <select
          id={`${id}-who`}
          className="input"
          value={who}
          onChange={(event) => setWho(Number(event.target.value))}
        >
          {words.whos.map((one, index) => (
            <option key={one} value={index}>
              {one}
            </option>
          ))}
        </select>
      </div>
      <div className="field">
        <label htmlFor={`${id}-what`}>{words.what}</label>
        <input
          id={`${id}-what`}
          className="input"
          required
          minLength={2}
          maxLength={200}
          autoComplete="off"
          aria-describedby={`${id}-what-hint`}
          value={what}
          onChange={(event) => setWhat(event.target.value)}
        />
        <p className="hint" id={`${id}-what-hint`}>
          {words.whatHint}
        </p>
      </div>
      <button type="submit" className="button primary" disabled={busy}>
        {words.look}
      </button>
    </form>
  );
}

type Answered = {
  readonly notices: readonly Chain[];
  readonly citizens: readonly string[] | null;
  readonly reason: string;
};

function Answers({ notices, citizens, reason }: Answered) {
  const words = useWords(SUPPORT_WORDS);
  const sending = useWords(SENDING_WORDS);
  const language = useLanguage();
  const people = citizens ?? [...new Set(notices.map(({ recipient }) => recipient))];
  return (
    <div className="stack">
      {notices.length === 0 ? (
        <div className="empty">
          <strong>{words.none}</strong>
          <p>{words.noneWhy}</p>
        </div>
      ) : (
        <h2>{words.found(notices.length)}</h2>
      )}
      {notices.map((notice, index) => (
        <details key={notice.notice} className="card" open={index === 0}>
          <summary>
            <strong>{nameIn(notice.ruleTitle ?? undefined, language, notice.rule)}</strong>{' '}
            <span className="muted">
              {notice.deliveries
                .map(
                  ({ channel, status }) =>
                    `${sending.channels[channel] ?? channel} ${sending.statuses[status] ?? status}`,
                )
                .join(', ') || sending.reasons['no-address']}
            </span>
          </summary>
          <NoticeChain notice={notice} />
        </details>
      ))}
      {people.map((citizen) => (
        <Why key={citizen} citizen={citizen} reason={reason} />
      ))}
    </div>
  );
}
