import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { idArray, plainArray, textArray } from '../../store/arrays.ts';
import { type Installation, install } from '../support/installation.ts';

let it: Installation;

beforeAll(async () => {
  it = await install({ partitions: 1 });
});
afterAll(() => it.close());

test('texts arrive as they are, whatever stands in them', async () => {
  const texts = [
    'c-1',
    '',
    'NULL',
    'null',
    'a,b',
    '{x}',
    'say "so"',
    'back\\slash',
    ' blank ',
    'tab\t',
    'line\n',
    '김 민준',
    '민준',
  ];
  const { rows } = await it.pool.query<{ read: string[] }>('SELECT $1::text[] AS read', [textArray(texts)]);
  expect(rows[0]?.read).toEqual(texts);
});

test('ids, numbers, truths and nulls arrive, and nothing is an empty array', async () => {
  const id = '0197b6a0-0000-7000-8000-000000000001';
  const { rows } = await it.pool.query(
    'SELECT $1::uuid[]::text[] AS ids, $2::int[] AS numbers, $3::boolean[] AS truths, $4::text[] AS none',
    [plainArray([id, null]), plainArray([1, -2]), plainArray([true, false]), textArray([])],
  );
  expect(rows).toEqual([{ ids: [id, null], numbers: [1, -2], truths: [true, false], none: [] }]);
});

test('ids in binary arrive as they are, none of them too, and what is no uuid is refused', async () => {
  const ids = ['0197b6a0-0000-7000-8000-000000000001', 'ffeeddcc-bbaa-9988-7766-554433221100'];
  const { rows } = await it.pool.query(
    'SELECT $1::uuid[]::text[] AS ids, $2::uuid[] AS none, cardinality($2::uuid[]) AS count, array_lower($1::uuid[], 1) AS first',
    [idArray(ids), idArray([])],
  );
  expect(rows).toEqual([{ ids, none: [], count: 0, first: 1 }]);
  const [id = ''] = ids;
  for (const wrong of [
    '',
    id.slice(1),
    `${id}0`,
    id.replace('a', 'g'),
    id.replaceAll('-', '0'),
    id.replace('7', '\u{ac00}'),
  ])
    expect(() => idArray([id, wrong])).toThrow(RangeError);
});
