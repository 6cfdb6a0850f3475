/**
 * When things fall due: a deadline that rolls off days off, and the instants of a rule's stages. Pure; the calendar of days off is given.
 */
import { ZONE } from './jurisdiction.ts';
import type { Rule, Stage } from './rule.ts';
import { evaluateOverEvent, plainDay, readsCitizen } from './value.ts';

export type WorkingDays = {
  isDayOff(day: string): boolean;
  nextWorkingDay(day: string): string;
  previousWorkingDay(day: string): string;
};

type Data = Readonly<Record<string, unknown>>;

/** The deadline (YYYY-MM-DD), moved to the next working day where the rule says so; null where there is none, it is no date, or only the shard knows it. */
export function deadlineOf(rule: Rule, data: Data, calendar: WorkingDays): string | null {
  if (rule.deadline === undefined || readsCitizen(rule.deadline.at)) return null;
  const value = evaluateOverEvent(rule.deadline.at, data);
  return typeof value === 'string' ? rollDeadline(rule, value, calendar) : null;
}

export function rollDeadline(rule: Rule, at: string, calendar: WorkingDays): string | null {
  // An event may give the deadline as a date-time: the day counts, in the zone of the state.
  const day = plainDay(() =>
    at.length === 10
      ? Temporal.PlainDate.from(at)
      : Temporal.Instant.from(at).toZonedDateTimeISO(ZONE).toPlainDate(),
  );
  if (day === null) return null;
  return rule.deadline?.ifDayOff === 'next' && calendar.isDayOff(day) ? calendar.nextWorkingDay(day) : day;
}

/** True for a stage that leaves when its event arrives. */
export function isImmediate(stage: Stage): boolean {
  return stage.anchor === 'event' && stage.time === undefined && Temporal.Duration.from(stage.offset).blank;
}

/**
 * The instant a stage falls due, ms since the epoch; null where its anchor is not known or is no date. `time` is wall-clock time in `zone`.
 */
export function dueOf(
  rule: Rule,
  stage: Stage,
  event: { data: Data; arrivedMs: number },
  calendar: WorkingDays,
  zone: string = ZONE,
): number | null {
  const duration = Temporal.Duration.from(stage.offset);
  if (stage.anchor === 'event' && stage.time === undefined)
    return Temporal.Instant.fromEpochMilliseconds(event.arrivedMs).toZonedDateTimeISO(zone).add(duration)
      .epochMilliseconds;
  const anchor =
    stage.anchor === 'event'
      ? Temporal.Instant.fromEpochMilliseconds(event.arrivedMs)
          .toZonedDateTimeISO(zone)
          .toPlainDate()
          .toString()
      : stage.anchor === 'deadline'
        ? deadlineOf(rule, event.data, calendar)
        : readsCitizen(stage.anchor)
          ? null
          : evaluateOverEvent(stage.anchor, event.data);
  if (typeof anchor !== 'string') return null;
  let day = plainDay(() => Temporal.PlainDate.from(anchor).add(duration));
  if (day === null) return null;
  if (stage.workingDay !== undefined && calendar.isDayOff(day))
    day = stage.workingDay === 'next' ? calendar.nextWorkingDay(day) : calendar.previousWorkingDay(day);
  return Temporal.PlainDate.from(day).toZonedDateTime({ timeZone: zone, plainTime: stage.time ?? '00:00' })
    .epochMilliseconds;
}

/** The end of a day in the zone of the state: what is about a deadline is pointless after it. */
export function endOfDay(day: string): number {
  return Temporal.PlainDate.from(day).add({ days: 1 }).toZonedDateTime(ZONE).epochMilliseconds - 1;
}

/** Days for which a notice about a missed deadline is still worth sending. */
const LATE_DAYS = 14;

/**
 * The last instant of a stage that comes after the deadline (an overdue notice), whose point begins where that of the others ends; null for
 * every other stage.
 */
export function endOfLateStage(rule: Rule, kind: string, deadline: string | null): number | null {
  const stage = rule.stages.find((s) => s.kind === kind);
  if (deadline === null || stage?.anchor !== 'deadline') return null;
  const offset = Temporal.Duration.from(stage.offset);
  if (offset.sign <= 0) return null;
  const day = plainDay(() => Temporal.PlainDate.from(deadline).add(offset).add({ days: LATE_DAYS }));
  return day === null ? null : endOfDay(day);
}
