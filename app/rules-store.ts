/** What the shard server needs of the ledger, put together from the store's queries. */
import type { Broker } from '../broker/broker.ts';
import type { Sealer } from '../domain/sealing.ts';
import { type SqlPool, transaction } from '../domain/sql.ts';
import type { CrossingStore, RulesStore } from '../rules/run/shard-server.ts';
import type { Catalogue } from '../store/catalogue.ts';
import { loadMatchEvents, watchedCampaigns } from '../store/crossings.ts';
import { failFanouts, plannedPages } from '../store/fanouts.ts';
import { advancePosition, claimPositions } from '../store/positions.ts';
import { countQuarantined, saveQuarantine } from '../store/quarantine.ts';
import { awaitedCitizens, dropForgotten, markArrived } from '../store/unresolved.ts';
import { citizenFieldsOf, parseTemplate } from '../templates/catalogue.ts';

export function createRulesStore(parts: {
  readonly pool: SqlPool;
  readonly broker: Broker;
  readonly catalogue: Catalogue;
  readonly sealer: Sealer;
  readonly clock: { nowMs(): number };
}): RulesStore {
  const { pool, broker, catalogue, sealer, clock } = parts;

  /** The citizen's fields that the live templates of the rule name: a page carries these and no others. */
  async function valueFields(templates: Readonly<Record<string, string>>): Promise<string[]> {
    const snapshot = catalogue.current();
    const fields = new Set<string>();
    for (const name of new Set(Object.values(templates))) {
      const id = snapshot.templates.get(name);
      if (id === undefined) continue;
      const { files } = (await catalogue.template(id)) as { files: Record<string, string> };
      for (const field of citizenFieldsOf(parseTemplate(name, files))) fields.add(field);
    }
    return [...fields].sort();
  }

  return {
    startPositions: (group, partitions) =>
      claimPositions(pool, group, partitions, (topic) => broker.begins(topic)),
    advance: (group, topic, partition, from, next, fence) =>
      advancePosition(pool, group, { topic, partition, from, next, fence }),
    async ruleVersion(id, version) {
      const live = await catalogue.ruleVersion(id, version);
      if (live === undefined) return undefined;
      const eventType =
        catalogue.current().eventTypes.get(live.rule.on) ??
        (await catalogue.refresh()).eventTypes.get(live.rule.on);
      if (eventType === undefined) return undefined;
      return { rule: live.rule, valueFields: await valueFields(live.rule.templates), eventType };
    },
    plannedPages: (fanouts) => plannedPages(pool, fanouts),
    async quarantine({ fanout, ...refused }) {
      await transaction(pool, async (sql) => {
        await saveQuarantine(sql, sealer, [refused]);
        if (fanout !== undefined)
          await failFanouts(sql, [fanout], `request quarantined: ${refused.error.message}`, clock.nowMs());
      });
    },
    async quarantineProfiles(kept, counted) {
      await transaction(pool, async (sql) => {
        const fresh = await countQuarantined(sql, kept, counted);
        await saveQuarantine(sql, sealer, fresh);
      });
    },
    async profilesArrived(ids) {
      await markArrived(pool, ids);
    },
    async profilesForgotten(ids) {
      await dropForgotten(pool, ids);
    },
    awaited: () => awaitedCitizens(pool),
  };
}

/** What announcing needs of it. */
export function createCrossingStore(parts: {
  readonly pool: SqlPool;
  readonly catalogue: Catalogue;
  readonly clock: { nowMs(): number };
}): CrossingStore {
  const { pool, catalogue, clock } = parts;
  return {
    async openEntries(known) {
      const watched = await watchedCampaigns(pool, clock.nowMs());
      const unknown = watched.filter(({ id }) => !known.has(id));
      const events =
        unknown.length === 0
          ? new Map()
          : await loadMatchEvents(
              pool,
              unknown.map(({ event }) => event),
            );
      const fresh = [];
      for (const { id, rule, version, event } of unknown) {
        const live = await catalogue.ruleVersion(rule, version);
        const body = events.get(event);
        const eventType =
          live &&
          (catalogue.current().eventTypes.get(live.rule.on) ??
            (await catalogue.refresh()).eventTypes.get(live.rule.on));
        if (live !== undefined && body !== undefined && eventType !== undefined)
          fresh.push({ id, rule: live.rule, version, eventType, event: body });
      }
      return { open: new Set(watched.map(({ id }) => id)), fresh };
    },
    claim(group, partitions) {
      const begins = (topic: string): number[] => {
        const at: number[] = [];
        for (const one of partitions) if (one.topic === topic) at[one.partition] = one.begin;
        return at;
      };
      return claimPositions(pool, group, partitions, async (topic) => begins(topic));
    },
    advance: (group, topic, partition, from, next, fence) =>
      advancePosition(pool, group, { topic, partition, from, next, fence }),
  };
}
