// Tables that sort and filter, and keep how they do in the URL.
import { type ReactNode, useMemo, useRef, useState } from "react";
import { type PlainKey, t, useLanguage } from "../i18n";
import { useParameter } from "../router";
import { Icon } from "./icons";
import { Ghost, SearchField } from "./surfaces";

export interface Column<Row> {
  key: string;
  /** Null for a column of buttons. */
  title: PlainKey | null;
  /** What is sorted by and filtered in. */
  value: (row: Row) => string | number;
  cell?: (row: Row) => ReactNode;
  width?: number | string;
  end?: boolean;
  /** Left out of a table that is narrower than this, in pixels. */
  from?: 460 | 600 | 760 | 1080;
  wrap?: boolean;
}

interface Properties<Row> {
  /** Names its parameters in the URL where a page has several tables. */
  name?: string;
  label: string;
  rows: Row[] | undefined;
  columns: Array<Column<Row>>;
  rowKey: (row: Row) => string;
  /** A column key, with "-" before it for the largest first. */
  sort: string;
  empty: ReactNode;
  selected?: string;
  tools?: ReactNode;
  filter?: boolean;
  /** Rows that there will probably be: as many ghosts stand for them. */
  expected?: number;
  title?: string;
}

const pageSize = 100;
const holdMs = 5000;

function compare(a: string | number, b: string | number): number {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true });
}

function useTableState(name: string, fallback: string) {
  const prefix = name ? `${name}.` : "";
  const [sort, setSort] = useParameter(`${prefix}sort`, fallback);
  const [text, setText] = useParameter(`${prefix}q`);
  return { sort, setSort, text, setText };
}

export function Table<Row>({ name = "", label, rows, columns, rowKey, sort: firstSort, empty, selected, tools, filter = true, expected = 4, title }: Properties<Row>) {
  useLanguage();
  const { sort, setSort, text, setText } = useTableState(name, firstSort);
  const [limit, setLimit] = useState(pageSize);
  const key = sort.replace(/^-/, "");
  const falling = sort.startsWith("-");
  const held = useRef<{ how: string; atMs: number; places: Map<string, number> }>({ how: "", atMs: 0, places: new Map() });
  const inside = useRef(false);
  const shown = useMemo(() => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (row: Row) => {
      const all = columns.map((column) => String(column.value(row))).join("\n").toLowerCase();
      return words.every((word) => all.includes(word));
    };
    const column = columns.find((one) => one.key === key);
    const found = (rows ?? []).filter(fits);
    // Live rows change their places seldom, and never under the pointer.
    const how = `${sort}\n${text}`;
    const { places, atMs } = held.current;
    if (how === held.current.how && (inside.current || Date.now() - atMs < holdMs) && found.every((row) => places.has(rowKey(row)))) {
      return found.sort((a, b) => (places.get(rowKey(a)) ?? 0) - (places.get(rowKey(b)) ?? 0));
    }
    if (column) found.sort((a, b) => (falling ? -1 : 1) * compare(column.value(a), column.value(b)) || rowKey(a).localeCompare(rowKey(b)));
    held.current = { how, atMs: Date.now(), places: new Map(found.map((row, index) => [rowKey(row), index])) };
    return found;
  }, [rows, columns, text, sort]);

  const press = (column: Column<Row>) => {
    const rising = column.key;
    const fallingFirst = column.end === true;
    setSort(key === column.key ? (falling ? rising : `-${rising}`) : fallingFirst ? `-${rising}` : rising);
  };

  return (
    <>
      {(filter || title || tools) && (
        <div className="panel-table-head">
          {title && <h2>{title}</h2>}
          <div className="table-head">
            {filter && <SearchField label={t("table.filter")} value={text} onChange={setText} />}
            {filter && <span className="count">{rows && t("table.count", { shown: shown.length, total: rows.length })}</span>}
          </div>
          {tools && <div className="table-tools">{tools}</div>}
        </div>
      )}
      {rows && rows.length === 0 ? (
        empty
      ) : (
        <div className="table-scroll" onPointerEnter={() => (inside.current = true)} onPointerLeave={() => (inside.current = false)}>
          <table aria-label={label}>
            <colgroup>
              {columns.map((column) => (
                <col key={column.key} className={column.from ? `from-${column.from}` : ""} style={column.width ? { width: column.width } : {}} />
              ))}
            </colgroup>
            <thead>
              <tr>
                {columns.map((column) => (
                  <th
                    key={column.key}
                    scope="col"
                    className={classOf(column)}
                    aria-sort={column.key === key ? (falling ? "descending" : "ascending") : "none"}
                  >
                    {column.title ? (
                      <button type="button" onClick={() => press(column)}>
                        <span className="ellipsis">{t(column.title)}</span>
                        <Icon name="down" />
                      </button>
                    ) : (
                      <span className="hidden">{t("access.actions")}</span>
                    )}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {!rows && <GhostRows columns={columns} rows={expected} />}
              {shown.slice(0, limit).map((row) => {
                const id = rowKey(row);
                return (
                  <tr key={id} {...(selected !== undefined && { "aria-selected": id === selected })}>
                    {columns.map((column, index) => (
                      <td key={column.key} className={`${classOf(column)} ${index === 0 ? "primary" : ""}`}>
                        {column.cell ? column.cell(row) : column.value(row)}
                      </td>
                    ))}
                  </tr>
                );
              })}
            </tbody>
          </table>
          {rows && shown.length === 0 && (
            <div className="empty">
              <p>{t("table.nothing", { text })}</p>
              <button type="button" className="button small" onClick={() => setText("")}>
                {t("table.clear")}
              </button>
            </div>
          )}
          {shown.length > limit && (
            <div className="table-foot">
              <button type="button" className="button small" onClick={() => setLimit(limit + pageSize)}>
                {t("table.more", { n: Math.min(pageSize, shown.length - limit) })}
              </button>
            </div>
          )}
        </div>
      )}
    </>
  );
}

const classOf = <Row,>(column: Column<Row>) => [column.end && "end", column.from && `from-${column.from}`, column.wrap && "wrap"].filter(Boolean).join(" ");

function GhostRows<Row>({ columns, rows }: { columns: Array<Column<Row>>; rows: number }) {
  return Array.from({ length: rows }, (_, row) => (
    <tr key={row}>
      {columns.map((column) => (
        <td key={column.key} className={classOf(column)}>
          <Ghost height={12} width="70%" />
        </td>
      ))}
    </tr>
  ));
}
