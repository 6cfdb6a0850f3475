/**
 * A detached month as files: one a table, what COPY writes, compressed with zstd, and a manifest with rows, bytes and SHA-256 of each. A folder
 * of a month is written beside its place, synced and renamed, so one that bears the month's name is whole. Dropping a month and
 * bringing one back read the files again first and compare them with the manifest, byte by byte and row by row.
 * The files hold what the tables held, people's ids among it: they are 0600, and belong where backups are kept.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { access, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { type Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress, createZstdDecompress } from 'node:zlib';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { AllimError, messageOf } from '../domain/errors.ts';
import type { SqlClient } from '../domain/sql.ts';
import { addMonths, openInArchive, partitionName, readMonths } from './months.ts';

export type ManifestTable = {
  readonly table: string;
  readonly columns: readonly string[];
  readonly rows: number;
  /** Of the file, as it lies there. */
  readonly bytes: number;
  readonly sha256: string;
};
export type Manifest = {
  readonly format: 1;
  /** YYYY-MM-01. */
  readonly month: string;
  readonly writtenAt: string;
  readonly tables: readonly ManifestTable[];
};

const MANIFEST = 'manifest.json';
const fileOf = (table: string) => `${table}.copy.zst`;
/** `2025-07` of 2025-07-01. */
export const monthFolder = (root: string, month: string) => path.join(root, month.slice(0, 7));

function broken(message: string, cause?: unknown): AllimError {
  return new AllimError('archive-invalid', message, cause === undefined ? {} : { cause });
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  // Some file systems have no sync of a folder; what they promise is all there is.
  await handle.sync().catch(() => {});
  await handle.close();
}

/** Months that have a folder in `root`, as YYYY-MM-01. */
export async function writtenMonths(root: string): Promise<string[]> {
  const names = await readdir(root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names
    .filter((name) => /^\d{4}-\d{2}$/.test(name))
    .map((name) => `${name}-01`)
    .sort();
}

/** Writes a month of the schema `archive` to `root/YYYY-MM`. Where that stands already it is compared instead. */
export async function writeMonth(
  sql: SqlClient,
  root: string,
  month: string,
  nowMs: number,
): Promise<Manifest> {
  const tables = await archivedTables(sql, month);
  const folder = monthFolder(root, month);
  if (await exists(folder)) {
    const manifest = await verifyMonth(root, month);
    await compare(sql, manifest, tables);
    return manifest;
  }
  // What an interrupted run left.
  const aside = `${folder}.partial`;
  await rm(aside, { recursive: true, force: true });
  await mkdir(aside, { recursive: true, mode: 0o700 });
  const written: ManifestTable[] = [];
  for (const table of tables) written.push(await writeTable(sql, aside, table, month));
  const manifest: Manifest = {
    format: 1,
    month,
    writtenAt: new Date(nowMs).toISOString(),
    tables: written,
  };
  await compare(sql, manifest, tables);
  const handle = await open(path.join(aside, MANIFEST), 'wx', 0o600);
  await handle.writeFile(`${JSON.stringify(manifest, null, 2)}\n`);
  await handle.sync();
  await handle.close();
  await syncFolder(aside);
  await rename(aside, folder);
  await syncFolder(root);
  return manifest;
}

async function archivedTables(sql: SqlClient, month: string): Promise<readonly string[]> {
  const parts = (await readMonths(sql)).get(month) ?? [];
  const archived = parts.filter((part) => part.state === 'archived').map((part) => part.parent);
  if (archived.length === 0)
    throw new AllimError('not-found', `${month.slice(0, 7)} is not detached; months list says how it stands`);
  if (archived.length < new Set(parts.map((part) => part.parent)).size)
    throw new AllimError(
      'month-open',
      `${month.slice(0, 7)} is half detached: the dispatcher goes on with it within an hour`,
    );
  return archived;
}

async function writeTable(
  sql: SqlClient,
  folder: string,
  table: string,
  month: string,
): Promise<ManifestTable> {
  const name = `archive.${partitionName(table, month)}`;
  const { rows } = await sql.query<{ column: string }>(
    `SELECT attname AS column FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [name],
  );
  const columns = rows.map((row) => row.column);
  // Typed as one that takes statements; the vendor's client takes streams too.
  const source = sql.query(
    copyTo(`COPY ${name} (${columns.map(quoted).join(', ')}) TO STDOUT`) as never,
  ) as unknown as Readable & { readonly rowCount: number };
  const seen = digest();
  const file = await open(path.join(folder, fileOf(table)), 'wx', 0o600);
  try {
    await pipeline(
      source,
      createZstdCompress(),
      seen.through,
      createWriteStream('', { fd: file.fd, autoClose: false }),
    );
    await file.sync();
  } finally {
    await file.close();
  }
  return { table, columns, rows: source.rowCount, ...seen.result() };
}

const quoted = (column: string) => `"${column.replaceAll('"', '""')}"`;

function digest() {
  const sha256 = createHash('sha256');
  let bytes = 0;
  const through = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sha256.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  return { through, result: () => ({ bytes, sha256: sha256.digest('hex') }) };
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** Rows of the archive's tables against the manifest's. */
async function compare(sql: SqlClient, manifest: Manifest, tables: readonly string[]): Promise<void> {
  for (const table of tables) {
    const { rows } = await sql.query<{ n: number }>(
      `SELECT count(*) AS n FROM archive.${partitionName(table, manifest.month)}`,
    );
    const written = manifest.tables.find((one) => one.table === table)?.rows;
    if (written !== rows[0]?.n)
      throw broken(
        `${manifest.month.slice(0, 7)}: ${table} has ${rows[0]?.n} rows in the archive and ${written ?? 'none'} in its file`,
      );
  }
}

function parseManifest(text: string, file: string): Manifest {
  try {
    const read = JSON.parse(text) as Manifest;
    const whole =
      read.format === 1 &&
      /^\d{4}-\d{2}-01$/.test(read.month) &&
      read.tables.every(
        (one) =>
          /^[a-z_]+$/.test(one.table) &&
          one.columns.every((column) => typeof column === 'string') &&
          Number.isSafeInteger(one.rows) &&
          Number.isSafeInteger(one.bytes) &&
          /^[0-9a-f]{64}$/.test(one.sha256),
      );
    if (!whole) throw broken('its form is not known');
    return read;
  } catch (cause) {
    throw broken(`${file}: ${messageOf(cause)}`, cause);
  }
}

/** Reads every file of a month whole and compares it with the manifest. */
export async function verifyMonth(root: string, month: string): Promise<Manifest> {
  const folder = monthFolder(root, month);
  const file = path.join(folder, MANIFEST);
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === 'ENOENT' ? new AllimError('not-found', `there is no ${file}`, { cause }) : cause;
  });
  const manifest = parseManifest(text, file);
  if (manifest.month !== month) throw broken(`${file} is of ${manifest.month.slice(0, 7)}`);
  for (const table of manifest.tables) {
    const seen = digest();
    let rows = 0;
    const lines = new Writable({
      write(chunk: Buffer, _encoding, done) {
        // COPY writes a row a line; a line break in a value is `\n` in letters.
        for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) rows++;
        done();
      },
    });
    const at = path.join(folder, fileOf(table.table));
    try {
      await pipeline(createReadStream(at), seen.through, createZstdDecompress(), lines);
    } catch (cause) {
      throw broken(`${at}: ${messageOf(cause)}`, cause);
    }
    const { sha256 } = seen.result();
    if (sha256 !== table.sha256 || rows !== table.rows)
      throw broken(
        `${at} is not what was written: ${rows} rows of ${table.rows}, SHA-256 ${sha256.slice(0, 12)}…`,
      );
  }
  return manifest;
}

/** Drops a detached month, once its files have been read again and hold as many rows. */
export async function dropMonth(sql: SqlClient, root: string, month: string): Promise<Manifest> {
  const tables = await archivedTables(sql, month);
  const manifest = await verifyMonth(root, month);
  await compare(sql, manifest, tables);
  await sql.query(`DROP TABLE ${tables.map((table) => `archive.${partitionName(table, month)}`).join(', ')}`);
  return manifest;
}

/**
 * Loads a dropped month from its files and attaches it, in one transaction. Refused where the ledger has rows of that month, and where
 * rows of the files are open: attached, they would be sent.
 */
export async function loadMonth(sql: SqlClient, root: string, manifest: Manifest): Promise<void> {
  const { month } = manifest;
  await sql.query('BEGIN');
  try {
    const parts = (await readMonths(sql)).get(month) ?? [];
    for (const { parent, state } of parts) {
      const name = partitionName(parent, month);
      const { rows } = await sql.query<{ found: boolean }>(
        `SELECT EXISTS (SELECT 1 FROM ${state === 'archived' ? 'archive.' : ''}${name}) AS found`,
      );
      if (state !== 'attached' || rows[0]?.found === true)
        throw new AllimError('month-open', `${name} is there already`);
      // Made ahead of time, or for a stage of long ago, and empty.
      await sql.query(`DROP TABLE ${name}`);
    }
    for (const table of manifest.tables) {
      const name = `archive.${partitionName(table.table, month)}`;
      await sql.query(`CREATE TABLE ${name} (LIKE ${table.table} INCLUDING ALL EXCLUDING INDEXES)`);
      const target = sql.query(
        copyFrom(`COPY ${name} (${table.columns.map(quoted).join(', ')}) FROM STDIN`) as never,
      ) as unknown as Writable & { readonly rowCount: number };
      await pipeline(
        createReadStream(path.join(monthFolder(root, month), fileOf(table.table))),
        createZstdDecompress(),
        target,
      );
      if (target.rowCount !== table.rows)
        throw broken(`${table.table}: ${target.rowCount} rows were read of ${table.rows}`);
    }
    if (await openInArchive(sql, month))
      throw new AllimError(
        'month-open',
        `${month.slice(0, 7)} has deliveries or batches that are open: attached, they would be sent`,
      );
    const home = await sql.query<{ schema: string }>('SELECT quote_ident(current_schema()) AS schema');
    for (const { table } of manifest.tables) {
      const name = partitionName(table, month);
      await sql.query(`ALTER TABLE archive.${name} SET SCHEMA ${home.rows[0]!.schema}`);
      await sql.query(
        `ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES FROM ('${month}') TO ('${addMonths(month, 1)}')`,
      );
    }
    await sql.query('COMMIT');
  } catch (error) {
    await sql.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
