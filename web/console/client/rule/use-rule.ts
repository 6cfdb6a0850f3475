/**
 * One rule on the page: the version that is edited, what was changed since, and how it is saved. A draft or one that waits is edited in place
 * under its ETag; of a version that is approved or live the next one is made.
 */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { call, get, type Problem } from '../api.ts';
import type { RuleState } from '../pages/rules.words.ts';
import { usePerson } from '../person.ts';
import { blankDraft, type Draft, type EventType, sameDraft } from './model.ts';

export type Step = {
  readonly step: string;
  readonly by: string;
  readonly byName: string | null;
  readonly at: string;
  readonly hash: string;
  readonly reason: string | null;
};
export type Version = {
  readonly version: number;
  readonly state: RuleState;
  readonly hash: string;
  readonly author: string;
  readonly approver: string | null;
  readonly at: string;
  readonly steps: readonly Step[];
};
export type RuleObject = {
  readonly id: string;
  readonly state: RuleState;
  readonly live: { readonly version: number } | null;
  readonly versions: readonly Version[];
};
/** What the person may do with the version: yes, or the reason why not. */
export type May = Readonly<
  Record<'edit' | 'request' | 'approve' | 'refuse' | 'publish' | 'withdraw', true | string>
>;
/** Of a template that the rule names: saved after what is live, and waiting for another person's approval. */
export type WaitingText = {
  readonly name: string;
  readonly version: number;
  readonly hash: string;
  readonly author: string | null;
  readonly authorName: string | null;
  readonly at: string;
};
export type VersionObject = {
  readonly id: string;
  readonly version: number;
  readonly state: RuleState;
  readonly hash: string;
  readonly rule: Draft;
  readonly steps: readonly Step[];
  readonly texts: readonly WaitingText[];
  readonly may: Partial<May>;
};

export type Opened = {
  readonly object: RuleObject | null;
  readonly version: VersionObject | null;
  readonly etag: string | undefined;
};

const KEPT = 'allim-draft:';

/** What was typed and not saved outlives a reload and a sign-in, in this tab alone. */
function kept(id: string): Draft | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT + id) ?? 'null') as Draft | null;
  } catch {
    return null;
  }
}

export function keep(id: string, draft: Draft | null): void {
  if (draft === null) sessionStorage.removeItem(KEPT + id);
  else sessionStorage.setItem(KEPT + id, JSON.stringify(draft));
}

async function open(id: string, wanted: number | null, signal: AbortSignal): Promise<Opened> {
  const object = await get<RuleObject>(`/api/v1/rules/${encodeURIComponent(id)}`, signal);
  const number = wanted ?? object.versions[0]!.version;
  const { body, etag } = await call<VersionObject>(
    `/api/v1/rules/${encodeURIComponent(id)}/versions/${number}`,
    { signal },
  );
  return { object, version: body, etag };
}

export const ruleKey = (id: string): readonly string[] => ['rule', id];

/** `id` is `new` for one that is not saved yet; `wanted` a version other than the latest. */
export function useOpened(id: string, wanted: number | null) {
  return useQuery({
    queryKey: [...ruleKey(id), wanted],
    queryFn: ({ signal }): Promise<Opened> =>
      id === 'new'
        ? Promise.resolve({ object: null, version: null, etag: undefined })
        : open(id, wanted, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** The draft that is typed in, beginning with what is saved. */
export function useDraft(id: string, saved: Draft | undefined) {
  const person = usePerson();
  const beginning = useMemo(() => saved ?? blankDraft(person.agencies[0]?.id ?? ''), [saved, person]);
  const [draft, setDraft] = useState<Draft>(() => kept(id) ?? beginning);
  const changed = !sameDraft(draft, beginning);
  useEffect(() => keep(id, changed ? draft : null), [id, draft, changed]);
  return { draft, setDraft, changed, revert: () => setDraft(beginning) };
}

export type Saved = { readonly id: string; readonly version: number; readonly hash: string };

/** Writes the draft: in place where that version can still be edited, else as the next one. Throws `Problem`. */
export async function saveRule(draft: Draft, { version, etag }: Opened): Promise<Saved> {
  const inPlace = version !== null && (version.state === 'draft' || version.state === 'awaiting');
  const rule = withoutEmpty(draft);
  const { body } = inPlace
    ? await call<Saved>(`/api/v1/rules/${version.id}/versions/${version.version}`, {
        method: 'PUT',
        body: rule,
        etag,
      })
    : await call<Saved>('/api/v1/rules', {
        method: 'POST',
        body: rule,
        etag,
        idempotencyKey: crypto.randomUUID(),
      });
  return body;
}

/** Whoever did not write it is asked to approve exactly this. */
export async function askForApproval({ id, version, hash }: Saved): Promise<void> {
  await call(`/api/v1/rules/${id}/versions/${version}/request`, {
    method: 'POST',
    body: { hash },
    idempotencyKey: crypto.randomUUID(),
  });
}

/** What was left empty is left out: an action without an address has none. */
function withoutEmpty(draft: Draft): Draft {
  const { action, basis, ...rest } = draft;
  const filled = <T extends object>(given: T | undefined): T | undefined => {
    const entries = Object.entries(given ?? {}).filter(([, value]) => value !== '');
    return entries.length === 0 ? undefined : (Object.fromEntries(entries) as T);
  };
  const [act, law] = [filled(action), filled(basis)];
  return {
    ...rest,
    ...(act === undefined ? {} : { action: act }),
    ...(law === undefined ? {} : { basis: law }),
  };
}

export function useForget() {
  const queries = useQueryClient();
  return (id: string): Promise<unknown> =>
    Promise.all([
      queries.invalidateQueries({ queryKey: ruleKey(id) }),
      queries.invalidateQueries({ queryKey: ['rules'] }),
    ]);
}

export function useEventTypes(): {
  readonly types: readonly EventType[] | undefined;
  readonly error: Problem | null;
} {
  const { data, error } = useQuery({
    queryKey: ['event-types'],
    queryFn: ({ signal }) => get<{ eventTypes: readonly EventType[] }>('/api/v1/event-types', signal),
    staleTime: 60_000,
  });
  return { types: data?.eventTypes, error: error as Problem | null };
}
