/**
 * A deadline as a calendar file (RFC 5545): one entry that lasts the day, or ends at the hour that the event names, and reminds the day
 * before at nine. The same notice gives the same UID and a newer one a higher SEQUENCE, so that a calendar replaces what it has.
 */
import { ZONE } from '../../domain/jurisdiction.ts';

export type CalendarEntry = {
  readonly uid: string;
  readonly title: string;
  readonly text: string;
  readonly reminder: string;
  readonly url: string;
  /** YYYY-MM-DD. */
  readonly day: string;
  /** HH:MM in the zone of the state; null for the whole day. */
  readonly time: string | null;
  readonly sequence: number;
  readonly nowMs: number;
};

const LINE_BYTES = 75;

/** RFC 5545 §3.1: at most 75 octets a line, never within a character. */
export function foldLine(line: string): string {
  let folded = '';
  let bytes = 0;
  for (const character of line) {
    const next = Buffer.byteLength(character);
    if (bytes + next > LINE_BYTES) {
      folded += '\r\n ';
      bytes = 1;
    }
    folded += character;
    bytes += next;
  }
  return folded;
}

/** §3.3.11. */
function text(value: string): string {
  return value
    .replaceAll('\\', '\\\\')
    .replaceAll(';', '\\;')
    .replaceAll(',', '\\,')
    .replaceAll(/\r\n|\r|\n/g, '\\n');
}

const basic = (instantMs: number) =>
  `${new Date(instantMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
const plain = (day: string) => day.replaceAll('-', '');

/** The hour before a deadline that has one. */
function timed(day: string, time: string): string[] {
  const end = Temporal.PlainDateTime.from(`${day}T${time}`);
  const local = (at: Temporal.PlainDateTime) =>
    at.toString({ smallestUnit: 'second' }).replaceAll(/[-:]/g, '');
  return [`DTSTART;TZID=${ZONE}:${local(end.subtract({ hours: 1 }))}`, `DTEND;TZID=${ZONE}:${local(end)}`];
}

/** The zone as it is on that day: its offset is asked of the runtime, and holds for the one entry that uses it. */
function zoneOf(day: string): string[] {
  const offset = Temporal.PlainDate.from(day).toZonedDateTime(ZONE).offset.replace(':', '');
  return [
    'BEGIN:VTIMEZONE',
    `TZID:${ZONE}`,
    'BEGIN:STANDARD',
    'DTSTART:19700101T000000',
    `TZOFFSETFROM:${offset}`,
    `TZOFFSETTO:${offset}`,
    'END:STANDARD',
    'END:VTIMEZONE',
  ];
}

export function calendarFile(entry: CalendarEntry): string {
  const { day, time } = entry;
  const after = Temporal.PlainDate.from(day).add({ days: 1 }).toString();
  // Fifteen hours before midnight of the day, or at nine the day before an hour.
  const before =
    time === null ? '-PT15H' : `-PT${24 + Number(time.slice(0, 2)) - 1 - 9}H${Number(time.slice(3))}M`;
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Allim//Citizen//KO',
    'CALSCALE:GREGORIAN',
    'METHOD:PUBLISH',
    ...(time === null ? [] : zoneOf(day)),
    'BEGIN:VEVENT',
    `UID:${entry.uid}`,
    `DTSTAMP:${basic(entry.nowMs)}`,
    `SEQUENCE:${entry.sequence}`,
    ...(time === null
      ? [`DTSTART;VALUE=DATE:${plain(day)}`, `DTEND;VALUE=DATE:${plain(after)}`]
      : timed(day, time)),
    `SUMMARY:${text(entry.title)}`,
    `DESCRIPTION:${text(entry.text)}`,
    ...(entry.url === '' ? [] : [`URL:${entry.url}`]),
    'TRANSP:TRANSPARENT',
    'CLASS:PRIVATE',
    'BEGIN:VALARM',
    'ACTION:DISPLAY',
    `TRIGGER:${before}`,
    `DESCRIPTION:${text(entry.reminder)}`,
    'END:VALARM',
    'END:VEVENT',
    'END:VCALENDAR',
  ];
  return `${lines.map(foldLine).join('\r\n')}\r\n`;
}

/** The hour of a deadline where the event has one beside its day: `closesOn` and `closesTime`. */
export function timeOfDeadline(data: Readonly<Record<string, unknown>>, deadline: string): string | null {
  for (const [name, value] of Object.entries(data)) {
    if (!name.endsWith('On') || value !== deadline) continue;
    const time = data[`${name.slice(0, -2)}Time`];
    if (typeof time === 'string' && /^([01]\d|2[0-3]):[0-5]\d$/.test(time)) return time;
  }
  return null;
}
