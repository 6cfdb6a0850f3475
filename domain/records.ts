/**
 * The two internal records of the path: a question for one shard and a page of its answer (CONTRACTS, "A request and a page").
 * Topics `match-requests.{urgent,bulk}` and `audiences.{urgent,bulk}`, JSON, explicit partition = shard.
 */
import { AllimError } from './errors.ts';
import type { FanoutId, RunId, StageRunId } from './ids.ts';
import type { Lane } from './statuses.ts';

export const PAGE_CITIZENS = 5_000;

export const TOPICS = {
  events: 'agency-events',
  profiles: 'citizen-profiles',
  overlays: 'citizen-overlays',
  requests: { urgent: 'match-requests.urgent', bulk: 'match-requests.bulk' },
  audiences: { urgent: 'audiences.urgent', bulk: 'audiences.bulk' },
} as const satisfies Record<string, string | Record<Lane, string>>;

/** What an agency gets back (domain/status-report.ts): one topic each, key the citizen. */
export function statusTopicOf(agency: string): string {
  return `notification-status.${agency}`;
}

const AGENCY_TOPIC = /^agency-events\.([a-z][a-z0-9-]{0,31})$/;

/** Names beginning with this may be an agency's own topic of events. */
export const AGENCY_TOPIC_PREFIX = `${TOPICS.events}.`;

/** The agency whose events alone a topic carries; undefined for every other topic. */
export function agencyOfTopic(topic: string): string | undefined {
  return AGENCY_TOPIC.exec(topic)?.[1];
}

/** What a rule may read of an event. */
export type MatchEvent = {
  readonly source: string;
  readonly id: string;
  readonly data: Readonly<Record<string, unknown>>;
};

/** `row` is the id of the event's row in the ledger: pages name events by it. */
export type Pair = { readonly event: MatchEvent & { readonly row: string }; readonly citizen: string };

export type MatchRequest = {
  readonly fanout: FanoutId;
  readonly stageRun: StageRunId;
  readonly request: number;
  readonly rule: string;
  readonly ruleVersion: number;
  /** YYYY-MM-DD in the zone of the state. */
  readonly asOf: string;
  readonly stage: string;
  /** The end of citizen-profiles[shard] when the question was asked: the answer must know every record below it. */
  readonly minProfileOffset: number;
  /** A broadcast: one event for everybody. */
  readonly event?: MatchEvent;
  /** Targeted: judge only these. */
  readonly pairs?: readonly Pair[];
};

/** Of a run, on its last page: all counts are of citizens (broadcast) or pairs (targeted). */
export type RunTotals = {
  readonly matched: number;
  readonly possible: number;
  readonly unknown: number;
  readonly pages: number;
};

export type AudiencePage = {
  readonly fanout: FanoutId;
  readonly stageRun: StageRunId;
  readonly request: number;
  readonly run: RunId;
  /** From 0. */
  readonly page: number;
  readonly last: boolean;
  readonly profileOffset: number;
  readonly totals: RunTotals | null;
  /** Matched citizens, ascending within the run for a broadcast. */
  readonly citizens: readonly string[];
  /** Parallel to citizens. */
  readonly reach: readonly ('certain' | 'possible')[];
  /** Targeted: ids of event rows, parallel to citizens. */
  readonly events?: readonly string[];
  /** Columns parallel to citizens: `citizen.<field>` that templates name, and dates computed by the shard. null is unknown. */
  readonly values: Readonly<Record<string, readonly (string | number | boolean | null)[]>>;
  /** Targeted: event rows whose citizen the shard does not know, and that citizen, in parallel. */
  readonly unknown: readonly string[];
  readonly unknownEvents?: readonly string[];
};

/**
 * A page of one citizen that nobody asked for: what happened to a profile, or a new day, put the citizen among those whom an open broadcast
 * concerns, or out. On `audiences.*` beside the answers. The same cause makes the same page: whoever takes it in twice does nothing twice.
 */
export type Crossing = {
  /** Of its cause, day, rule and event. */
  readonly crossing: string;
  readonly kind: 'entered' | 'left';
  /** The record of the profile or the overlay; or the topic DAYS, and as offset the number of the day that began. */
  readonly cause: { readonly topic: string; readonly partition: number; readonly offset: number };
  /** Every profile record below it was known, and every overlay below the other. With `asOf` they order what is said of one citizen. */
  readonly profileOffset: number;
  readonly overlayOffset: number;
  /** YYYY-MM-DD in the zone of the state. */
  readonly asOf: string;
  readonly rule: string;
  readonly ruleVersion: number;
  readonly event: { readonly source: string; readonly id: string };
  readonly citizen: string;
};

/** Stands for a topic where a new day is the cause: it has a position like one, the number of the day. */
export const DAYS = 'days';

export function encodeRecord(value: MatchRequest | AudiencePage | Crossing): Buffer {
  return Buffer.from(JSON.stringify(value), 'utf8');
}

function decode(value: Buffer | null, required: readonly string[]): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = value === null ? null : JSON.parse(value.toString('utf8'));
  } catch (cause) {
    throw new AllimError('record-corrupt', 'the record is not JSON', { cause });
  }
  if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed))
    throw new AllimError('record-corrupt', 'the record is not a JSON object');
  const faults = required
    .filter((name) => !(name in parsed))
    .map((name) => ({ pointer: `/${name}`, message: 'is missing' }));
  if (faults.length > 0)
    throw new AllimError('record-corrupt', `the record lacks ${faults.map((f) => f.pointer).join(', ')}`, {
      faults,
    });
  return parsed as Record<string, unknown>;
}

/** Whether a record on `audiences.*` is a crossing: only those begin so. */
export function isCrossing(value: Buffer | null): boolean {
  return value?.toString('latin1', 0, CROSSING_START.length) === CROSSING_START;
}

const CROSSING_START = '{"crossing":';

export function decodeCrossing(value: Buffer | null): Crossing {
  return decode(value, [
    'crossing',
    'kind',
    'cause',
    'profileOffset',
    'overlayOffset',
    'asOf',
    'rule',
    'event',
    'citizen',
  ]) as Crossing;
}

/** Both ends are ours and a record passes no foreign hands, so the shape is checked by its required members only. */
export function decodeRequest(value: Buffer | null): MatchRequest {
  return decode(value, [
    'fanout',
    'stageRun',
    'request',
    'rule',
    'ruleVersion',
    'asOf',
    'stage',
    'minProfileOffset',
  ]) as MatchRequest;
}

export function decodePage(value: Buffer | null): AudiencePage {
  return decode(value, [
    'fanout',
    'stageRun',
    'run',
    'page',
    'last',
    'profileOffset',
    'citizens',
    'reach',
    'values',
  ]) as AudiencePage;
}
