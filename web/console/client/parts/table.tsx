/** Rows with named columns. On a phone each row becomes a card whose cells say what they are. */
import type { ReactNode } from 'react';

export type Column<Row> = {
  readonly name: string;
  readonly label: string;
  readonly cell: (row: Row) => ReactNode;
  /** Numbers stand right. */
  readonly number?: boolean;
  /** What the row is about: a header of its row. */
  readonly head?: boolean;
};

type Given<Row> = {
  /** Read to those who cannot see it, and shown where `showCaption`. */
  readonly caption: string;
  readonly showCaption?: boolean;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  readonly tight?: boolean;
  /** Fits a phone as it is. */
  readonly narrow?: boolean;
};

export function Table<Row>({ caption, showCaption, columns, rows, keyOf, tight, narrow }: Given<Row>) {
  return (
    // A frame that scrolls must be reached by keyboard.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: WCAG 2.1.1: what scrolls is focusable
    <div className="table-frame" role="region" aria-label={caption} tabIndex={0}>
      <table className={`table cards${tight === true ? ' tight' : ''}${narrow === true ? ' narrow' : ''}`}>
        <caption className={showCaption === true ? undefined : 'visually-hidden'}>{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ name, label, number }) => (
              <th key={name} scope="col" className={number === true ? 'number' : undefined}>
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ name, label, cell, number, head }) =>
                head === true ? (
                  <th key={name} scope="row">
                    {cell(row)}
                  </th>
                ) : (
                  <td key={name} data-label={label} className={number === true ? 'number' : undefined}>
                    {cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
