/** Commands that work as they stand: copied into a shell on this machine they send events of their own each time. */
import type { Snapshot } from '../../store/catalogue.ts';
import type { Language } from './words.ts';

/** Citizens of the seed whose first channel is this one. */
export type Examples = Readonly<Record<'push' | 'email' | 'sms', string>>;

export type CommandParts = {
  readonly url: string;
  /** What a shell makes the administrator's token of: `$(cat 'data/secrets/admin-token')`. */
  readonly token: string;
  /** YYYY-MM-DD. */
  readonly today: string;
};

const json = (value: unknown) => JSON.stringify(value, null, 1).replaceAll(/\n */g, ' ');

function post(parts: CommandParts, type: string, body: string): string {
  return [
    `curl -sS ${parts.url}/api/v1/events \\`,
    `  -H "Authorization: Bearer ${parts.token}" \\`,
    `  -H 'content-type: ${type}' \\`,
    `  -d '${body}'`,
  ].join('\n');
}

function tax(parts: CommandParts, suffix: string, subject: string, amount: number) {
  const id = `try-'$N'${suffix}`;
  return json({
    specversion: '1.0',
    id,
    source: '/nts/property-tax',
    type: 'kr.nts.property-tax.assessed',
    subject,
    allimobligation: `property-tax/${id}`,
    data: { amount, dueOn: Temporal.PlainDate.from(parts.today).add({ days: 30 }).toString() },
  });
}

/** One person a channel. */
export function threePeople(parts: CommandParts, { push, email, sms }: Examples): string {
  const events = [
    tax(parts, '-1', push, 132_000),
    tax(parts, '-2', email, 87_000),
    tax(parts, '-3', sms, 45_300),
  ];
  return `N=$(date +%s)\n${post(parts, 'application/cloudevents-batch+json', `[${events.join(',\n       ')}]`)}`;
}

/** A new citizen with a telephone number that nobody can have, and an event about them. */
export function yourself(parts: CommandParts, language: Language): string {
  const me = json({
    attributes: { birthDate: '1980-05-05', sido: '11' },
    locale: language,
    contactPoints: [
      { channel: 'sms', address: '+821000001234', verified: true },
      { channel: 'email', address: 'me@example.kr', verified: true },
    ],
  });
  return [
    `N=$(date +%s)`,
    `curl -sS -X PUT ${parts.url}/api/v1/citizens/c-me \\`,
    `  -H "Authorization: Bearer ${parts.token}" \\`,
    `  -H 'content-type: application/json' \\`,
    `  -d '${me}'`,
    post(parts, 'application/cloudevents+json', tax(parts, '', 'c-me', 132_000)),
  ].join('\n');
}

/** A broadcast: the flood warning where the catalogue has one, else a check-up window, which tells everybody once. */
export function everybodyIn(parts: CommandParts, catalogue: Snapshot): string {
  const [type, source, data] = broadcastOf(parts, catalogue);
  return `N=$(date +%s)\n${post(
    parts,
    'application/cloudevents+json',
    json({ specversion: '1.0', id: `try-'$N'`, source, type, data }),
  )}`;
}

const DISTRICT = '26290';

function broadcastOf(
  { today }: CommandParts,
  catalogue: Snapshot,
): [type: string, source: string, data: object] {
  const flood = 'kr.mois.disaster.warned';
  if (catalogue.eventTypes.get(flood) !== undefined)
    return [
      flood,
      '/mois/disaster',
      {
        warning: `try-'$N'`,
        hazard: 'flood',
        level: 'warning',
        areas: [DISTRICT],
        areaName: { ko: '부산 남구', en: 'Busan Nam-gu' },
      },
    ];
  const year = Temporal.PlainDate.from(today).year + 1;
  return [
    'kr.nhis.checkup-window.opened',
    '/nhis/checkup',
    { year, parity: year % 2, area: DISTRICT, closesOn: `${year}-12-31` },
  ];
}
