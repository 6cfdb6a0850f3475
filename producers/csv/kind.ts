/** What a kind of import is to the job that runs it: a header that it accepts, and blocks of rows that it takes. */
import type { Sql } from '../../domain/sql.ts';
import type { Import } from '../../store/imports.ts';
import type { Credential } from '../credential.ts';
import { importInvalid, type RowFault } from './faults.ts';
import type { Row } from './rows.ts';

export type Taken = {
  readonly accepted: number;
  /** Also notes about rows that were taken. */
  readonly faults: readonly RowFault[];
  readonly unresolved: number;
};

/** Notes how far the import has come; in the transaction that wrote the rows, or after it where they are known again. */
export type Commit = (sql: Sql, taken: Taken) => Promise<void>;

/**
 * Judges rows, and gives what writes them. The first is computing and may run while an earlier block is written; writes never overlap. Both
 * reject only for reasons that lie outside of the rows.
 */
export type Take = (rows: readonly Row[]) => Promise<(commit: Commit) => Promise<void>>;

export type Job = Pick<Import, 'id' | 'options'> & {
  /** Whose rows these are; null is the administrator's word for all. */
  readonly agency: string | null;
  readonly caller: Credential;
  /** Aborted when the process stops; what waits rejects, and goes on elsewhere. */
  readonly signal: AbortSignal;
};

export type Kind = {
  /** Bytes of a block: some thousand rows. */
  readonly blockBytes: number;
  /** Throws `import-invalid` or what else keeps the whole file out. */
  check(names: readonly string[], job: Omit<Job, 'id' | 'signal'>): void;
  open(names: readonly string[], job: Job): Take;
};

export const MAX_COLUMNS = 500;

/**
 * What holds for every header. Names that are not known are told by their number: in a file without a header they are somebody's data.
 */
export function checkHeader(
  names: readonly string[],
  needed: readonly string[],
  isKnown: (name: string) => boolean,
  known: string,
): void {
  if (names.length > MAX_COLUMNS)
    throw importInvalid('/line/1', `has ${names.length} columns; ${MAX_COLUMNS} are read at most`);
  const seen = new Map<string, number>();
  for (const [index, name] of names.entries()) {
    const pointer = `/line/1/column/${index + 1}`;
    if (name === '') throw importInvalid(pointer, 'has no name');
    if (!isKnown(name)) throw importInvalid(pointer, `is not known; columns are ${known}`);
    const before = seen.get(name);
    if (before !== undefined) throw importInvalid(pointer, `has the same name as column ${before}`);
    seen.set(name, index + 1);
  }
  for (const name of needed)
    if (!seen.has(name)) throw importInvalid('/line/1', `has no column ${name}; columns are ${known}`);
}
