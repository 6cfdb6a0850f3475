import { describe, expect, test } from '@jest/globals';
import { groupRows } from '../../store/groups.ts';

describe('rows that agree in most of their columns', () => {
  test('each row names its group, counted from 1, and every group stands once', () => {
    const rows = [{ batch: 'a' }, { batch: 'b' }, { batch: 'a' }];
    const { groups, of } = groupRows(rows, (row) => row.batch);
    expect(of).toEqual([1, 2, 1]);
    expect(groups).toEqual([{ batch: 'a' }, { batch: 'b' }]);
    expect(of.map((number) => groups[number - 1]?.batch)).toEqual(rows.map((row) => row.batch));
  });

  test('of no rows there are no groups', () => {
    expect(groupRows([], String)).toEqual({ groups: [], of: [] });
  });
});
