/** Which attributes may be given over HTTP, by the catalogue that ships. */
import { expect, test } from '@jest/globals';
import { attributeFaults } from '../../app/http.ts';

const check = attributeFaults();

test.each([
  ['nts', { insurance: 'regional' }, '/insurance'],
  ['nts', { sido: '11', disabled: true }, '/disabled'],
  ['nhis', { incomeBracket: null }, '/incomeBracket'],
  ['nts', { children: [{ id: 'c-1' }] }, '/children'],
])('%s may not write a field that it may not use: %j', (agency, attributes, pointer) => {
  expect(check(attributes, agency)).toEqual([
    { pointer, message: `is not a field that ${agency} may use, so it may not write it` },
  ]);
  expect(check(attributes, null)).toEqual([]);
});

test('an agency writes what it may use', () => {
  expect(check({ sido: '11', insurance: 'regional', lastCheckupYear: 2024 }, 'nhis')).toEqual([]);
});

test('members of a list that the catalogue does not know are named', () => {
  const children = [
    { id: 'c-1', birthDate: '2025-08-01' },
    { id: 'c-2', name: 'Kim', 'a/b': 1 },
  ];
  expect(check({ children }, null)).toEqual([
    { pointer: '/children/1/name', message: 'is not a member that the catalogue knows' },
    { pointer: '/children/1/a~1b', message: 'is not a member that the catalogue knows' },
  ]);
});

test('a value is judged and a name that is no field is told, whoever gives them', () => {
  expect(check({ sido: '99', height: 180, weight: null }, null)).toEqual([
    { pointer: '/height', message: 'is not a field of the catalogue' },
    { pointer: '/sido', message: expect.stringContaining('none of') },
  ]);
});
