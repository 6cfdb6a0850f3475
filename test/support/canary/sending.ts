/** What agencies hand in and what becomes of it: good, refused, kept aside, refused by a provider, dead and put back. */
import { TOPICS } from '../../../domain/records.ts';
import { subscriptionAt } from '../../sinks/push.ts';
import { eventually } from '../eventually.ts';
import { mark, PHONE } from './markers.ts';
import type { CanarySite } from './site.ts';

export const ATTRIBUTES = { birthDate: mark('birth date'), sido: '11', recognisedIncome: 53719 };
export const MAIL = `${mark('email')}@example.kr`;
const EVENT = { amount: Number(mark('event data')), dueOn: '2099-07-31' };
const CLOUD = { 'content-type': 'application/cloudevents+json' };

/** Contact points that every provider refuses in its own way, and one that is taken. */
function people(pushUrl: string) {
  const sms = (last: string) => [{ channel: 'sms', address: `${PHONE}${last}`, verified: true }];
  const email = (local: string) => [{ channel: 'email', address: `${local}.${MAIL}`, verified: true }];
  const push = (name: string) => [
    {
      channel: 'push',
      subscription: subscriptionAt(pushUrl, `${mark('push endpoint')}-${name}`),
      verified: true,
    },
  ];
  return {
    'k-nobody': sms('1'),
    'k-sender': sms('2'),
    'k-quoted': sms('3'),
    'k-broken': sms('4'),
    'k-refused': email('refused'),
    'k-busy': email('busy'),
    'k-gone': push('gone'),
    'k-wrong': push('wrong'),
    'k-well': [...sms('9'), ...email('well')],
  } as const;
}

const tax = (citizen: string, more: object = {}) => ({
  specversion: '1.0',
  id: `tax-${citizen}`,
  source: '/nts/property-tax',
  type: 'kr.nts.property-tax.assessed',
  subject: citizen,
  allimobligation: `property-tax/${citizen}`,
  data: EVENT,
  ...more,
});

export async function intake({ ask, context, pushUrl }: CanarySite): Promise<void> {
  for (const [id, contactPoints] of Object.entries(people(pushUrl))) {
    await ask('PUT', `/api/v1/citizens/${id}`, { body: { attributes: ATTRIBUTES, contactPoints } });
    await ask('POST', '/api/v1/events', { body: tax(id), headers: CLOUD });
  }
  const said = mark('body');
  for (const body of [
    { attributes: { birthDate: said, address: mark('address') } },
    { attributes: { [mark('member')]: said } },
    { contactPoints: [{ channel: 'sms', address: `${PHONE}x${said}` }] },
    {
      contactPoints: [
        {
          channel: 'push',
          subscription: { endpoint: `http://10.0.0.1/${mark('push endpoint')}`, keys: {} },
        },
      ],
    },
    `{"attributes": {"birthDate": "${said}", `,
    said,
  ])
    await ask('PUT', '/api/v1/citizens/k-well', { body });
  for (const body of [
    tax('k-well', { id: 'bad-1', data: { amount: said, address: mark('address') } }),
    tax('k-well', { id: 'bad-2', type: `kr.nts.${mark('member')}` }),
    tax('k-well', { id: 'bad-3', source: `/${mark('member')}` }),
    { [mark('member')]: said },
    `[${said}`,
  ])
    await ask('POST', '/api/v1/events', { body, headers: CLOUD });
  await ask('POST', '/api/v1/events', { body: `<${said}>`, headers: { 'content-type': 'text/xml' } });
  await ask('POST', '/api/v1/rules', { body: `"${'x'.repeat(1_200_000)}${said}"` });
  for (const kind of ['citizens', 'events', 'links'])
    await ask('POST', `/api/v1/imports?kind=${kind}&agency=nts`, {
      body: `id,birthDate,sms,name,amount\nk-file,${said},${PHONE}5,${mark('name')},${mark('event data')}\n"${said}\n`,
      headers: { 'content-type': 'text/csv' },
    });
  // Straight onto the log, as a register and another broker's clients write.
  await context.broker.append(TOPICS.profiles, [
    {
      key: 'k-quarantined',
      value: Buffer.from(JSON.stringify({ ...ATTRIBUTES, birthDate: `${mark('birth date')}T${said}` })),
    },
    { key: 'k-quarantined', value: Buffer.from(`{"birthDate": "${mark('birth date')}", ${said}`) },
  ]);
  await context.broker.append(TOPICS.events, [
    {
      key: null,
      value: Buffer.from(JSON.stringify({ amount: said, dueOn: said })),
      headers: headersOf('bad-log'),
    },
  ]);
}

const headersOf = (id: string) => ({
  ce_specversion: '1.0',
  ce_id: id,
  ce_source: '/nts/property-tax',
  ce_type: 'kr.nts.property-tax.assessed',
  'content-type': 'application/json',
});

/** Until every delivery has been tried, the dead ones are dead and the quarantine has what it must. */
export async function deliveries({ pool, called, ask }: CanarySite): Promise<void> {
  await eventually(
    async () => {
      const { rows } = await pool.query<{ tried: number; kept: number }>(
        `SELECT (SELECT count(DISTINCT n.recipient_id) FROM attempts a JOIN deliveries d ON d.id = a.delivery_id AND d.month = a.month
           JOIN notifications n ON n.id = d.notification_id) AS tried, (SELECT count(*) FROM quarantine) AS kept`,
      );
      return rows[0]!.tried >= 8 && rows[0]!.kept >= 2 && called.sms.length > 3;
    },
    { timeoutMs: 60_000, everyMs: 200 },
  );
  for (const kind of ['deliveries', 'events', 'receipts']) {
    await ask('GET', `/api/v1/dead-letters/${kind}`);
    await ask('POST', `/api/v1/dead-letters/${kind}/redrive`, { body: { dryRun: false } });
  }
  const { rows } = await pool.query<{ id: string }>('SELECT id FROM quarantine ORDER BY 1');
  const bad = { event: tax('k-well', { id: 'mended', data: { amount: mark('body') } }) };
  for (const { id } of rows) {
    await ask('POST', `/api/v1/quarantine/${id}/retry`, { as: '/api/v1/quarantine/:id/retry', body: bad });
    await ask('POST', `/api/v1/quarantine/${id}/retry`, { as: '/api/v1/quarantine/:id/retry' });
  }
}
