/**
 * The texts that a rule names: as they are saved, and as they are being written. They are saved with the rule, before it. Those of a rule
 * that is new begin with a first wording, which follows its name and deadline until somebody writes in them.
 */
import { useQueries, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { call, Problem, type ProblemFault } from '../api.ts';
import { missingTexts } from './first-draft.ts';
import type { Draft } from './model.ts';
import { useAboutDraft } from './use-check.ts';

export type Files = Readonly<Record<string, string>>;
type Found = {
  readonly agency: string | null;
  readonly live: number | null;
  readonly versions: readonly { readonly version: number; readonly hash: string }[];
  readonly definition: { readonly files: Files };
  readonly liveDefinition: { readonly files: Files } | null;
};
type Loaded = {
  readonly agency: string | null;
  readonly etag: string | undefined;
  readonly files: Files;
  readonly live: Files | null;
};

export type RenderedText = {
  readonly template: string;
  readonly file: string;
  readonly channel: 'push' | 'email' | 'sms';
  readonly locale: string;
  readonly reach: 'certain' | 'possible';
  readonly content: {
    readonly title?: string;
    readonly body?: string;
    readonly subject?: string;
    readonly text?: string;
  } | null;
  readonly fault: string | null;
  readonly sms: {
    readonly bytes: number;
    readonly kind: 'sms' | 'lms' | 'too long';
    readonly parts: number;
  } | null;
};
export type Previews = {
  readonly texts: readonly RenderedText[];
  readonly faults: readonly ProblemFault[];
  readonly missing: readonly { readonly template: string; readonly file: string }[];
  readonly sizes: readonly {
    readonly template: string;
    readonly file: string;
    readonly size: number;
    readonly limit: number;
  }[];
};

export type Texts = {
  readonly names: readonly string[];
  readonly files: (name: string) => Files;
  /** What citizens get at present, where what is saved is newer; null where nothing of it ever was in use. */
  readonly live: (name: string) => Files | null;
  readonly write: (name: string, changes: Readonly<Record<string, string | undefined>>) => void;
  readonly previews: Previews | undefined;
  readonly faults: Previews['faults'];
  readonly changed: boolean;
  /** A first wording that nobody has written in. */
  readonly suggested: boolean;
  readonly loading: boolean;
  /** Another agency's, or one that all share: to be read and not to be written. */
  readonly foreign: (name: string) => boolean;
  /** Of what is shown where nothing is being written: what an approval names. */
  readonly hashOf: (name: string) => string | undefined;
  readonly save: () => Promise<void>;
  readonly revert: () => void;
};

const textKey = (name: string): readonly string[] => ['template', name];
const KEPT = 'allim-texts:';

async function load(name: string, signal: AbortSignal): Promise<Loaded | null> {
  try {
    const { body, etag } = await call<Found>(`/api/v1/templates/${encodeURIComponent(name)}`, { signal });
    const { agency, definition, liveDefinition } = body;
    return { agency, etag, files: definition.files, live: liveDefinition?.files ?? null };
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return null;
    throw error;
  }
}

function kept(id: string): Record<string, Files> {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT + id) ?? '{}') as Record<string, Files>;
  } catch {
    return {};
  }
}

/** `fresh`: the rule was never saved. */
export function useTexts(draft: Draft, fresh: boolean): Texts {
  const queries = useQueryClient();
  // In the order of the stages, and what corrects last.
  const { templates, stages } = draft;
  const names = useMemo(
    () => [...new Set([...stages.flatMap(({ kind }) => templates[kind] ?? []), ...Object.values(templates)])],
    [templates, stages],
  );
  const [edited, setEdited] = useState<Readonly<Record<string, Files>>>(() => kept(draft.id));
  useEffect(() => {
    if (Object.keys(edited).length === 0) sessionStorage.removeItem(KEPT + draft.id);
    else sessionStorage.setItem(KEPT + draft.id, JSON.stringify(edited));
  }, [edited, draft.id]);
  const found = useQueries({
    queries: names.map((name) => ({
      queryKey: textKey(name),
      queryFn: ({ signal }: { signal: AbortSignal }) => load(name, signal),
      staleTime: Number.POSITIVE_INFINITY,
    })),
  });
  const loaded = (name: string): Loaded | null | undefined => found[names.indexOf(name)]?.data;
  const unwritten = fresh ? names.filter((name) => edited[name] === undefined && loaded(name) === null) : [];
  const suggested = Object.fromEntries(unwritten.map((name) => [name, missingTexts(draft, name, {})]));
  const files = (name: string): Files => edited[name] ?? loaded(name)?.files ?? suggested[name] ?? {};
  const written = Object.entries(edited).filter(([name]) => names.includes(name));
  const mine = { ...suggested, ...Object.fromEntries(written) };
  const { data: previews } = useAboutDraft<Previews>(
    '/api/v1/rules/previews',
    { rule: draft, edited: mine },
    draft.on !== '' && names.length > 0,
  );
  const shown = previews !== undefined && draft.on !== '' && names.length > 0;
  return {
    names,
    files,
    live: (name) => loaded(name)?.live ?? null,
    previews: shown ? previews : undefined,
    faults: shown ? previews.faults : [],
    changed: written.length > 0,
    suggested: unwritten.length > 0,
    loading: found.some(({ isPending }) => isPending),
    foreign: (name) => {
      const one = loaded(name);
      return one != null && one.agency !== draft.agency;
    },
    hashOf: (name) => loaded(name)?.etag?.replaceAll('"', ''),
    write: (name, changes) =>
      setEdited((before) => {
        const whole = { ...(before[name] ?? files(name)), ...changes };
        const kept = Object.entries(whole).filter(
          (entry): entry is [string, string] => entry[1] !== undefined,
        );
        return { ...before, [name]: Object.fromEntries(kept) };
      }),
    save: async () => {
      for (const [name, own] of Object.entries(mine)) {
        await call(`/api/v1/templates/${encodeURIComponent(name)}`, {
          method: 'PUT',
          body: { agency: draft.agency, files: own },
          etag: loaded(name)?.etag,
        });
        await queries.invalidateQueries({ queryKey: textKey(name) });
        setEdited(({ [name]: _, ...others }) => others);
      }
    },
    revert: () => setEdited({}),
  };
}
