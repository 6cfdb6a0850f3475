/**
 * Rows of one statement that agree in most of their columns: these travel once a group, and each row names its group. Hot: of a page
 * of 5,000 notices nearly every column is the same, and writing and reading such an array cost more than inserting the rows.
 */
export type Grouped<Row> = {
  /** One row of each group. */
  readonly groups: readonly Row[];
  /** The number of each row's group, from 1 as Postgres counts, in parallel to the rows. */
  readonly of: readonly number[];
};

export function groupRows<Row>(rows: readonly Row[], keyOf: (row: Row) => string): Grouped<Row> {
  const numbers = new Map<string, number>();
  const groups: Row[] = [];
  const of = rows.map((row) => {
    const key = keyOf(row);
    let number = numbers.get(key);
    if (number === undefined) {
      number = groups.push(row);
      numbers.set(key, number);
    }
    return number;
  });
  return { groups, of };
}
