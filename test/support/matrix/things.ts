/**
 * Two agencies with one of everything, and a third of which there is nothing: the objects of the route matrix. Whatever belongs to `nts`
 * must not be seen by anybody of `nhis`, by any of the names that `marks` lists.
 */
import { randomUUID } from 'node:crypto';
import { AllimError } from '../../../domain/errors.ts';
import { keyId, type NotificationId } from '../../../domain/ids.ts';
import { TOPICS } from '../../../domain/records.ts';
import { shortCode } from '../../../domain/short-code.ts';
import { startCode } from '../../../store/contact-codes.ts';
import { saveQuarantine } from '../../../store/quarantine.ts';
import { beginSimulation } from '../../../store/simulations.ts';
import { ADMINISTRATOR } from '../http.ts';
import { taxEvent, windowEvent } from '../installation.ts';
import type { WholeSite } from '../whole-site.ts';

export type Things = {
  readonly agency: string;
  readonly citizen: string;
  readonly rule: string;
  /** A draft, its only version 1. */
  readonly draft: string;
  readonly definition: Readonly<Record<string, unknown>>;
  readonly eventType: Readonly<Record<string, unknown>>;
  readonly source: string;
  readonly template: string;
  readonly templateFiles: Readonly<Record<string, string>>;
  readonly templateVersion: number;
  readonly campaign: string;
  readonly notice: string;
  readonly code: string;
  readonly delivery: string;
  readonly quarantine: string;
  readonly import: string;
  readonly webhook: string;
  readonly simulation: string;
  readonly contactCode: string;
  /** Whatever of these stands in an answer tells of the agency's own. */
  readonly marks: readonly string[];
};

const NOBODY = '00000000-0000-4000-8000-0000000000ff';
const AS_ADMINISTRATOR = { authorization: `Bearer ${ADMINISTRATOR}` };

/** What an identifier of a thing that is not there looks like. */
export function missing(of: Things): Things {
  return {
    ...of,
    agency: 'nowhere',
    citizen: 'nobody-of-this-name',
    rule: 'no-such-rule',
    draft: 'no-such-draft',
    definition: { ...of.definition, id: 'no-such-draft' },
    template: 'no-such-template',
    campaign: NOBODY,
    notice: NOBODY,
    code: 'ZZZZ-ZZ',
    delivery: NOBODY,
    quarantine: NOBODY,
    import: NOBODY,
    webhook: NOBODY,
    simulation: NOBODY,
    contactCode: NOBODY,
    marks: [],
  };
}

const AGENCIES = {
  nhis: { rule: 'nhis-general-checkup', type: 'kr.nhis.checkup-window.opened', source: '/nhis/checkup' },
  nts: { rule: 'nts-property-tax', type: 'kr.nts.property-tax.assessed', source: '/nts/property-tax' },
} as const;

async function call(
  site: WholeSite,
  method: 'POST' | 'PUT',
  url: string,
  payload: object | string,
  type = 'application/json',
) {
  const answer = await site.app.inject({
    method,
    url,
    payload,
    headers: { ...AS_ADMINISTRATOR, 'content-type': type },
  });
  if (answer.statusCode >= 300) throw new Error(`${method} ${url}: ${answer.statusCode} ${answer.body}`);
  return answer.json() as Record<string, string>;
}

/** Both citizens are told by their agency; everything else is made beside it. */
export async function createThings(site: WholeSite): Promise<Readonly<Record<'nhis' | 'nts', Things>>> {
  const { it } = site;
  await it.citizen({ id: 'matrix-of-nhis', sms: '+821055550001', email: 'of-nhis@example.kr' });
  await it.citizen({ id: 'matrix-of-nts', sms: '+821055550002', email: 'of-nts@example.kr' });
  await it.publish(
    windowEvent({
      id: 'matrix-event-nhis',
      subject: 'matrix-of-nhis',
      allimobligation: 'checkup/matrix-nhis',
    }),
    taxEvent({
      id: 'matrix-event-nts',
      subject: 'matrix-of-nts',
      allimobligation: 'property-tax/matrix-nts',
    }),
  );
  await it.idle();
  return { nhis: await thingsOf(site, 'nhis'), nts: await thingsOf(site, 'nts') };
}

async function thingsOf(site: WholeSite, agency: 'nhis' | 'nts'): Promise<Things> {
  const { it } = site;
  const { rule, type, source } = AGENCIES[agency];
  const one = async <R>(text: string): Promise<R> => {
    const [row] = await it.rows<R>(text, [agency]);
    if (row === undefined) throw new Error(`${agency} has nothing for: ${text}`);
    return row;
  };
  const [live] = await it.rows<{ definition: Record<string, unknown> }>(
    'SELECT definition FROM rule_versions WHERE rule_id = $1 ORDER BY version DESC LIMIT 1',
    [rule],
  );
  const definition = {
    ...live!.definition,
    id: `matrix-draft-${agency}`,
    title: { ko: `초안 ${agency}`, en: `matrix title ${agency}` },
  };
  await call(site, 'POST', '/api/v1/rules', definition);
  const template = await one<{ id: number; name: string; definition: { files?: Record<string, string> } }>(
    `SELECT id, name, definition FROM template_versions WHERE agency_id = $1 ORDER BY id LIMIT 1`,
  );
  const { id: campaign } = await one<{ id: string }>('SELECT id FROM campaigns WHERE agency_id = $1 LIMIT 1');
  const { notice, delivery, citizen } = await one<{
    notice: NotificationId;
    delivery: string;
    citizen: string;
  }>(
    `SELECT n.id AS notice, d.id AS delivery, n.recipient_id AS citizen
     FROM notifications n JOIN deliveries d ON d.notification_id = n.id WHERE n.agency_id = $1 LIMIT 1`,
  );
  const offset = agency === 'nhis' ? 901 : 902;
  await saveQuarantine(it.pool, it.sealer, [
    {
      topic: TOPICS.events,
      partition: 0,
      offset,
      key: null,
      headers: { ce_id: `matrix-bad-${agency}`, ce_source: source, ce_type: type, ce_specversion: '1.0' },
      value: Buffer.from(JSON.stringify({ of: agency })),
      error: new AllimError('event-invalid', 'the event is not valid', {
        faults: [{ pointer: '/data', message: 'is not valid' }],
      }),
      agency,
    },
  ]);
  const simulation = randomUUID();
  await beginSimulation(it.pool, { id: simulation, agency, caller: 'administrator', steps: 1 });
  const contactCode = randomUUID();
  await startCode(
    it.pool,
    it.sealer,
    { id: contactCode, citizen, channel: 'email', address: `new-${agency}@example.kr`, code: '123456' },
    it.clock.nowMs(),
  );
  const webhookUrl = `https://hooks.${agency}-matrix.example/allim`;
  const webhook = (await call(site, 'POST', '/api/v1/webhooks', { url: webhookUrl, agency }))['id']!;
  const file = await call(
    site,
    'POST',
    `/api/v1/imports?kind=links&agency=${agency}&name=matrix-file-${agency}`,
    'key,citizen\n',
    'text/csv',
  );
  const [eventType] = await it.rows<{ definition: Record<string, unknown> }>(
    'SELECT definition FROM event_types WHERE type = $1',
    [type],
  );
  const things = {
    agency,
    citizen,
    rule,
    draft: definition.id,
    definition,
    eventType: eventType!.definition,
    source,
    template: template.name,
    templateFiles: template.definition.files ?? {},
    templateVersion: template.id,
    campaign,
    notice,
    code: shortCode(notice),
    delivery,
    quarantine: keyId('quarantine', TOPICS.events, 0, offset),
    import: file['id']!,
    webhook,
    simulation,
    contactCode,
  };
  return {
    ...things,
    marks: [
      things.citizen,
      things.draft,
      `matrix title ${agency}`,
      `matrix-event-${agency}`,
      `matrix-bad-${agency}`,
      `matrix-file-${agency}`,
      `${agency}-matrix.example`,
      things.campaign,
      things.notice,
      things.code,
      things.delivery,
      things.quarantine,
      things.import,
      things.webhook,
      things.simulation,
    ],
  };
}
