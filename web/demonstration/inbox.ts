/** One citizen's inbox, and for each notice why it came: rule, event, and each condition with the value that was seen. */
import type { Sealer } from '../../domain/sealing.ts';
import type { SqlPool } from '../../domain/sql.ts';
import { type Field, type Fields, valueName } from '../../rules/catalogue.ts';
import type { Catalogue, Snapshot } from '../../store/catalogue.ts';
import { type InboxNotice, listInbox } from '../../store/inbox.ts';
import { judgementsOf, type KnownCitizen, knownCitizen } from '../../store/overview.ts';
import { latestSimulatedSends, type ShownSend } from '../../store/simulated-sends.ts';
import { type Html, html } from '../pages/html.ts';
import { preview } from './previews.ts';
import type { Explainer, Leaf } from './why.ts';
import { clockTime, dayName, fullDay, type Language, nameIn, WORDS } from './words.ts';

export type InboxParts = {
  readonly pool: SqlPool;
  readonly sealer: Sealer;
  readonly catalogue: Catalogue;
  readonly explain: Explainer;
};

export type Inbox = {
  readonly id: string;
  readonly known: KnownCitizen;
  readonly notices: readonly {
    readonly notice: InboxNotice;
    readonly sends: readonly ShownSend[];
    /** null where the rule cannot be read any more: its event type changed. */
    readonly reason: readonly Leaf[] | null;
  }[];
};

/** null where there is no such citizen. */
export async function readInbox(
  parts: InboxParts,
  id: string,
  language: Language,
  limit: number,
): Promise<Inbox | null> {
  const { pool, sealer, catalogue } = parts;
  const known = await knownCitizen(pool, id);
  if (known === null) return null;
  const notices = await listInbox(pool, id, null, null, limit);
  const sends = await latestSimulatedSends(pool, sealer, { recipient: id });
  const judgements = await judgementsOf(
    pool,
    notices.map((notice) => notice.id),
  );
  const reasons = new Map<string, readonly Leaf[]>();
  for (const { notification, rule, ruleVersion, event, asOf } of judgements) {
    const version = await catalogue.ruleVersion(rule, ruleVersion);
    const type = version === undefined ? undefined : catalogue.current().eventTypes.get(version.rule.on);
    if (version === undefined || type === undefined) continue;
    const given = { event, attributes: known.attributes, asOf };
    try {
      reasons.set(notification, parts.explain(version.rule, type, given, language));
    } catch {
      // A rule of an older language, or attributes that are no profile any more: the page says the rest.
    }
  }
  return {
    id,
    known,
    notices: notices.map((notice) => ({
      notice,
      sends: sends.filter((send) => send.notification === notice.id),
      reason: reasons.get(notice.id) ?? null,
    })),
  };
}

/** As a person would say it; what the catalogue does not know any more stands as it is. */
function sayFact(field: Field | undefined, value: unknown, language: Language): string {
  const words = WORDS[language];
  if (value === null || value === undefined) return words.unknownValue;
  if (field !== undefined && field.type !== 'list' && typeof value === 'string' && field.type !== 'date')
    return valueName(field, value, language) ?? value;
  if (field?.type === 'boolean') return value === true ? words.yes : words.no;
  if (field?.type === 'date' && typeof value === 'string') return fullDay(value, language);
  if (Array.isArray(value)) return words.people(value.length);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function about({ id, known }: Inbox, fields: Fields, language: Language): Html {
  const words = WORDS[language];
  // In the catalogue's order: a database has its own.
  const order = [...fields.keys()];
  const attributes = Object.entries(known.attributes).toSorted(
    ([a], [b]) => order.indexOf(a) - order.indexOf(b),
  );
  const facts = attributes.map(
    ([name, value]) =>
      html`<div><dt>${fields.get(name)?.labels[language] ?? name}</dt><dd>${sayFact(fields.get(name), value, language)}</dd></div>`,
  );
  const reach = known.channels.map((channel) => words.channels[channel] ?? channel).join(', ');
  return html`<div class="person"><p class="person-id"><code>${id}</code></p><dl class="facts">
    <div><dt>${words.reachable}</dt><dd>${reach || words.noChannel}</dd></div>
    ${known.quietFrom !== null && known.quietTo !== null ? html`<div><dt>${words.reasons['quiet-hours']}</dt><dd>${words.quiet(known.quietFrom, known.quietTo)}</dd></div>` : ''}
    ${known.off.length > 0 ? html`<div><dt>${words.off}</dt><dd>${known.off.map((one) => words.categories[one] ?? one).join(', ')}</dd></div>` : ''}
    ${facts}
  </dl></div>`;
}

function why(
  notice: InboxNotice,
  reason: readonly Leaf[] | null,
  catalogue: Snapshot,
  language: Language,
): Html {
  const words = WORDS[language];
  const rule = catalogue.rules.get(notice.rule)?.rule;
  const type = catalogue.eventTypes.get(notice.event.type);
  const law = rule?.basis?.['law'];
  return html`<details class="why" open><summary>${words.why}</summary><dl>
    <div><dt>${words.whyRule}</dt><dd>${nameIn(rule?.title, language, notice.rule)} <code>${notice.rule}</code></dd></div>
    <div><dt>${words.whyEvent}</dt><dd>${nameIn(type?.title, language, notice.event.type)} <code>${notice.event.id}</code></dd></div>
    ${
      reason === null
        ? ''
        : html`<div><dt>${words.whyHolds}</dt><dd><ul class="leaves">${reason.map(
            ({ text, seen, holds }) =>
              html`<li class="${holds}"><span class="holds">${words.holds[holds]}</span> ${text}${seen.length === 0 ? '' : html` <span class="quiet">(${seen.join(' · ')})</span>`}</li>`,
          )}</ul></dd></div>`
    }
    <div><dt>${words.whyReach}</dt><dd>${notice.reach === 'possible' ? words.possible : words.certain}</dd></div>
    ${law === undefined ? '' : html`<div><dt>${words.legal}</dt><dd lang="ko">${law}</dd></div>`}
  </dl></details>`;
}

export function inboxHtml(inbox: Inbox, catalogue: Snapshot, fields: Fields, language: Language): Html {
  const words = WORDS[language];
  return html`${about(inbox, fields, language)}
  ${inbox.notices.length === 0 ? html`<p class="quiet">${words.noNotices}</p>` : ''}
  <ol class="inbox">${inbox.notices.map(({ notice, sends, reason }) => {
    const rule = catalogue.rules.get(notice.rule)?.rule;
    const states = notice.deliveries.map(({ channel, status, code }) => {
      const reasonText = code === null ? '' : ` (${words.reasons[code] ?? code})`;
      return `${words.channels[channel] ?? channel}: ${words.statuses[status] ?? status}${reasonText}`;
    });
    return html`<li class="card notice" id="n-${notice.id}">
      <h3>${nameIn(rule?.title, language, notice.rule)}${notice.stage === 'corrected' ? html` <span class="tag strong">${words.correction}</span>` : ''}</h3>
      <p class="quiet">${nameIn(catalogue.agencies.get(notice.agency)?.name, language, notice.agency)} · ${clockTime(new Date(notice.at), language)}${
        notice.deadline === null ? '' : ` · ${words.until} ${dayName(notice.deadline, language)}`
      }</p>
      ${sends.map((send) => preview(send, catalogue, language))}
      <p class="states">${notice.noAddress ? words.noAddress : states.join(' · ')}</p>
      ${why(notice, reason, catalogue, language)}
    </li>`;
  })}</ol>`;
}
