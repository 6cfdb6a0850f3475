/** Everything that an installation does with people's data, failures included, with a marker wherever one can be put. */
import type { NotificationId } from '../../../domain/ids.ts';
import { shortCode } from '../../../domain/short-code.ts';
import { createBrowser } from '../browser.ts';
import { mark, PHONE } from './markers.ts';
import { ATTRIBUTES, deliveries, intake, MAIL } from './sending.ts';
import type { CanarySite } from './site.ts';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

export async function attempt(site: CanarySite): Promise<void> {
  await intake(site);
  await deliveries(site);
  await requests(site);
  await signIn(site);
  await staff(site);
  await whatIsNotThere(site);
  await citizen(site);
  await everybody(site);
  await faultsOfOurs(site);
}

const STRANGE = {
  'user-agent': `Mozilla ${mark('header')}`,
  referer: `https://elsewhere.example/${mark('header')}`,
  'accept-language': 'ko',
  'x-request-id': mark('header'),
  'x-forwarded-for': mark('header'),
  'if-none-match': `"${mark('header')}"`,
  cookie: `allim-session=${mark('token')}; other=${mark('header')}`,
};

/** Whatever a request can hold, at places that are there and that are not, with a key that is good, bad or none. */
async function requests({ ask }: CanarySite): Promise<void> {
  const query = `?q=${mark('query')}&cursor=${mark('query')}`;
  for (const key of [undefined, null, `allim_${mark('token')}`])
    for (const [method, url] of [
      ['GET', `/${mark('path')}${query}`],
      ['GET', `/api/v1/${mark('path')}${query}`],
      ['GET', `/api/v1/campaigns/${mark('path')}${query}`],
      ['GET', `/api/v1/rules${query}`],
      ['GET', `/api/v1/support/notices/${mark('path')}${query}`],
      ['GET', `/unsubscribe/${mark('path')}${query}`],
      ['GET', `/console/${mark('path')}${query}`],
      ['GET', `/me/notices/${mark('path')}${query}`],
      ['GET', `/sign-in${query}&as=${mark('query')}`],
      ['GET', `/%E0%A4%A${mark('path')}`],
    ] as const) {
      const as = url.split('?', 1)[0]!.replace(mark('path'), ':page');
      await ask(method, url, { as, headers: STRANGE, ...(key === undefined ? {} : { key }) });
    }
  for (const url of [
    '/api/v1/stops',
    '/api/v1/webhooks',
    '/api/v1/support/lookups',
    '/api/v1/rules',
    '/receipts/push',
    '/receipts/sms',
    '/receipts/email',
    '/push/renewals',
  ]) {
    await ask('POST', url, {
      body: { [mark('member')]: mark('body'), reason: { a: mark('body') } },
      headers: STRANGE,
    });
    await ask('POST', url, { body: `{"x": ${mark('body')}`, headers: STRANGE });
  }
  await ask('POST', '/api/v1/stops', {
    body: { scope: 'all', reason: mark('body') },
    headers: {
      'idempotency-key': `${mark('header')}\u0001`.slice(0, -1),
      'content-type': `text/${mark('header')}`,
    },
  });
}

const NOBODY = '00000000-0000-4000-8000-0000000000ff';

/** Things that are not there, and things of somebody else: an answer that there is nothing tells neither what was asked for nor what there is. */
async function whatIsNotThere({ ask, signIn, pool }: CanarySite): Promise<void> {
  const name = mark('path');
  const body = { reason: mark('body') };
  const hash = 'a'.repeat(64);
  const staff = await signIn({
    kind: 'staff',
    subject: 'canary-elsewhere',
    name: mark('name'),
    agency: 'nhis',
    roles: ['author', 'approver', 'operator', 'support', 'auditor'],
    locale: 'ko',
  });
  const { rows: found } = await pool.query<{ campaign: string; notice: string; quarantined: string }>(
    `SELECT (SELECT id FROM campaigns LIMIT 1) AS campaign, (SELECT id FROM notifications WHERE recipient_id = 'k-well' LIMIT 1) AS notice,
       (SELECT id FROM quarantine WHERE agency_id = 'nts' LIMIT 1) AS quarantined`,
  );
  const { campaign, notice, quarantined } = found[0]!;
  for (const [method, url, payload] of [
    ['GET', `/api/v1/rules/${name}`],
    ['GET', `/api/v1/rules/${name}/versions/1`],
    ['GET', `/api/v1/rules/${name}/audience?why=${mark('query')}`],
    ['GET', `/api/v1/templates/${name}`],
    ['GET', `/api/v1/campaigns/${campaign}`],
    ['GET', `/api/v1/quarantine/${quarantined}`],
    ['GET', `/api/v1/rules/nts-property-tax/versions/1`],
    ['POST', `/api/v1/rules/${name}/versions/1/refusal`, { ...body, hash }],
    ['POST', `/api/v1/rules/${name}/versions/1/publication`, body],
    ['POST', '/api/v1/rules/nts-property-tax/versions/1/publication', body],
    ['POST', '/api/v1/rules/nts-property-tax/withdrawal', { ...body, planned: 'leave' }],
    ['POST', `/api/v1/campaigns/${campaign}/pause`, body],
    ['POST', `/api/v1/campaigns/${campaign}/cancel`, body],
    ['POST', `/api/v1/campaigns/${NOBODY}/cancel`, body],
    ['POST', '/api/v1/stops', { ...body, scope: `campaign:${campaign}` }],
    ['DELETE', `/api/v1/stops/campaign:${NOBODY}?reason=${mark('query')}`],
    ['POST', '/api/v1/support/explanations', { ...body, citizen: 'k-well', rule: 'nts-property-tax' }],
    ['POST', '/api/v1/support/explanations', { ...body, citizen: 'k-well', rule: name }],
    ['POST', `/api/v1/quarantine/${quarantined}/drop`, body],
    ['DELETE', `/api/v1/sessions/${NOBODY}`],
  ] as const) {
    const as = url
      .split('?', 1)[0]!
      .replace(name, ':name')
      .replaceAll(/[0-9a-f-]{36}/g, ':id');
    const { status } = await ask(method, url, {
      as: `${as} there`,
      key: null,
      headers: staff,
      ...(payload === undefined ? {} : { body: payload }),
    });
    if (status !== 404)
      throw new Error(`${method} ${as} was answered ${status}, and not that it is not there`);
  }
  const other = await signIn({ kind: 'citizen', citizen: 'k-busy', locale: 'ko' });
  for (const [method, url] of [
    ['GET', `/me/notices/${notice}`],
    ['GET', `/me/notices/${notice}/calendar.ics?q=${mark('query')}`],
    ['POST', `/me/notices/${notice}/done`],
  ] as const)
    await ask(method, url, {
      as: `${url.split('?', 1)[0]!.replace(notice, ':foreign')}`,
      key: null,
      headers: { ...other, ...FORM },
      ...(method === 'POST' ? { body: `note=${mark('body')}` } : {}),
    });
}

async function signIn(site: CanarySite): Promise<void> {
  const { ask } = site;
  await ask('GET', `/sign-in/callback?state=${mark('token')}&code=${mark('token')}&error=${mark('query')}`, {
    as: '/sign-in/callback',
    key: null,
  });
  const origin = site.origin;
  const browser = createBrowser();
  const page = await browser.visit(`${origin}/sign-in?as=staff&account=${mark('account')}`);
  for (let n = 0; n < 12; n++)
    await site.keep(
      'POST /identity/interaction',
      await browser.ask(page.url, { form: { account: mark('account'), password: mark('password') } }),
    );
  const callback = `${origin}/sign-in/callback?state=${mark('token')}&iss=${mark('query')}&error_description=${mark('query')}`;
  await site.keep('GET /sign-in/callback', await browser.ask(callback));
}

async function staff({ ask, signIn, pool }: CanarySite): Promise<void> {
  const { rows } = await pool.query<{ id: NotificationId }>(
    'SELECT id FROM notifications ORDER BY id LIMIT 1',
  );
  const code = shortCode(rows[0]!.id);
  const who = { kind: 'staff', subject: 'canary', name: mark('name'), locale: 'ko' } as const;
  const headers = await signIn({
    ...who,
    agency: 'nts',
    roles: ['author', 'approver', 'operator', 'support', 'auditor'],
  });
  const owner = await signIn({ ...who, agency: null, roles: ['owner'] });
  for (const as of [headers, owner]) {
    const given = { key: null, headers: as } as const;
    await ask('POST', '/api/v1/support/lookups', {
      ...given,
      body: { reason: 'a call', phone: `${PHONE}9` },
    });
    await ask('POST', '/api/v1/support/lookups', { ...given, body: { reason: 'a call', citizen: 'k-well' } });
    await ask('POST', '/api/v1/support/lookups', {
      ...given,
      body: { reason: 'a call', phone: `${PHONE}999999` },
    });
    await ask('GET', `/api/v1/support/notices/${code}?reason=a%20call`, {
      ...given,
      as: '/api/v1/support/notices/:code',
    });
    await ask('POST', '/api/v1/support/explanations', {
      ...given,
      body: { reason: 'a call', citizen: 'k-well', rule: 'nts-property-tax' },
    });
    await ask('GET', '/api/v1/audit', given);
    await ask('GET', '/api/v1/quarantine', given);
    await ask('GET', '/api/v1/health', given);
    await ask('GET', '/console', given);
    await ask('POST', '/api/v1/stops', { ...given, body: { scope: 'agency:nts', reason: '900101-1234567' } });
  }
  await ask('GET', '/api/v1/citizens/k-well/explanation?rule=nts-property-tax');
  await ask('POST', '/api/v1/stops', {
    key: null,
    headers: { cookie: headers['cookie']! },
    body: { scope: 'agency:nts', reason: mark('body') },
  });
}

async function citizen({ ask, signIn }: CanarySite): Promise<void> {
  const headers = await signIn({ kind: 'citizen', citizen: 'k-well', locale: 'ko' });
  const form = { key: null, headers: { ...headers, ...FORM } } as const;
  for (const url of ['/me', '/me/all', '/me/choices', '/me/data', '/me/data/export'])
    await ask('GET', url, { key: null, headers });
  await ask('GET', `/me/all?q=${mark('search')}`, { as: '/me/all', key: null, headers });
  for (const body of [
    `channel=sms&address=${encodeURIComponent(`${PHONE}8`)}`,
    `channel=email&address=new.${MAIL}`,
    `channel=email&address=${mark('body')}`,
  ]) {
    const { headers: said } = await ask('POST', '/me/contacts', { ...form, body });
    const to = said.find(([name]) => name === 'location')?.[1];
    if (to !== undefined)
      await ask('POST', to, { ...form, as: '/me/contacts/:id', body: `code=${mark('code')}` });
  }
  await ask('POST', '/me/choices/language', { ...form, body: `language=${mark('body')}` });
  await ask('POST', '/me/choices/language', {
    key: null,
    headers: { cookie: headers['cookie']!, ...FORM },
    body: `language=${mark('body')}`,
  });
  await ask('POST', '/api/v1/me/push', {
    key: null,
    headers,
    body: { endpoint: `http://10.0.0.1/${mark('push endpoint')}`, keys: { p256dh: mark('body') } },
  });
  await ask('GET', `/me/notices/${mark('path')}`, { as: '/me/notices/:page', key: null, headers });
}

async function everybody({ ask, pool }: CanarySite): Promise<void> {
  const { rows } = await pool.query<{ id: NotificationId }>(
    `SELECT id FROM notifications WHERE recipient_id = 'k-well' LIMIT 1`,
  );
  const code = rows[0] === undefined ? 'K7Q2-93' : shortCode(rows[0].id);
  for (const body of [
    `code=${code}&last=7269`,
    `code=${code}&last=0000`,
    `code=${mark('body')}&last=${mark('body')}`,
  ])
    for (let n = 0; n < 4; n++) await ask('POST', '/check', { key: null, headers: FORM, body });
  for (let n = 0; n < 22; n++)
    await ask('POST', `/unsubscribe/${mark('path')}`, {
      as: '/unsubscribe/:page',
      key: null,
      headers: FORM,
      body: mark('body'),
    });
}

/** Faults of the database, whose messages quote the very row that they are about. */
async function faultsOfOurs({ ask, signIn, pool }: CanarySite): Promise<void> {
  const headers = await signIn({ kind: 'citizen', citizen: 'k-nobody', locale: 'ko' });
  const form = { key: null, headers: { ...headers, ...FORM } } as const;
  await pool.query(
    `ALTER TABLE merged_profiles ADD CONSTRAINT canary CHECK (attributes ->> 'sido' <> '26') NOT VALID`,
  );
  await pool.query('ALTER TABLE contact_codes ADD CONSTRAINT canary CHECK (false) NOT VALID');
  await pool.query('ALTER TABLE opt_outs RENAME TO opt_outs_aside');
  await ask('PUT', '/api/v1/citizens/k-well', { body: { attributes: { ...ATTRIBUTES, sido: '26' } } });
  await ask('POST', '/me/contacts', { ...form, body: `channel=email&address=fault.${MAIL}` });
  await ask('GET', `/me/choices?said=${mark('query')}`, { as: '/me/choices', key: null, headers });
  await ask('GET', `/me/data/export?q=${mark('query')}`, { as: '/me/data/export', key: null, headers });
  await ask('POST', '/me/choices/agencies', { ...form, body: `on=${mark('body')}` });
  await pool.query('ALTER TABLE opt_outs_aside RENAME TO opt_outs');
}
