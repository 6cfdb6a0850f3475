/**
 * One run: a request resolved at one position of its shard and paged out under an id of its own, never more than four pages ahead of
 * the dispatcher. An outage of broker or store is waited out in place, so the run keeps its id and repeats the page.
 */
import { AllimError } from '../../domain/errors.ts';
import { type RunId, randomId } from '../../domain/ids.ts';
import { mark } from '../../domain/marks.ts';
import { decodeRequest, type MatchEvent, PAGE_CITIZENS, TOPICS } from '../../domain/records.ts';
import { isTransient } from '../../domain/transient.ts';
import type { Fields } from '../catalogue.ts';
import { type CheckedRule, readRule } from '../check/rule.ts';
import { pagesOf, resolve } from './answer.ts';
import { backOff } from './lane.ts';
import { PlannedPages } from './planned-pages.ts';
import type { RulesStore } from './rule-store.ts';
import type { Shard, ShardRecord } from './shard.ts';

/** Pages of a fan-out that may wait to be planned. */
const UNPLANNED_PAGES = 4;
const VERSIONS = 1_000;

type Version = { readonly checked: CheckedRule; readonly valueFields: readonly string[] };

export type RunsOptions = {
  readonly append: (topic: string, partition: number, value: Buffer) => Promise<void>;
  readonly store: Pick<RulesStore, 'ruleVersion' | 'plannedPages'>;
  readonly fields: Fields;
  readonly shard: (partition: number) => Shard | undefined;
  /** Called in the step in which a broadcast is answered. */
  readonly answered?: (partition: number, rule: CheckedRule, version: number, event: MatchEvent) => void;
  readonly plannedPollMs: number;
};

export class Runs {
  private readonly options: RunsOptions;
  private readonly planned: PlannedPages;
  private readonly versions = new Map<string, Version>();

  constructor(options: RunsOptions) {
    this.options = options;
    this.planned = new PlannedPages((fanouts) => options.store.plannedPages(fanouts), options.plannedPollMs);
  }

  stop(): void {
    this.planned.stop();
  }

  /** Resolves when every page was acknowledged, when the fan-out wants no more of them, or when `signal` aborted. */
  async answer(record: ShardRecord, signal: AbortSignal): Promise<void> {
    const request = decodeRequest(record.value);
    const shard = this.options.shard(record.partition);
    if (shard === undefined) throw new AllimError('position-fenced', 'the shard is not held here');
    await shard.reached(request.minProfileOffset);
    const { checked, valueFields } = await this.version(request.rule, request.ruleVersion);
    if (signal.aborted) return;

    const answer = resolve(request, checked, valueFields, shard.population);
    if (request.event !== undefined)
      this.options.answered?.(record.partition, checked, request.ruleVersion, request.event);
    mark('answer:resolved');
    const head = { run: randomId<RunId>(), profileOffset: shard.position };
    const topic = record.topic === TOPICS.requests.urgent ? TOPICS.audiences.urgent : TOPICS.audiences.bulk;
    const size = answer.citizens.length + answer.unknown.length;
    // Pages of an earlier run of the fan-out are not ours: only what is planned from here on makes room.
    const before =
      size > PAGE_CITIZENS ? await throughOutages(() => this.planned.now(request.fanout), signal) : 0;
    if (before === undefined) return;
    let planned = before;
    let sent = 0;
    for (const value of pagesOf(request, answer, head)) {
      while (sent - (planned - before) >= UNPLANNED_PAGES) {
        const found = await throughOutages(() => this.planned.next(request.fanout), signal);
        if (found === undefined) return;
        planned = found;
      }
      if (signal.aborted) return;
      await throughOutages(() => this.options.append(topic, record.partition, value), signal);
      mark('answer:page-flushed');
      sent++;
    }
  }

  private async version(id: string, version: number): Promise<Version> {
    const key = `${id}@${version}`;
    const known = this.versions.get(key);
    if (known !== undefined) return known;
    const found = await this.options.store.ruleVersion(id, version);
    if (found === undefined)
      throw new AllimError('rule-invalid', 'the request names a version that was never published', {
        ids: { rule: id, version },
      });
    const checked = readRule(found.rule, { fields: this.options.fields, eventType: () => found.eventType });
    const read = { checked, valueFields: found.valueFields };
    // Versions never change; the bound only keeps years of them out of memory.
    if (this.versions.size >= VERSIONS) this.versions.delete(this.versions.keys().next().value!);
    this.versions.set(key, read);
    return read;
  }
}

/** Repeats a step while it fails for a reason that passes; undefined where `signal` aborted meanwhile. */
async function throughOutages<T>(step: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  for (let pauses = 0; !signal.aborted; pauses++) {
    try {
      return await step();
    } catch (error) {
      if (!isTransient(error)) throw error;
      await backOff(pauses, signal);
    }
  }
  return undefined;
}
