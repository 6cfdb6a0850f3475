import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { AllimError, ERROR_CODES, safeMessage } from '../domain/errors.ts';

const source = readFileSync(join(import.meta.dirname, '../docs/errors.md'), 'utf8');
/** Each code is a third-level heading, `### \`code\``, with what it means and what to do below it. */
const sections = [
  ...source.matchAll(/^### `([a-z-]+)`( · may be tried again)?\n\n([\s\S]*?)(?=\n##|$(?![\s\S]))/gm),
].map(([, code, retryable, text]) => ({ code: code!, retryable: retryable !== undefined, text: text! }));

test('every code is documented, once, and nothing else is', () => {
  expect(sections.map((section) => section.code).sort()).toEqual([...ERROR_CODES].sort());
});

test('codes stand in alphabetical order', () => {
  const codes = sections.map((section) => section.code);
  expect(codes).toEqual([...codes].sort());
});

test('the document says which codes may be tried again, as the table does', () => {
  const documented = sections.filter((section) => section.retryable).map((section) => section.code);
  expect(documented).toEqual([...ERROR_CODES].filter((code) => new AllimError(code, '').retryable).sort());
});

test.each(sections.map((section) => [section.code, section.text]))(
  '%s says what it means and what to do',
  (_, text) => {
    expect(text).toMatch(/\*\*What to do:\*\* \S.{20,}/s);
    expect(text.indexOf('**What to do:**')).toBeGreaterThan(40);
  },
);

test('what is logged of an error quotes no value that a driver quoted', () => {
  const driver = Object.assign(new Error('Key (email)=(someone@example.kr) already exists'), {
    code: '23505',
  });
  expect(safeMessage(driver)).toBe('Error 23505');
  expect(safeMessage(new SyntaxError('"secret" is not valid JSON'))).toBe('SyntaxError');
  expect(safeMessage('secret')).toBe('unknown error');
  expect(safeMessage(new AllimError('not-found', 'no such rule'))).toBe('no such rule');
});

test('an error stays small, whatever was wrong', () => {
  const long = `${'x'.repeat(1_998)}😀${'x'.repeat(100_000)}`;
  const faults = Array.from({ length: 1_000 }, (_, n) => ({ pointer: `/${n}/${long}`, message: long }));
  const error = new AllimError('event-invalid', long, { faults });
  expect(error.message).toHaveLength(2_000);
  expect(error.message.isWellFormed()).toBe(true);
  expect(error.faults).toHaveLength(50);
  for (const { pointer, message } of error.faults) {
    expect(pointer).toHaveLength(2_000);
    expect(message).toHaveLength(2_000);
  }
  const small = [{ pointer: '/a', message: 'is wrong' }];
  expect(new AllimError('event-invalid', 'no', { faults: small }).faults).toEqual(small);
});
