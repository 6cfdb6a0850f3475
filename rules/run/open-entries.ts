/**
 * The rules under the broadcasts that are open, and an index over them for each day that a shard is on. An index is built aside, in steps,
 * and is not shown before it is whole.
 */
import { messageOf } from '../../domain/errors.ts';
import type { Logger } from '../../domain/logger.ts';
import type { Fields } from '../catalogue.ts';
import { type CheckedRule, readRule } from '../check/rule.ts';
import { type BitIndex, indexInSteps } from '../compile/bits.ts';
import { type Entry, entryOf } from './entry.ts';
import type { CrossingStore, OpenEntry } from './rule-store.ts';

export class OpenEntries {
  private readonly store: Pick<CrossingStore, 'openEntries'>;
  private readonly fields: Fields;
  private readonly logger: Logger;
  /** By id of the ledger; undefined where the rule cannot be read. */
  private readonly entries = new Map<string, Entry | undefined>();
  private readonly versions = new Map<string, CheckedRule>();
  private readonly indexes = new Map<number, { of: number; index: BitIndex<Entry> }>();
  /** Counts changes of the entries. */
  private revision = 0;

  constructor(store: Pick<CrossingStore, 'openEntries'>, fields: Fields, logger: Logger) {
    this.store = store;
    this.fields = fields;
    this.logger = logger;
  }

  get size(): number {
    return this.entries.size;
  }

  /** True where something opened, closed, or was published anew. */
  async refresh(): Promise<boolean> {
    const known = new Set(this.entries.keys());
    const { open, fresh } = await this.store.openEntries(known);
    const closed = [...known].filter((id) => !open.has(id));
    for (const id of closed) this.entries.delete(id);
    for (const one of fresh) this.entries.set(one.id, this.read(one));
    if (closed.length === 0 && fresh.length === 0) return false;
    this.revision++;
    return true;
  }

  private read({ rule, version, eventType, event }: OpenEntry): Entry | undefined {
    const key = `${rule.id}@${version}`;
    try {
      const checked =
        this.versions.get(key) ?? readRule(rule, { fields: this.fields, eventType: () => eventType });
      this.versions.set(key, checked);
      return entryOf(checked, version, event);
    } catch (error) {
      this.logger.error({ rule: rule.id, version, error: messageOf(error) }, 'a live rule cannot be watched');
      return undefined;
    }
  }

  /** Builds the index of a day where it is not there for the entries as they are. */
  async indexOn(day: number): Promise<BitIndex<Entry>> {
    const { revision } = this;
    const there = this.indexes.get(day);
    if (there?.of === revision) return there.index;
    const entries = [...this.entries.values()].filter((entry) => entry !== undefined);
    const index = await indexInSteps(entries, day, () => new Promise((resolve) => setImmediate(resolve)));
    if ((this.indexes.get(day)?.of ?? -1) < revision) this.indexes.set(day, { of: revision, index });
    return index;
  }

  /** The last whole index of a day; undefined where none was built. */
  ready(day: number): BitIndex<Entry> | undefined {
    return this.indexes.get(day)?.index;
  }

  forgetDays(kept: ReadonlySet<number>): void {
    for (const day of this.indexes.keys()) if (!kept.has(day)) this.indexes.delete(day);
  }
}
