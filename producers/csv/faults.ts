/** What is wrong with a file: as a whole, which ends it, or with a row of it, which is told by line and field. Never a value. */
import { AllimError } from '../../domain/errors.ts';

export function importInvalid(pointer: string, message: string): AllimError {
  return new AllimError('import-invalid', `the file${pointer === '' ? '' : `: ${pointer}`} ${message}`, {
    faults: [{ pointer, message }],
  });
}

export type RowFault = {
  /** The line of the file on which the row begins, from 1. */
  readonly line: number;
  /** The column by its name in the file; empty where it is the row. */
  readonly field: string;
  readonly code: string;
  readonly message: string;
  /** The row was taken all the same. */
  readonly taken: boolean;
};

/** A fault that keeps the row out. */
export function rowFault(line: number, field: string, message: string, code = 'row-invalid'): RowFault {
  return { line, field, code, message, taken: false };
}

const MAX_FAULTS_A_ROW = 20;

/** Faults of an error as those of a row: `columnOf` says which column a pointer means. */
export function faultsOfError(
  line: number,
  error: AllimError,
  columnOf: (pointer: string) => string,
): RowFault[] {
  const faults = error.faults.length > 0 ? error.faults : [{ pointer: '', message: error.message }];
  return faults
    .slice(0, MAX_FAULTS_A_ROW)
    .map(({ pointer, message }) => rowFault(line, columnOf(pointer), message, error.code));
}
