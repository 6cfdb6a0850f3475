/** One campaign: read once, then kept up to date by server-sent events for as long as the page is open. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { get } from '../api.ts';
import type { PeopleCount } from '../parts/people.tsx';

export type Equation = Readonly<
  Record<'matched' | 'notified' | 'told' | 'done' | 'superseded' | 'nobody' | 'optedOut', PeopleCount>
> & { readonly recipients: Readonly<Record<'planned' | 'noAddress' | 'leftBehind', PeopleCount>> };

export type ChannelCounts = { readonly channel: string } & Readonly<
  Record<
    | 'all'
    | 'planned'
    | 'waiting'
    | 'sending'
    | 'sent'
    | 'delivered'
    | 'failed'
    | 'unclear'
    | 'suppressed'
    | 'expired'
    | 'cancelled',
    PeopleCount
  >
>;

export type Fault = 'address' | 'network' | 'us' | 'unclear';

export type Campaign = {
  readonly campaign: string;
  readonly agency: string;
  readonly rule: string;
  readonly title: Readonly<Record<string, string>> | null;
  readonly event: { readonly source: string; readonly id: string; readonly type: string } | null;
  readonly day: string | null;
  readonly acceptedAt: string;
  readonly cancelledAt: string | null;
  readonly cancelledBy: string | null;
  readonly cancelledByName: string | null;
  readonly cancelReason: string | null;
  readonly state: 'running' | 'paused' | 'done' | 'ended' | 'cancelled';
  readonly asOf: string;
  readonly stops: readonly { readonly scope: string; readonly reason: string }[];
  readonly ahead: readonly {
    readonly kind: string;
    readonly firstAt: string;
    readonly lastAt: string;
    readonly people: number;
  }[];
  readonly equation: Equation;
  readonly possible: PeopleCount;
  readonly stages: readonly ({
    readonly kind: string;
    readonly dueAt: string;
    readonly shards: number;
    readonly answered: number;
  } & Equation)[];
  readonly channels: readonly ChannelCounts[];
  readonly failures: readonly {
    readonly fault: Fault;
    readonly count: PeopleCount;
    readonly codes: readonly { readonly code: string; readonly count: PeopleCount }[];
  }[];
  readonly overTime: {
    readonly spanMinutes: number;
    readonly columns: readonly {
      readonly at: string;
      readonly sent: PeopleCount;
      readonly failed: PeopleCount;
    }[];
  };
  readonly actions: {
    readonly pause: { readonly may: boolean; readonly holds: PeopleCount };
    readonly resume: { readonly may: boolean; readonly sends: PeopleCount };
    readonly cancel: { readonly may: boolean; readonly cancels: PeopleCount; readonly stages: number };
  };
};

export function useCampaign(id: string) {
  const client = useQueryClient();
  const [connected, setConnected] = useState(true);
  const path = `/api/v1/campaigns/${encodeURIComponent(id)}`;
  const query = useQuery({
    queryKey: ['campaign', id],
    queryFn: ({ signal }) => get<Campaign>(path, signal),
  });
  useEffect(() => {
    const source = new EventSource(`${path}/live`);
    source.addEventListener('campaign', (event) => {
      setConnected(true);
      client.setQueryData(['campaign', id], JSON.parse(event.data as string));
    });
    // The session ended: the next look asks for a sign-in.
    source.addEventListener('end', () => {
      source.close();
      setConnected(false);
      void client.invalidateQueries({ queryKey: ['campaign', id] });
    });
    source.onopen = () => setConnected(true);
    source.onerror = () => setConnected(false);
    return () => source.close();
  }, [client, id, path]);
  return { ...query, connected };
}
