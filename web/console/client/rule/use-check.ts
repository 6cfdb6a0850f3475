/** What the server would say against the draft, asked shortly after one stops typing: faults by place, and how the test citizens come out. */
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { call, type ProblemFault } from '../api.ts';
import type { Draft } from './model.ts';

export type Checked = {
  readonly faults: readonly ProblemFault[];
  /** By test: how it comes out; null where it cannot be read. */
  readonly tests: readonly ('certain' | 'possible' | 'no' | null)[];
};

const WAIT_MS = 250;

/** The value as it was when nothing had changed for a while. */
export function useSettled<T>(value: T, waitMs: number = WAIT_MS): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), waitMs);
    return () => clearTimeout(timer);
  }, [value, waitMs]);
  return settled;
}

/** A question about the draft that is asked anew when it has settled; what was answered last stays meanwhile. */
export function useAboutDraft<T>(path: string, body: unknown, enabled: boolean) {
  const settled = useSettled(JSON.stringify(body));
  return useQuery({
    queryKey: ['about-draft', path, settled],
    queryFn: async ({ signal }) =>
      (await call<T>(path, { method: 'POST', body: JSON.parse(settled), signal })).body,
    enabled,
    placeholderData: (before) => before,
    staleTime: 30_000,
    gcTime: 60_000,
  });
}

export function useCheck(draft: Draft, enabled: boolean) {
  return useAboutDraft<Checked>('/api/v1/rules/check', { rule: draft }, enabled);
}

export type StepName = 'who' | 'when' | 'what' | 'try' | 'publish';

/** On which step a fault is mended. */
export function stepOf(pointer: string): StepName {
  const [, part = ''] = pointer.split('/');
  if (part === 'stages' || part === 'deadline' || part === 'obligation') return 'when';
  if (part === 'templates' || part === 'channels' || part === 'action') return 'what';
  return part === 'tests' ? 'try' : 'who';
}
