import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import "./table.css";

export interface Column<R> {
  key: string;
  heading: string;
  cell: (row: R) => ComponentChildren;
  /** The cell that names the row. */
  isRowHeading?: boolean;
  /** The heading is heard but not drawn, as over buttons. */
  headingUnseen?: boolean;
}

interface TableProps<R> {
  /** What the table lists, for screen readers. */
  caption: string;
  columns: readonly Column<R>[];
  rows: readonly R[];
  keyOf: (row: R) => string;
  /** A row that is less present than the others. */
  isFaint?: (row: R) => boolean;
}

const step = 40; // rows that are added each time the end comes near

/**
 * A table that becomes a list of cards on a narrow page. Thousands of rows are drawn as
 * they are scrolled to; what is drawn keeps its place when the rows change.
 */
export function Table<R>({ caption, columns, rows, keyOf, isFaint }: TableProps<R>) {
  const drawn = useSignal(step);
  const end = useRef<HTMLDivElement>(null);
  const isMore = rows.length > drawn.value;
  useEffect(() => {
    if (!isMore || !end.current) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) drawn.value += step;
      },
      { rootMargin: "800px" },
    );
    observer.observe(end.current);
    return () => observer.disconnect();
  }, [isMore, drawn.value]);
  return (
    <>
      <table class="table">
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.key} scope="col">
                <span class={column.headingUnseen ? "unseen" : ""}>{column.heading}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, drawn.value).map((row) => (
            <tr key={keyOf(row)} class={isFaint?.(row) ? "table-faint" : ""}>
              {columns.map((column) =>
                column.isRowHeading ? (
                  <th key={column.key} scope="row">
                    {column.cell(row)}
                  </th>
                ) : (
                  <td key={column.key} class={column.headingUnseen ? "table-verbs" : ""} data-heading={column.headingUnseen ? undefined : column.heading}>
                    {column.cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {isMore && <div ref={end} />}
    </>
  );
}
