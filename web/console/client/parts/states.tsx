/** What a place shows while it has nothing to show: it is loading, nothing is there, or it was refused and what to do. */
import type { ReactNode } from 'react';
import { Problem } from '../api.ts';
import { useWords } from '../words.ts';
import { STATE_WORDS } from './states.words.ts';

/** `page`: in place of a whole page, which has a heading in any state. */
export function Loading({ label, page }: { readonly label?: string; readonly page?: true }) {
  const words = useWords(STATE_WORDS);
  const said = label ?? words.loading;
  return (
    <div className="empty" role="status">
      <span className="spinner" aria-hidden="true" />
      {page === true ? <h1 className="loading">{said}</h1> : <p>{said}</p>}
    </div>
  );
}

export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className="empty">
      <strong>{title}</strong>
      {children}
    </div>
  );
}

type FailedGiven = { readonly error: unknown; readonly again?: () => void };

/** In place of a whole page. */
export function FailedPage(given: FailedGiven) {
  const words = useWords(STATE_WORDS);
  return (
    <div className="stack">
      <h1>{words.failed}</h1>
      <Failed {...given} page />
    </div>
  );
}

/** In the reader's words; `again` asks once more. */
export function Failed({ error, again, page }: FailedGiven & { readonly page?: true }) {
  const words = useWords(STATE_WORDS);
  const problem = error instanceof Problem ? error : null;
  return (
    <div className="notice danger" role="alert">
      {page !== true && <strong>{words.failed}</strong>}
      <p>{problem === null ? String(error) : saidOf(problem, words)}</p>
      {problem?.instance != null && (
        <p className="small muted">
          {words.reference}: <code>{problem.instance}</code>
        </p>
      )}
      {again !== undefined && (
        <p>
          <button type="button" className="button small" onClick={again}>
            {words.again}
          </button>
        </p>
      )}
    </div>
  );
}

function saidOf(problem: Problem, words: (typeof STATE_WORDS)['ko']): string {
  switch (problem.status) {
    case 0:
      return words.unreachable;
    case 403:
      return words.forbidden;
    case 404:
      return words.notFound;
    case 429:
    case 503:
      return words.busy;
    default:
      return problem.status >= 500 ? words.ours : problem.message;
  }
}
