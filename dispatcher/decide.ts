/** Part of T2, its decisions: who of the matched is told, on which contact point, and in which batch. Hot: see dispatcher/planner.ts. */
import { AllimError } from '../domain/errors.ts';
import {
  type BatchId,
  besideId,
  type DeliveryId,
  keyId,
  type NotificationId,
  type ObligationId,
} from '../domain/ids.ts';
import { HOME_LOCALE } from '../domain/jurisdiction.ts';
import { chooseLocale } from '../domain/locales.ts';
import type { AudiencePage } from '../domain/records.ts';
import type { Reach, Rule } from '../domain/rule.ts';
import type { Sql } from '../domain/sql.ts';
import type { Channel } from '../domain/statuses.ts';
import { isImmediate } from '../domain/timeline.ts';
import type { LiveRule, Snapshot } from '../store/catalogue.ts';
import { loadPeople } from '../store/people.ts';
import { type DeliveryRow, type NotificationRow, type ObligationNow, tell } from '../store/plan.ts';
import type { Match } from './matches.ts';
import { judgeRecipient } from './recipients.ts';
import { CORRECTED } from './targeted.ts';

export const BATCH_DELIVERIES = 100;

/**
 * Decides for each match whether, whom and where to tell, counts it, and writes the told keys. Returns the rows that follow from it, for
 * the caller to write.
 */
export async function decideAndTell(
  sql: Sql,
  snapshot: Pick<Snapshot, 'templates' | 'texts' | 'localeFallbacks'>,
  matches: readonly Match[],
  obligations: ReadonlyMap<ObligationId, ObligationNow>,
): Promise<{
  notifications: NotificationRow[];
  deliveries: DeliveryRow[];
  adopted: { id: NotificationId; run: AudiencePage['run'] }[];
}> {
  const people = await loadPeople(sql, [...new Set(matches.map((match) => match.citizen))]);
  const candidates: {
    match: Match;
    id: NotificationId;
    contactPoint: { id: string; channel: Channel } | null;
  }[] = [];
  for (const match of matches) {
    const { counts, context } = match;
    counts.matched++;
    const obligation = obligations.get(match.obligation);
    if (
      obligation === undefined ||
      obligation.version > match.version ||
      match.left ||
      context.cancelled ||
      (context.superseded && context.event !== null)
    ) {
      counts.superseded++;
      continue;
    }
    if (obligation.state !== 'open') {
      counts.done++;
      continue;
    }
    const verdict = judgeRecipient(context.live.rule, people.get(match.citizen));
    if (verdict.kind === 'dead') {
      counts.nobody++;
      continue;
    }
    counts.recipients++;
    if (verdict.kind === 'opted-out') {
      counts.optedOut++;
      counts.optedRecipients++;
      continue;
    }
    // Nothing of when it is planned is in it: what is planned again after a restore is the same notice to whoever gets it.
    const id = besideId<NotificationId>(
      'told',
      match.obligation,
      context.rule,
      toldKind(context.live.rule, match.stageKind),
      match.version.toString(),
      match.citizen,
    );
    candidates.push({ match, id, contactPoint: verdict.contactPoint });
  }
  const told = await tell(
    sql,
    candidates.map(({ match, id }) => ({
      key: id,
      agency: match.context.agency,
      stageRun: match.context.stageRun,
    })),
  );
  const notifications: NotificationRow[] = [];
  const deliveries: DeliveryRow[] = [];
  const adopted: { id: NotificationId; run: AudiencePage['run'] }[] = [];
  const filling = new Map<string, { batch: BatchId; size: number }>();
  const seen = new Set<NotificationId>();
  const localeOf = localeChooser(snapshot);
  for (const { match, id, contactPoint } of candidates) {
    const { counts, context, page } = match;
    const mine = told.fresh.has(id) && !seen.has(id);
    const again = !mine && (seen.has(id) ? false : told.before.get(id) === context.stageRun);
    seen.add(id);
    if (!mine && !again) {
      counts.told++;
      counts.toldRecipients++;
      continue;
    }
    counts.notified++;
    counts.planned++;
    if (contactPoint === null) counts.noAddress++;
    if (again) {
      adopted.push({ id, run: page.run });
      continue;
    }
    const template = templateOf(context.live, match.stageKind, snapshot.templates);
    const wanted = people.get(match.citizen)?.locale ?? HOME_LOCALE;
    const reach: Reach = page.reach[match.index] === 'possible' ? 'possible' : 'certain';
    const locale = localeOf(wanted, template, reach, context.live.rule.channels);
    notifications.push({
      id,
      month: context.month,
      agency: context.agency,
      stageRun: context.stageRun,
      run: page.run,
      obligation: match.obligation,
      event: match.event,
      citizen: match.citizen,
      recipient: match.citizen,
      stageKind: match.stageKind,
      version: match.version,
      reach,
      template,
      locale,
      wantedLocale: locale === wanted ? null : wanted,
      values: valuesOf(page, match.index),
      previousEvent: match.previousEvent,
      noAddress: contactPoint === null,
    });
    if (contactPoint === null) continue;
    const bucket = `${context.agency}/${contactPoint.channel}/${context.lane}/${context.month}`;
    // Pages that are planned together share batches. The opener names one: its page is planned once, so no other batch has that id.
    let current = filling.get(bucket);
    if (current === undefined || current.size >= BATCH_DELIVERIES) {
      current = { batch: keyId<BatchId>('batch', page.run, page.page, bucket, match.index), size: 0 };
      filling.set(bucket, current);
    }
    current.size++;
    deliveries.push({
      id: besideId<DeliveryId>('delivery', id, contactPoint.id),
      month: context.month,
      agency: context.agency,
      notification: id,
      contactPoint: contactPoint.id,
      channel: contactPoint.channel,
      lane: context.lane,
      batch: current.batch,
      expiresAtMs: match.expiresAtMs,
    });
  }
  return { notifications, deliveries, adopted };
}

/**
 * A correction takes the place of the stage that leaves at once, and is the same notice: which of the two words it, depends on what the
 * ledger knows of the version before, and after a restore it knows less.
 */
function toldKind(rule: Rule, stageKind: string): string {
  return stageKind === CORRECTED ? (rule.stages.find(isImmediate)?.kind ?? CORRECTED) : stageKind;
}

function templateOf(live: LiveRule, stageKind: string, templates: ReadonlyMap<string, number>): number {
  const name = live.rule.templates[stageKind];
  const id = name === undefined ? undefined : templates.get(name);
  if (id === undefined)
    throw new AllimError(
      'not-found',
      `rule ${live.rule.id} names no template that exists for stage ${stageKind}`,
      {
        ids: { rule: live.rule.id, version: live.version },
      },
    );
  return id;
}

/** The language of each notice, asked once for each that is wanted: a page of thousands wants a handful. */
function localeChooser({ texts, localeFallbacks }: Pick<Snapshot, 'texts' | 'localeFallbacks'>) {
  const chosen = new Map<string, string>();
  return (wanted: string, template: number, reach: Reach, channels: readonly Channel[]): string => {
    const key = `${template}/${reach}/${wanted}/${channels.join()}`;
    let locale = chosen.get(key);
    if (locale === undefined) {
      locale = chooseLocale(wanted, texts.get(template) ?? new Set(), channels, reach, localeFallbacks);
      chosen.set(key, locale);
    }
    return locale;
  };
}

/** The citizen's own values as JSON; null where the page has none. */
function valuesOf(page: AudiencePage, index: number): string | null {
  const names = Object.keys(page.values);
  if (names.length === 0) return null;
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, page.values[name]?.[index] ?? null])));
}
