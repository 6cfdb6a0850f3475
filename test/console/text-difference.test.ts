/** What differs between two texts, as an approver reads it. */
import { expect, test } from '@jest/globals';
import { differenceOf, type Piece } from '../../web/console/client/rule/text-difference.ts';

const said = (pieces: readonly Piece[]): string =>
  pieces
    .map(({ kind, text }) => (kind === 'same' ? text : kind === 'lost' ? `[-${text}-]` : `[+${text}+]`))
    .join('');

test.each([
  ['a b c', 'a b c', 'a b c'],
  ['', 'new', '[+new+]'],
  ['gone', '', '[-gone-]'],
  [
    '재산세를 {{date deadline}}까지 내세요.',
    '재산세를 {{date event.dueOn}}까지 꼭 내세요.',
    '재산세를 [-{{date deadline}}-][+{{date event.dueOn}}+]까지 [+꼭 +]내세요.',
  ],
  ['one\ntwo', 'one\n\ntwo', 'one[-\n-][+\n\n+]two'],
])('from %j to %j', (before, after, difference) => {
  expect(said(differenceOf(before, after))).toBe(difference);
});

test('every word of both is there, in order, however much was changed', () => {
  const before = 'subject: Check-up\n\nIt is your year. {{action.url}}\n{ brace }';
  const after = 'subject: Your check-up\n\nThis is the year.\n{{agency}} {{{x}} end';
  const pieces = differenceOf(before, after);
  const without = (kind: Piece['kind']) =>
    pieces
      .filter((piece) => piece.kind !== kind)
      .map(({ text }) => text)
      .join('');
  expect(without('gained')).toBe(before);
  expect(without('lost')).toBe(after);
});

test('of texts that are very long all is shown as changed', () => {
  const before = 'word '.repeat(4_000);
  expect(differenceOf(before, `${before}end`)).toEqual([
    { kind: 'lost', text: before },
    { kind: 'gained', text: `${before}end` },
  ]);
});
