/** Puts together what a text may name and renders it: the event, the citizen's values, the deadline, the agency, the short code. */
import { LRUCache } from 'lru-cache';
import type { Content } from '../domain/content.ts';
import { AllimError } from '../domain/errors.ts';
import type { CloudEvent } from '../domain/event.ts';
import type { DeliveryId } from '../domain/ids.ts';
import { LMS_BYTES, smsBytes } from '../domain/kr/sms-bytes.ts';
import { inLocale } from '../domain/locales.ts';
import type { SqlPool } from '../domain/sql.ts';
import type { WorkingDays } from '../domain/timeline.ts';
import type { Catalogue, LiveRule } from '../store/catalogue.ts';
import { loadEvents } from '../store/events.ts';
import type { Claimed } from '../store/turn.ts';
import { parseTemplate, renderContent, type Template } from '../templates/catalogue.ts';
import { noticeDeadline, noticeValues } from '../templates/notice-values.ts';

/** A broadcast's event is read once for its million recipients. */
const CACHED_EVENTS = 500;
/** Parsed; more than are live at once in any installation that we have reckoned with. */
const CACHED_TEMPLATES = 1_000;

/** Of a push's words as JSON; the message around them and its padding need the rest of what a push service takes. */
export const PUSH_CONTENT_BYTES = 2_500;

/** The checks reckon with the longest values they know of; an event may bring longer ones. Throws `template-failed`. */
export function needFit(content: Content, template: string): void {
  let bytes = 0;
  let limit = Number.POSITIVE_INFINITY;
  if (content.channel === 'sms') {
    bytes = smsBytes(content.text);
    limit = LMS_BYTES;
  } else if (content.channel === 'push') {
    bytes = Buffer.byteLength(JSON.stringify(content));
    limit = PUSH_CONTENT_BYTES;
  }
  if (bytes > limit)
    throw new AllimError(
      'template-failed',
      `template ${template}: the ${content.channel} has ${bytes} bytes, ${limit} are allowed`,
      { ids: { template } },
    );
}

export interface Renderer {
  /** `template-failed` and `not-found` are technical failures of one delivery; anything else is a fault of the store. */
  render(row: Claimed): Promise<Content>;
}

export function createRenderer(parts: {
  pool: SqlPool;
  catalogue: Catalogue;
  calendar: WorkingDays;
  /** Where mails like this delivery are stopped; without it they say nothing of it. */
  unsubscribeUrl?: ((delivery: DeliveryId) => string | undefined) | undefined;
}): Renderer {
  const { pool, catalogue, calendar, unsubscribeUrl } = parts;
  const events = new LRUCache<string, Promise<CloudEvent>>({ max: CACHED_EVENTS });
  const templates = new LRUCache<number, Promise<Template>>({ max: CACHED_TEMPLATES });

  let last: { event: CloudEvent; live: LiveRule; deadline: string | null } | undefined;

  function eventById(id: string): Promise<CloudEvent> {
    let found = events.get(id);
    if (found === undefined) {
      found = loadEvents(pool, [id]).then((rows) => {
        const event = rows.get(id);
        if (event === undefined)
          throw new AllimError('not-found', 'the event of a notification is not in the ledger', {
            ids: { event: id },
          });
        return event;
      });
      // Whoever awaits it hears of the failure; it only must not stay.
      found.catch(() => events.delete(id));
      events.set(id, found);
    }
    return found;
  }

  function templateById(id: number): Promise<Template> {
    let found = templates.get(id);
    if (found === undefined) {
      found = catalogue.template(id).then((definition) => {
        const { name, files } = definition as { name: string; files: Record<string, string> };
        return parseTemplate(name, files);
      });
      // As above.
      found.catch(() => templates.delete(id));
      templates.set(id, found);
    }
    return found;
  }

  function deadlineIn(live: LiveRule, event: CloudEvent, row: Claimed): string | null {
    if (typeof row.values?.['deadline'] === 'string')
      return noticeDeadline(live.rule, row.values, event, calendar);
    // A broadcast's, reckoned once for its million recipients.
    if (last?.event !== event || last.live !== live)
      last = { event, live, deadline: noticeDeadline(live.rule, null, event, calendar) };
    return last.deadline;
  }

  return {
    async render(row) {
      const live = await catalogue.ruleVersion(row.rule, row.ruleVersion);
      if (live === undefined)
        throw new AllimError('not-found', `rule ${row.rule} has no version ${row.ruleVersion}`);
      const event = row.body ?? (await eventById(row.event));
      const template = await templateById(row.template);
      const previous = row.previousEvent === null ? undefined : await eventById(row.previousEvent);
      const { agencies, localeFallbacks } = catalogue.current();
      const agencyNames = agencies.get(row.agency)?.name;
      const values = noticeValues({
        notification: row.notification,
        rule: live.rule,
        event,
        previous,
        values: row.values,
        deadline: deadlineIn(live, event, row),
        agency: inLocale(agencyNames, row.locale, localeFallbacks) ?? row.agency,
        calendar,
      });
      // An emergency goes by whatever leads to the person.
      const stoppable = row.channel === 'email' && row.category !== 'emergency';
      const stop = stoppable ? unsubscribeUrl?.(row.id) : undefined;
      const content = renderContent(template, {
        channel: row.channel,
        locale: row.locale,
        reach: row.reach,
        values,
        ...(stop === undefined ? {} : { unsubscribe: stop }),
      });
      needFit(content, template.name);
      return content;
    },
  };
}
