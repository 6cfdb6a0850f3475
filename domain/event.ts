/**
 * A CloudEvents 1.0 event as we keep it after it was parsed and checked (producers/ does both).
 * Source: CloudEvents 1.0.2; the `allim…` extensions are ours.
 */
export type CloudEvent = {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** RFC 3339. */
  readonly time?: string;
  /** The citizen the event is about; makes it targeted. */
  readonly subject?: string;
  /** The agency's own key for a person, resolved by identity_links; makes it targeted too. */
  readonly allimsubjectkey?: string;
  /** `kind/ref` of the thing in the world. */
  readonly allimobligation?: string;
  /** Up to 18 digits, compared as an integer; absent is 0. */
  readonly sequence?: string;
  readonly expirytime?: string;
  readonly traceparent?: string;
  readonly tracestate?: string;
  readonly datacontenttype?: string;
  readonly data: Readonly<Record<string, unknown>>;
};

export const EVENT_EFFECTS = ['opens', 'settles', 'withdraws', 'informs'] as const;
export type EventEffect = (typeof EVENT_EFFECTS)[number];

export type EventType = {
  readonly type: string;
  readonly agency: string;
  readonly sources: readonly string[];
  readonly effect: EventEffect;
  /** The kind of obligation it opens, settles or withdraws; absent for `informs`. */
  readonly obligationKind?: string;
  readonly title: Readonly<Record<string, string>>;
  /** JSON Schema 2020-12 of `data`. */
  readonly schema: Readonly<Record<string, unknown>>;
  readonly examples: readonly Readonly<Record<string, unknown>>[];
};

/** 18 digits fit a bigint; a JavaScript number would lose the last ones, so it stays a bigint here and a decimal string on the wire. */
export function sequenceOf(event: Pick<CloudEvent, 'sequence'>): bigint {
  return event.sequence === undefined ? 0n : BigInt(event.sequence);
}

export function isTargeted(event: Pick<CloudEvent, 'subject' | 'allimsubjectkey'>): boolean {
  return event.subject !== undefined || event.allimsubjectkey !== undefined;
}

/** An event travels to the shards inside a request, beside others: a quarter of a record is as much as its data may take. */
export const MAX_EVENT_BYTES = 262_144;
/** The ledger keeps 400 days of events, so an older one could not be told from a new one. */
export const MAX_EVENT_AGE_MS = 400 * 86_400_000;
