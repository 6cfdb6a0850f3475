/** Files of rows over HTTP: what is taken, what is told by line and field, and that nothing is taken twice or lost. */
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import iconv from 'iconv-lite';
import { TOPICS } from '../../domain/records.ts';
import { subjectKeyHash } from '../../domain/subject-key.ts';
import { openAddress } from '../../store/contact-points.ts';
import { eventually } from '../support/eventually.ts';
import { createHttpApi, type HttpApi } from '../support/http.ts';

let api: HttpApi;
let nts: string;
beforeAll(async () => {
  api = await createHttpApi();
  nts = await api.issueKey('nts', ['imports', 'events', 'citizens', 'read'], ['/nts/property-tax']);
});
afterAll(() => api.close());

type Job = Record<string, unknown> & { id: string; state: string };

const send = (
  kind: string,
  body: string | Buffer | Readable,
  more: { query?: string; key?: string; headers?: object } = {},
) =>
  api.call({
    method: 'POST',
    url: `/api/v1/imports?kind=${kind}${more.query ?? ''}`,
    headers: { 'content-type': 'text/csv', ...more.headers },
    payload: body,
    ...(more.key === undefined ? {} : { key: more.key }),
  });

async function ended(id: string): Promise<Job> {
  return eventually(
    async () => {
      const job = (await api.call({ method: 'GET', url: `/api/v1/imports/${id}` })).json() as Job;
      expect(['done', 'failed']).toContain(job.state);
      return job;
    },
    { timeoutMs: 20_000 },
  );
}

/** Sends a file that is received, and waits for its end. */
async function take(
  kind: string,
  body: string | Buffer | Readable,
  more: Parameters<typeof send>[2] = {},
): Promise<Job> {
  const response = await send(kind, body, more);
  expect([response.statusCode, response.body.slice(0, 500)]).toEqual([202, expect.anything()]);
  return ended((response.json() as Job).id);
}

const errors = async (id: string) =>
  (await api.call({ method: 'GET', url: `/api/v1/imports/${id}/errors` })).body;
const rows = async <R>(text: string, values: unknown[] = []) =>
  (await api.database.pool.query<R>(text, values)).rows;

/** What is refused at once, and that nothing of it is kept. */
async function refused(body: string | Buffer | Readable, query = '', kind = 'citizens') {
  const before = await rows<{ n: number }>('SELECT count(*) AS n FROM imports');
  const response = await send(kind, body, { query });
  expect(await rows('SELECT count(*) AS n FROM imports')).toEqual(before);
  expect(await rows('SELECT count(*) AS n FROM import_chunks')).toEqual([{ n: 0 }]);
  const { detail } = response.json() as { detail: string };
  return [response.statusCode, detail] as const;
}

describe('citizens', () => {
  test('are merged as by PUT: profile, contact points, locale; and their profiles are in the log', async () => {
    const job = await take(
      'citizens',
      'citizen,sido,sms,email,verified,locale\nc-a,11,010-1234-5678,a@Example.KR,true,vi\nc-b,,+82 10-0000-0002,,,\n',
      { query: '&initial=true&name=people.csv' },
    );
    expect(job).toMatchObject({
      state: 'done',
      kind: 'citizens',
      name: 'people.csv',
      charset: 'utf-8',
      rows: 2,
      accepted: 2,
      refused: 0,
      reason: null,
    });
    expect(job['bytesDone']).toBe(job['bytes']);
    const points = await rows<{
      citizen_id: string;
      channel: 'sms' | 'email';
      address: Buffer;
      ok: boolean;
      writer: string;
    }>(
      'SELECT citizen_id, channel, address, verified_at IS NOT NULL AS ok, writer FROM contact_points ORDER BY citizen_id, channel',
    );
    expect(
      points.map(({ citizen_id, channel, address, ok, writer }) => [
        citizen_id,
        channel,
        openAddress(api.sealer, channel, address),
        ok,
        writer,
      ]),
    ).toEqual([
      ['c-a', 'email', 'a@example.kr', true, 'administrator'],
      ['c-a', 'sms', '+821012345678', true, 'administrator'],
      ['c-b', 'sms', '+821000000002', false, 'administrator'],
    ]);
    const found = (await api.records(TOPICS.profiles)).filter((record) =>
      ['c-a', 'c-b'].includes(record.key!),
    );
    expect(found.map(({ key, value, headers }) => [key, JSON.parse(value!.toString()), headers])).toEqual([
      ['c-a', { sido: '11' }, { 'allim-initial': '1' }],
    ]);
    // A later file changes what it names and leaves the rest; the last of two rows about one citizen holds.
    await take('citizens', 'citizen,sigungu,locale\nc-a,11680,\nc-a,11110,\nc-b,26110,en\n');
    const records = (await api.records(TOPICS.profiles)).filter((record) => record.key === 'c-a');
    expect(JSON.parse(records.at(-1)!.value!.toString())).toEqual({ sido: '11', sigungu: '11110' });
    expect(
      await rows('SELECT id, locale FROM citizens WHERE id IN ($1, $2) ORDER BY id', ['c-a', 'c-b']),
    ).toEqual([
      { id: 'c-a', locale: 'vi' },
      { id: 'c-b', locale: 'en' },
    ]);
    expect(
      await rows('SELECT attributes, revision, provenance FROM merged_profiles WHERE citizen_id = $1', [
        'c-a',
      ]),
    ).toMatchObject([
      {
        attributes: { sido: '11', sigungu: '11110' },
        revision: 2,
        provenance: { sido: { source: 'administrator' } },
      },
    ]);
  });

  test('with faults are told by line and column, never by value, and the others are taken', async () => {
    const job = await take(
      'citizens',
      'citizen,sido,sms,email,zone\nc-1,XX,,,\n,11,,,\nc-3,11,98765,secret@@x,\nc-4,11,,,Asia/Nowhere\nc-5,11,,\nc-6,11,,,\nc-7,,,,\n',
    );
    expect(job).toMatchObject({
      state: 'done',
      rows: 7,
      accepted: 1,
      refused: 6,
      errors: `/api/v1/imports/${job.id}/errors`,
    });
    const file = await errors(job.id);
    expect(file).not.toMatch(/secret|98765|XX|Nowhere/);
    expect(file.split('\r\n')).toEqual([
      '\ufeffline,column,code,message,row',
      '2,sido,profile-invalid,has no such value,refused',
      '3,citizen,profile-invalid,must be a text of 1 to 64 characters,refused',
      '4,sms,profile-invalid,"must be a telephone number in E.164, for example +821012345678",refused',
      '4,email,profile-invalid,"must be a mail address, for example name@example.kr",refused',
      '5,zone,profile-invalid,"is not a time zone, for example Asia/Seoul",refused',
      '6,,row-invalid,"has 4 fields, and the first line has 5",refused',
      '8,,profile-invalid,says nothing about the citizen,refused',
      '',
    ]);
  });

  test('stay as another wrote them, where an agency sends the file', async () => {
    await take('citizens', 'citizen,sms,verified\nc-own,+821000000031,true\nc-own2,+821000000032,true\n');
    const job = await take(
      'citizens',
      'citizen,sms,email,verified\nc-own,+821000000031,o@example.kr,true\nc-own2,+821000000032,,false\n',
      { key: nts },
    );
    expect(job).toMatchObject({ accepted: 1, refused: 1 });
    expect(await errors(job.id)).toContain('3,sms,forbidden,');
    expect(
      await rows(
        'SELECT citizen_id, channel, writer, verified_at IS NOT NULL AS ok FROM contact_points WHERE citizen_id LIKE $1 ORDER BY 1, 2',
        ['c-own%'],
      ),
    ).toEqual([
      { citizen_id: 'c-own', channel: 'email', writer: 'nts', ok: true },
      { citizen_id: 'c-own', channel: 'sms', writer: 'administrator', ok: true },
      { citizen_id: 'c-own2', channel: 'sms', writer: 'administrator', ok: true },
    ]);
  });
});

describe('what a file is written in', () => {
  const text = 'id,type,source,subject,data.amount,data.dueOn,data.note\n';
  const row = (id: string, note: string) =>
    `${id},kr.nts.property-tax.assessed,/nts/property-tax,c-1,1,2026-07-31,${note}\n`;

  test.each([
    ['UTF-8', (t: string) => Buffer.from(t), '', 'utf-8'],
    ['UTF-8 with a byte order mark', (t: string) => Buffer.from(`\ufeff${t}`), '', 'utf-8'],
    ['CP949', (t: string) => iconv.encode(t, 'cp949'), '', 'cp949'],
    ['CP949, said', (t: string) => iconv.encode(t, 'cp949'), '&charset=EUC-KR', 'cp949'],
  ])('%s is told apart, and Korean arrives as it was', async (_, encode, query, charset) => {
    const body = encode('citizen,locale\n시민-뷁,ko\n');
    const job = await take('citizens', body, { query });
    expect(job).toMatchObject({ state: 'done', charset, accepted: 1 });
    expect(await rows(`SELECT 1 AS found FROM citizens WHERE id = '시민-뷁'`)).toHaveLength(1);
  });

  test('in pieces of any size, with the first Korean far into it', async () => {
    const lines = `citizen,locale\n${'c-ascii,ko\n'.repeat(20_000)}시민-멀리,ko\n`;
    const bytes = iconv.encode(lines, 'cp949');
    const job = await take(
      'citizens',
      Readable.from(
        (function* () {
          for (let at = 0; at < bytes.length; at += 4_999) yield bytes.subarray(at, at + 4_999);
        })(),
      ),
    );
    expect(job).toMatchObject({ state: 'done', charset: 'cp949', accepted: 20_001 });
    expect(await rows(`SELECT 1 AS found FROM citizens WHERE id = '시민-멀리'`)).toHaveLength(1);
  });

  test.each([
    ['an encoding that is not read', Buffer.from('citizen\nc\n'), '&charset=shift_jis', 'is not read here'],
    [
      'a third encoding',
      iconv.encode('citizen,locale\n市民データ、ひらがな、カタカナ漢字,ja\n'.repeat(40), 'shift_jis'),
      '',
      'in an encoding that is not read',
    ],
    ['UTF-16', iconv.encode('citizen\n시민\n', 'utf-16le', { addBOM: true }), '', 'is not CSV but UTF-16'],
    [
      'a ZIP named .csv',
      Buffer.from('PK\u0003\u0004 and so on'),
      '&name=people.csv',
      'is not CSV but a ZIP archive',
    ],
    ['nothing', Buffer.from(''), '', 'is empty'],
    [
      'a column twice',
      Buffer.from('citizen,sms,sms\n'),
      '',
      '/line/1/column/3 has the same name as column 2',
    ],
    ['a column without a name', Buffer.from('citizen,,sms\n'), '', '/line/1/column/2 has no name'],
    ['no column for the citizen', Buffer.from('sms,email\n'), '', 'has no column citizen'],
    [
      '10,000 columns',
      Buffer.from(`citizen,${'x,'.repeat(9_998)}y\n`),
      '',
      'has 10000 columns; 500 are read at most',
    ],
  ])('refuses %s at once, and keeps nothing', async (_, body, query, why) => {
    expect(await refused(body, query)).toEqual([422, expect.stringContaining(why)]);
  });

  test('does not repeat the first line of a file that has no header', async () => {
    const [status, detail] = await refused('c-1,010-1234-5678,hong@example.kr\n');
    expect([status, detail]).toEqual([
      422,
      expect.stringContaining('/line/1/column/1 is not known; columns are citizen, sms'),
    ]);
    expect(detail).not.toMatch(/hong|1234/);
  });

  test('a line of two gigabytes is refused when a megabyte of it is here', async () => {
    let given = 0;
    const line = Readable.from(
      (function* () {
        yield Buffer.from('citizen\nc-1\n');
        for (; given < 2 ** 31; given += 65_536) yield Buffer.alloc(65_536, 'x');
      })(),
    );
    expect(await refused(line)).toEqual([
      422,
      expect.stringContaining('/line/3 is longer than 1048576 bytes'),
    ]);
    expect(given).toBeLessThan(4_000_000);
    line.destroy();
  });

  test('who sends a file that is refused reads why, though most of it is still to come', async () => {
    await api.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = api.app.server.address() as AddressInfo;
    const body = Readable.from(
      (function* () {
        yield Buffer.from('PK\u0003\u0004');
        for (let given = 0; given < 30_000_000; given += 65_536) yield Buffer.alloc(65_536, 'x');
      })(),
    );
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/imports?kind=citizens`, {
      method: 'POST',
      headers: { authorization: `Bearer ${nts}`, 'content-type': 'text/csv' },
      body: Readable.toWeb(body),
      duplex: 'half',
    } as RequestInit);
    expect([response.status, (await response.json()) as unknown]).toMatchObject([
      422,
      { code: 'import-invalid' },
    ]);
  });

  test('a body that breaks off leaves nothing', async () => {
    const broken = Readable.from(
      (async function* () {
        yield Buffer.from(`citizen\n${'c-1\n'.repeat(500_000)}`);
        throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
      })(),
    );
    await send('citizens', broken).catch(() => undefined);
    await eventually(async () =>
      expect(await rows('SELECT 1 FROM imports WHERE state = $1', ['receiving'])).toEqual([]),
    );
    expect(await rows('SELECT count(*) AS n FROM import_chunks')).toEqual([{ n: 0 }]);
  });

  test('a file that was cut in the middle ends where it was cut, and what came before is taken and counted', async () => {
    const job = await take('citizens', 'citizen,locale\nc-cut1,ko\n"c-cut2,ko\nc-cut3,ko\n');
    expect(job).toMatchObject({
      state: 'failed',
      code: 'import-invalid',
      accepted: 1,
      reason:
        'line 3 opens a quote that is not closed before the end: the file may have been cut in the middle; nothing after the rows that are counted was taken',
    });
    expect(await rows(`SELECT id FROM citizens WHERE id LIKE 'c-cut%'`)).toEqual([{ id: 'c-cut1' }]);
  });

  test('NUL, damaged text and formulas: the first two are faults of their field, formulas stay text', async () => {
    const job = await take(
      'events',
      Buffer.concat([
        Buffer.from(`${text.replace(',data.note', ',data.=note')}`),
        Buffer.from(row('f-1', '=1+1')),
      ]),
    );
    // The schema knows no such member: what is told names the column, escaped.
    expect(await errors(job.id)).toContain('2,data.=note,event-invalid,is not known,refused');
    const damaged = await take(
      'citizens',
      Buffer.concat([Buffer.from('citizen,sms\nc-nul\0,1\nc-\ufffd,1\n')]),
    );
    expect(damaged).toMatchObject({ accepted: 0, refused: 2 });
    expect((await errors(damaged.id)).split('\r\n').slice(1, 3)).toEqual([
      '2,citizen,row-invalid,holds a NUL character,refused',
      '3,citizen,row-invalid,holds bytes that are no text in the encoding of the file,refused',
    ]);
    await take('citizens', 'citizen,locale\n=1+1,ko\n');
    expect(await rows(`SELECT id FROM citizens WHERE id = '=1+1'`)).toHaveLength(1);
  });
});

describe('events', () => {
  const HEAD = 'id,type,source,subject,subjectkey,obligation,sequence,data.amount,data.dueOn\n';
  const line = (id: string, more = '132000,2026-07-31', who = 'c-7,') =>
    `${id},kr.nts.property-tax.assessed,/nts/property-tax,${who},property-tax/${id || 'x'},1,${more}\n`;

  test('are what they would be by HTTP, typed by their schema, and reach the log', async () => {
    const job = await take('events', HEAD + line('csv-1'), { key: nts });
    expect(job).toMatchObject({ state: 'done', agency: 'nts', accepted: 1 });
    expect(await rows('SELECT body, state FROM events WHERE event_id = $1', ['csv-1'])).toEqual([
      {
        state: 'received',
        body: {
          specversion: '1.0',
          id: 'csv-1',
          type: 'kr.nts.property-tax.assessed',
          source: '/nts/property-tax',
          subject: 'c-7',
          allimobligation: 'property-tax/csv-1',
          sequence: '1',
          data: { amount: 132000, dueOn: '2026-07-31' },
        },
      },
    ]);
    await eventually(async () =>
      expect(
        (await api.records(TOPICS.events)).map((r) => (r.headers as Record<string, string>)['ce_id']),
      ).toContain('csv-1'),
    );
  });

  test('are refused one by one, by the column that is at fault', async () => {
    const job = await take(
      'events',
      HEAD +
        line('csv-2', 'much,2026-07-31') +
        line('csv-3', '1,31.07.2026') +
        line('csv-4') +
        line('csv-4', '9,2026-07-31') +
        line('csv-5').replace('/nts/property-tax', '/nhis/checkup') +
        line('csv-6').replace('property-tax/csv-6', 'nonsense'),
      { key: nts },
    );
    expect(job).toMatchObject({ accepted: 1, refused: 5 });
    const file = await errors(job.id);
    expect(
      file
        .split('\r\n')
        .slice(1)
        .map((one) => one.split(',').slice(0, 3).join(',')),
    ).toEqual([
      '2,data.amount,event-invalid',
      '3,data.dueOn,event-invalid',
      '5,id,event-conflict',
      '6,source,source-foreign',
      '7,obligation,event-invalid',
      '',
    ]);
    expect(file).not.toContain('much');
  });

  test('without an id of their own are the same when the file comes again under the same key', async () => {
    const body = HEAD.replace('id,', '') + line('').slice(1) + line('').slice(1);
    const headers = { 'idempotency-key': 'july' };
    const first = await take('events', body, { headers });
    const again = await take('events', body, { headers });
    expect(again.id).toBe(first.id);
    expect(
      await rows('SELECT event_id FROM events WHERE event_id LIKE $1 ORDER BY 1', [`${first.id}-%`]),
    ).toEqual([{ event_id: `${first.id}-2` }, { event_id: `${first.id}-3` }]);
  });

  test('about a key that nobody has linked are taken, and told by line and by event', async () => {
    const other = await take('links', 'key,citizen\nknown-key,c-7\n', { key: nts });
    expect(other).toMatchObject({ accepted: 1, refused: 0 });
    const job = await take(
      'events',
      HEAD + line('csv-7', undefined, ',unknown-key') + line('csv-8', undefined, ',known-key'),
      { key: nts },
    );
    expect(job).toMatchObject({ accepted: 2, refused: 0, unresolved: 1 });
    expect((await errors(job.id)).split('\r\n')[1]).toBe(
      '2,subjectkey,subject-unresolved,is linked to nobody yet: the event waits for a link,taken',
    );
    expect(await errors(job.id)).not.toContain('unknown-key');
  });
});

describe('identity links', () => {
  test('are kept by a keyed hash, the last word about a key holding', async () => {
    const job = await take('links', 'key,citizen\nk-1,c-1\nk-1,c-2\n,c-3\nk-2,\n', { key: nts });
    expect(job).toMatchObject({ accepted: 2, refused: 2 });
    const hash = subjectKeyHash(api.sealer, 'nts', 'k-1');
    expect(
      await rows('SELECT agency_id, citizen_id FROM identity_links WHERE key_hash = $1', [hash]),
    ).toEqual([{ agency_id: 'nts', citizen_id: 'c-2' }]);
  });

  test('over HTTP stand in the body, are of the key’s agency, and can be taken back', async () => {
    const post = (body: object, key?: string) =>
      api.call({
        method: 'POST',
        url: '/api/v1/identity-links',
        payload: body,
        ...(key === undefined ? {} : { key }),
      });
    expect((await post({ links: [{ key: 'h-1', citizen: 'c-9' }] }, nts)).json()).toEqual({
      links: 1,
      woken: 0,
    });
    const count = () =>
      rows<{ n: number }>('SELECT count(*) AS n FROM identity_links WHERE citizen_id = $1', ['c-9']);
    expect(await count()).toEqual([{ n: 1 }]);
    expect((await post({ links: [{ key: 'h-1', remove: true }] }, nts)).statusCode).toBe(200);
    expect(await count()).toEqual([{ n: 0 }]);
    expect((await post({ agency: 'nhis', links: [] }, nts)).statusCode).toBe(403);
    const faulty = await post({ links: [{ key: '', citizen: 'c' }, { key: 'k' }] });
    expect((faulty.json() as { faults: { pointer: string }[] }).faults.map((fault) => fault.pointer)).toEqual(
      ['/links/0/key', '/links/1/citizen', '/agency'],
    );
    expect(api.lines.join('\n')).not.toContain('h-1');
  });

  test('are a file of some agency', async () => {
    expect(await refused('key,citizen\n', '', 'links')).toEqual([
      422,
      expect.stringContaining('/agency is missing'),
    ]);
  });
});

describe('who may', () => {
  test('send needs the right to files beside that to what is in them', async () => {
    const events = await api.issueKey('nts', ['imports', 'events']);
    expect((await send('citizens', 'citizen,locale\nc,ko\n', { key: events })).statusCode).toBe(403);
    const plain = await api.issueKey('nts', ['events', 'citizens']);
    expect((await send('citizens', 'citizen,locale\nc,ko\n', { key: plain })).statusCode).toBe(403);
  });

  test('see an import: its agency and the administrator', async () => {
    const job = await take('links', 'key,citizen\nq,c\n', { key: nts });
    const other = await api.issueKey('nhis', ['imports']);
    expect((await api.call({ method: 'GET', url: `/api/v1/imports/${job.id}`, key: other })).statusCode).toBe(
      404,
    );
    const list = async (key: string) =>
      (
        (await api.call({ method: 'GET', url: '/api/v1/imports?limit=200', key })).json() as {
          imports: Job[];
        }
      ).imports;
    expect((await list(nts)).map((one) => one.id)).toContain(job.id);
    expect(await list(other)).toEqual([]);
  });

  test('attributes are a register’s, where one owns them', async () => {
    const owned = await createHttpApi({ populationRegister: true });
    try {
      const response = await owned.call({
        method: 'POST',
        url: '/api/v1/imports?kind=citizens',
        headers: { 'content-type': 'text/csv' },
        payload: 'citizen,sms,sido\n',
      });
      expect(response.statusCode).toBe(409);
      expect(response.json()).toMatchObject({
        code: 'profile-owned',
        faults: [{ pointer: '/line/1/column/3' }],
      });
    } finally {
      await owned.close();
    }
  });
});
