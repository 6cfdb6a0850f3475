/** A folder as a way in: what is dropped is imported once, and lies where it can be seen how it ended. */
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { silentLogger } from '../../domain/logger.ts';
import { createFolder, type Folder } from '../../producers/folder.ts';
import { eventually } from '../support/eventually.ts';
import { createHttpApi, type HttpApi } from '../support/http.ts';

let api: HttpApi;
let inbox: string;
const watching: Folder[] = [];

beforeAll(async () => {
  api = await createHttpApi();
  inbox = await mkdtemp(path.join(tmpdir(), 'allim-inbox-'));
  for (const kind of ['events', 'citizens', 'links'])
    await mkdir(path.join(inbox, 'nts', kind), { recursive: true });
});
afterAll(async () => {
  for (const one of watching) await one.stop();
  await api.close();
  await rm(inbox, { recursive: true, force: true });
});

function watch(lookEveryMs = 20): Folder {
  const folder = createFolder({
    folder: inbox,
    pool: api.database.pool,
    catalogue: api.catalogue,
    imports: api.imports,
    logger: silentLogger,
    lookEveryMs,
  });
  watching.push(folder);
  return folder;
}

const at = (...parts: string[]) => path.join(inbox, 'nts', ...parts);
const files = async (...parts: string[]) => (await readdir(at(...parts)).catch(() => [])).sort();

test('files of every kind are taken as over HTTP, and lie in done with what was wrong, or in failed', async () => {
  await writeFile(at('links', 'links.csv'), 'key,citizen\nf-1,c-f1\n,c-f2\n');
  // Files are taken in the order of their times, and this one names whom the next is about.
  await utimes(at('links', 'links.csv'), 1_700_000_000, 1_700_000_000);
  await writeFile(
    at('events', 'tax.CSV'),
    'id,type,source,subjectkey,data.amount,data.dueOn\nf-1,kr.nts.property-tax.assessed,/nts/property-tax,f-1,1,2026-07-31\n',
  );
  await writeFile(at('citizens', 'people.csv'), 'PK\u0003\u0004');
  await writeFile(at('citizens', 'cut.csv'), 'citizen,locale\n"c-f1,ko\n');
  await writeFile(at('citizens', 'notes.txt'), 'not ours');
  await symlink('/etc/hostname', at('citizens', 'link.csv'));
  await watch().start();
  // Two processes may watch one folder.
  await watch().start();
  await eventually(async () => {
    expect(await files('links', 'done')).toEqual(['links.csv', 'links.csv.errors.csv']);
    expect(await files('events', 'done')).toEqual(['tax.CSV']);
    expect(await files('citizens', 'failed')).toEqual([
      'cut.csv',
      'cut.csv.errors.csv',
      'people.csv',
      'people.csv.errors.csv',
    ]);
  });
  expect(await files('citizens')).toEqual(['failed', 'link.csv', 'notes.txt']);
  expect(await readFile(at('links', 'done', 'links.csv.errors.csv'), 'utf8')).toBe(
    '\ufeffline,column,code,message,row\r\n3,key,row-invalid,must be a text of 1 to 128 characters without control characters,refused\r\n',
  );
  expect(await readFile(at('citizens', 'failed', 'people.csv.errors.csv'), 'utf8')).toContain(
    'is not CSV but a ZIP archive',
  );
  expect(await readFile(at('citizens', 'failed', 'cut.csv.errors.csv'), 'utf8')).toContain(
    'line 2 opens a quote that is not closed',
  );
  const { rows } = await api.database.pool.query(
    'SELECT kind, agency_id, name, state FROM imports ORDER BY name',
  );
  expect(rows).toEqual([
    { kind: 'citizens', agency_id: 'nts', name: 'cut.csv', state: 'failed' },
    { kind: 'links', agency_id: 'nts', name: 'links.csv', state: 'done' },
    { kind: 'events', agency_id: 'nts', name: 'tax.CSV', state: 'done' },
  ]);
});

test('a file that grows waits until it does not, or until it is said to be whole', async () => {
  for (const one of watching.splice(0)) await one.stop();
  // So seldom that the second look never comes: only what is announced is taken.
  await writeFile(at('links', 'whole.csv'), 'key,citizen\nf-3,c-f3\n');
  await writeFile(at('links', 'whole.csv.done'), '');
  await writeFile(at('links', 'growing.csv'), 'key,citizen\n');
  const slow = watch(3_600_000);
  await slow.start();
  const states = () =>
    api.database.pool.query<{ state: string }>(
      `SELECT state FROM imports WHERE name IN ('whole.csv', 'growing.csv')`,
    );
  await eventually(async () => expect((await states()).rows).toEqual([{ state: 'done' }]));
  await slow.stop();
  // Its process died before it could move the file: the next finds the import, and takes nothing twice.
  const next = watch();
  await next.start();
  await eventually(async () => expect(await files('links')).toEqual(['done']));
  expect((await states()).rows).toHaveLength(2);
  expect(await files('links', 'done')).toEqual([
    'growing.csv',
    'links.csv',
    'links.csv.errors.csv',
    'whole.csv',
  ]);
});
