/**
 * Everything that a notice's texts may name, from what the ledger keeps of it. One place for whoever says it: workers that send it, the
 * citizen's inbox, the page that confirms it.
 */
import type { CloudEvent } from '../domain/event.ts';
import type { NotificationId } from '../domain/ids.ts';
import type { Rule } from '../domain/rule.ts';
import { shortCode } from '../domain/short-code.ts';
import { deadlineOf, rollDeadline, type WorkingDays } from '../domain/timeline.ts';
import type { TemplateValues } from './catalogue.ts';

export type OwnValues = Readonly<Record<string, string | number | boolean | null>>;

/** The deadline of a notice (YYYY-MM-DD): the citizen's own where the shard reckoned one, else the event's. */
export function noticeDeadline(
  rule: Rule,
  values: OwnValues | null,
  event: CloudEvent,
  calendar: WorkingDays,
): string | null {
  const own = values?.['deadline'];
  return typeof own === 'string' ? rollDeadline(rule, own, calendar) : deadlineOf(rule, event.data, calendar);
}

export function noticeValues(given: {
  readonly notification: NotificationId;
  readonly rule: Rule;
  readonly event: CloudEvent;
  /** Of a correction. */
  readonly previous: CloudEvent | undefined;
  readonly values: OwnValues | null;
  readonly deadline: string | null;
  /** The agency's name in the language of the text. */
  readonly agency: string;
  readonly calendar: WorkingDays;
}): TemplateValues {
  const { rule, event, previous, values } = given;
  const citizen: Record<string, string | number | boolean | null> = {};
  for (const name in values)
    if (name.startsWith('citizen.') && values[name] !== null)
      citizen[name.slice('citizen.'.length)] = values[name]!;
  return {
    event: event.data,
    citizen,
    deadline: given.deadline,
    ...(rule.action === undefined ? {} : { action: rule.action }),
    agency: given.agency,
    code: shortCode(given.notification),
    ...(previous === undefined
      ? {}
      : { old: { event: previous.data, deadline: deadlineOf(rule, previous.data, given.calendar) } }),
  };
}
