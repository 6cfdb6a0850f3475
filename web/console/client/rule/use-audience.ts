/**
 * How many, while one types: asked at once, or where a question is under way shortly after the last keystroke, with that one given up. What
 * was counted last stays on the page until the next count is there, marked as being of the condition before.
 */
import { useEffect, useRef, useState } from 'react';
import { call, Problem } from '../api.ts';
import type { Draft } from './model.ts';

/** A number, `<10`, `hidden`, or about how many. */
export type Shown = number | string;
type Cells = Readonly<Record<string, Shown>>;

export type Audience = {
  readonly asOf: string;
  readonly certain: Shown;
  readonly possible: Shown;
  readonly breakdown: Readonly<Record<string, Readonly<Record<'certain' | 'possible', Cells>>>>;
  readonly channels: Readonly<Record<'certain' | 'possible', Cells>> | null;
  readonly missing: Cells;
  readonly sample: readonly {
    readonly pseudonym: string;
    readonly certain: boolean;
    readonly cells: Readonly<Record<string, string | null>>;
  }[];
  readonly citizens: number;
  readonly partial: boolean;
  readonly warnings?: readonly {
    readonly pointer: string;
    readonly code: string;
    readonly sentences: Readonly<Record<string, string>>;
  }[];
};

export type Asked = {
  readonly audience: Audience | null;
  /** Of an earlier condition than the one on the page. */
  readonly old: boolean;
  readonly problem: Problem | null;
  /** From the last keystroke to the count. */
  readonly tookMs: number | null;
};

/** While the question before is under way: who types on does not want its answer, and shards count for one at a time. */
const WAIT_MS = 40;
const MOST_TRIES = 5;
const session = crypto.randomUUID();

/** Who may only read asks about the version that is saved, and nothing else. */
export type Saved = { readonly id: string; readonly version: number };

/** `countable` is false while there is no condition to count. */
export function useAudience(draft: Draft, countable: boolean, saved: Saved | null): Asked {
  const [asked, setAsked] = useState<Asked>({ audience: null, old: false, problem: null, tookMs: null });
  const underWay = useRef(0);
  const path = saved === null ? null : `/api/v1/rules/${saved.id}/audience?version=${saved.version}`;
  const { id, agency, on, condition, reach } = draft;
  const question = JSON.stringify({
    rule: { ...(id === '' ? {} : { id }), agency, on, condition, reach },
    session,
  });
  useEffect(() => {
    setAsked((before) => ({ ...before, old: before.audience !== null, problem: null }));
    if (!countable) return;
    const began = performance.now();
    const giving = new AbortController();
    let timer: number | undefined;
    let tries = 0;
    const ask = (): void => {
      const { signal } = giving;
      underWay.current++;
      const asking =
        path === null
          ? call<Audience>('/api/v1/rules/preview', { method: 'POST', body: JSON.parse(question), signal })
          : call<Audience>(path, { signal });
      asking
        .then(({ body }) =>
          setAsked({ audience: body, old: false, problem: null, tookMs: performance.now() - began }),
        )
        .catch((error: unknown) => {
          if (giving.signal.aborted) return;
          // A question that was given up may arrive after this one and take its place: then this is asked again.
          if (error instanceof Problem && error.code === 'question-superseded' && tries < MOST_TRIES) {
            timer = window.setTimeout(ask, WAIT_MS * 2 ** ++tries);
            return;
          }
          setAsked((before) => ({ ...before, problem: error instanceof Problem ? error : null }));
        })
        .finally(() => underWay.current--);
    };
    if (underWay.current === 0) ask();
    else timer = window.setTimeout(ask, WAIT_MS);
    return () => {
      clearTimeout(timer);
      giving.abort();
    };
  }, [question, countable, path]);
  return asked;
}
