/**
 * What parts count, named here once. Counting is a number added in memory: no call waits, none fails. Labels have few values, all known
 * beforehand, and none names a person, an address, an event or a rule.
 */
type Described = { readonly help: string; readonly labels: readonly string[] };

export const COUNTERS = {
  events: {
    help: 'Events taken from the log by the dispatcher: accepted (repeated ones too) or quarantined.',
    labels: ['outcome'],
  },
  pages: { help: 'Pages of audiences planned.', labels: ['lane'] },
  matches: { help: 'Matched citizens on planned pages.', labels: ['lane', 'reach'] },
  deliveries_planned: { help: 'Deliveries planned.', labels: ['channel', 'lane'] },
  pages_unknown: {
    help: 'Pages that answer a question this ledger does not know: of before a restore. The events are read again and asked anew.',
    labels: ['lane'],
  },
  crossings: { help: 'Citizens who entered or left an open broadcast, where it was news.', labels: ['kind'] },
  quarantined_pages: { help: 'Pages that could not be planned.', labels: ['lane'] },
  claims_unsent: {
    help: 'Deliveries that were not called at their claim, by what they became: expired, cancelled, suppressed or waiting, and why.',
    labels: ['channel', 'verdict'],
  },
  ambiguous: {
    help: 'Calls of which nobody knows how they ended, by what was decided: again (asked, held or sent again later) or left.',
    labels: ['channel', 'decision'],
  },
  ambiguous_asked: {
    help: 'Questions to a provider about an earlier call, by its answer: absent, accepted, permanent, temporary, technical.',
    labels: ['channel', 'answer'],
  },
  campaigns_failing: {
    help: 'Campaigns of which over 1 % of the first 1,000 deliveries of a stage failed through us: paused, or kept (emergencies).',
    labels: ['verdict'],
  },
  deliveries_unready: {
    help: 'Deliveries whose text or address could not be made ready.',
    labels: ['channel'],
  },
  code_checks: {
    help: 'Codes that people checked: found, none, limited (too many from one address). Many of none or limited: somebody tries codes.',
    labels: ['outcome'],
  },
  receipts: {
    help: 'Receipts that came: new, known (told again), forged (refused: not authentic), malformed (refused: not readable).',
    labels: ['source', 'outcome'],
  },
  receipts_settled: {
    help: 'What became of receipts: applied, moot, evidence, unmatched.',
    labels: ['source', 'state'],
  },
} as const satisfies Record<string, Described>;

export const HISTOGRAMS = {
  provider_call_seconds: {
    help: 'Calls of providers, by channel and outcome: accepted, permanent, temporary, technical, unknown.',
    labels: ['channel', 'outcome'],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  },
  event_to_provider_seconds: {
    help: 'From the event, or the instant its stage fell due, to the first call of the provider; what was held is in it.',
    labels: ['channel', 'lane'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60, 300, 3_600, 43_200],
  },
  http_request_seconds: {
    help: 'Answers over HTTP, by method, route and status.',
    labels: ['method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
  },
} as const satisfies Record<string, Described & { readonly buckets: readonly number[] }>;

export type CounterName = keyof typeof COUNTERS;
export type HistogramName = keyof typeof HISTOGRAMS;

type LabelsOf<D extends Described> = Readonly<Record<D['labels'][number], string>>;

export interface Metrics {
  /** By 1 unless told; 0 is nothing. */
  add<N extends CounterName>(name: N, labels: LabelsOf<(typeof COUNTERS)[N]>, by?: number): void;
  observe<N extends HistogramName>(name: N, labels: LabelsOf<(typeof HISTOGRAMS)[N]>, seconds: number): void;
}
