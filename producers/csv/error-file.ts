/** What is wrong with a file, as a file: line, column, code, message, and whether the row was taken all the same. Never a value. */
import type { Sql } from '../../domain/sql.ts';
import { type ImportFault, readFaults } from '../../store/imports.ts';

/** A spreadsheet runs what begins so; OWASP, CSV injection. */
const FORMULA = /^[=+\-@\t\r]/;

export function errorCell(text: string): string {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function lineOf(fault: ImportFault): string {
  const cells = [fault.line, fault.field, fault.code, fault.message, fault.taken ? 'taken' : 'refused'];
  return `${cells.map((one) => errorCell(String(one))).join(',')}\r\n`;
}

/** UTF-8 with a byte order mark, without which office programs take it for CP949; a thousand lines at a time. */
export async function* errorFile(sql: Sql, id: string): AsyncGenerator<string> {
  yield '\ufeffline,column,code,message,row\r\n';
  for await (const faults of readFaults(sql, id)) yield faults.map(lineOf).join('');
}
