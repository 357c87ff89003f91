import { printable } from '../../model/text.ts';
import type { Glimpse, Subject } from '../../query/subject.ts';
import type { Lookups } from '../../store/lookups.ts';
import type { ColumnId } from '../../store/columns.ts';
import type { Row } from '../../store/row.ts';
import type { Seen } from '../../store/seen-fields.ts';
import { ageText, compactText, NOTHING } from '../text/format.ts';
import type { Tone } from '../text/line.ts';

/** Inputs of a cell besides its row. */
export interface CellContext {
  /** Time on the clock of the batches, milliseconds. */
  readonly nowMs: number;
  /** The same moment on the wall clock, milliseconds since 1970. */
  readonly takenAtMs: number;
  readonly serviceNames: boolean;
  /** Returns how many of the last parts of their directories distinguish the programs of this name; 0 if they run in one. */
  readonly directoryParts?: (process: string) => number;
  /** True while the sampler is silent: the rates of the last tick are out of date. */
  readonly hasOldRates?: boolean;
  readonly lookups: Lookups;
  /** Number of the last tick, for histories; without it there are none. */
  readonly tick?: number;
  /** All rows by id; without them no peer of a local connection is named. */
  readonly rows?: ReadonlyMap<string, Row>;
  /** Ids of the rows that the user marked. */
  readonly marked?: ReadonlySet<string>;
}

/** Returns what the table shows of a row in a column. */
export const tableTextOf = (column: ColumnSpec, row: ColumnRow, context: CellContext): string =>
  column.tableText?.(row, context) ?? column.text(row, context);

/** A row with the direction of its connection. */
export type ColumnRow = Row & Pick<Subject, 'direction'>;

interface ColumnBase {
  readonly title: string;
  /** A shorter title, used right behind a column whose title says the rest. */
  readonly titleBehind?: { readonly column: ColumnId; readonly title: string };
  /** Its name if another column has the same title. */
  readonly label?: string;
  /** Description for the help. */
  readonly about: string;
  readonly align: 'left' | 'right';
  /** Cells: the minimum, the width that fits nearly every value, and the maximum for wide values. */
  readonly width: { readonly least: number; readonly good: number; readonly most: number };
  /** Columns with a higher number are dropped first in a narrow pane. Some queries have another order: see `plan.ts`. */
  readonly priority: number;
  /** True if it appears only when chosen. */
  readonly onRequest?: true;
  /** Minimum width of the pane; undefined if it appears as soon as it fits. */
  readonly from?: number;
  /** Returns true once a source has shown values for it; always present without this. */
  readonly present?: (seen: Seen) => boolean;
  readonly text: (row: ColumnRow, context: CellContext) => string;
  /** Returns a text that the table shows in place of `text`, if it has more to say; copies have `text`. */
  readonly tableText?: (row: ColumnRow, context: CellContext) => string | undefined;
  /** Tone of its cells; undefined for the tone of the row. */
  readonly tone?: (row: ColumnRow) => Tone | undefined;
  /** True if the mark of a changed row leaves out its cells: they say nothing of what has changed. */
  readonly isUnmarked?: true;
  /** Shorter text for a column below its good width, or if `text` does not fit. @param width cells of the column */
  readonly shortText?: (row: ColumnRow, context: CellContext, width: number) => string;
  /** The part of a row that determines its key: rows that share it have equal keys. */
  readonly keyFrom?: 'names' | 'local' | 'remote';
  /** True if the first sort by it is descending. */
  readonly descending?: true;
  /** The kinds of data that lack its values. */
  readonly unknownIn?: readonly Glimpse[];
}

/** The sort key of a column; numbers sort before texts. Null, for unknown values, sorts last in both directions. */
type SortedBy =
  | { readonly key: (row: ColumnRow) => number | string | null; readonly isLate?: never }
  /** A late column: its keys change with the lookups, so the rows are sorted again at each answer. */
  | { readonly key: (row: ColumnRow, lookups: Lookups) => number | string | null; readonly isLate: true };

/** A column without its id, which is its key in the table. */
export type ColumnSpec = ColumnBase & SortedBy;

export type Column = ColumnSpec & { readonly id: ColumnId };

/** A column that appears only when chosen. */
type RequestedSpec = Omit<ColumnBase, 'priority' | 'onRequest' | 'from' | 'present'> & SortedBy;

export const onRequest = (spec: RequestedSpec): ColumnSpec => ({
  ...spec,
  priority: Infinity,
  onRequest: true,
});

/** Width of a number of four cells, or of a title of four cells with the sort arrow. */
const NUMBER_WIDTH = { least: 5, good: 5, most: 5 };

type NumberSpec = Pick<ColumnSpec, 'title' | 'about' | 'unknownIn'> & {
  readonly value: (row: ColumnRow) => number | undefined;
  /** Text of at most five cells; by default a count in decimal units. */
  readonly text?: ColumnSpec['text'];
};

const numberSpec = ({ value, ...spec }: NumberSpec) =>
  ({
    text: (row: ColumnRow) => compactText(value(row)),
    ...spec,
    align: 'right',
    width: NUMBER_WIDTH,
    key: (row: ColumnRow) => value(row) ?? null,
    descending: true,
  }) as const;

/** Returns a column of numbers, sorted descending first; unknown values sort last. */
export const numberColumn = ({
  priority,
  from,
  ...spec
}: NumberSpec & Pick<ColumnSpec, 'priority' | 'from'>): ColumnSpec => ({
  ...numberSpec(spec),
  priority,
  ...(from !== undefined && { from }),
  present: ({ traffic }) => traffic,
});

export const requestedNumberColumn = (spec: NumberSpec): ColumnSpec => onRequest(numberSpec(spec));

/** Returns the sort key of a column that sorts by its text; unknown values sort last. */
export const knownKey = (text: (row: ColumnRow) => string) => (row: ColumnRow) => {
  const its = text(row);
  return its === NOTHING ? null : its;
};

/** Returns untrusted text as printable; in quotes if it equals the sign for a missing value. */
export const wordsText = (value = ''): string => {
  const text = printable(value).trim();
  return text === NOTHING ? `"${text}"` : text || NOTHING;
};

/** Returns a column of untrusted text. */
export const textColumn = ({
  value,
  ...spec
}: Pick<RequestedSpec, 'title' | 'about' | 'width'> & {
  readonly value: (row: ColumnRow) => string | undefined;
}): ColumnSpec =>
  onRequest({
    ...spec,
    align: 'left',
    text: (row) => wordsText(value(row)),
    key: (row) => value(row)?.toLowerCase() ?? null,
  });

/** Returns a column of whole numbers that are identifiers. */
export const idColumn = ({
  value,
  ...spec
}: Pick<RequestedSpec, 'title' | 'about' | 'width'> & {
  readonly value: (row: ColumnRow) => number | undefined;
}): ColumnSpec =>
  onRequest({
    ...spec,
    align: 'right',
    text: (row) => String(value(row) ?? NOTHING),
    key: (row) => value(row) ?? null,
  });

/** Returns a column of the time since something happened, the latest first; unknown values sort last. */
export const agoColumn = ({
  value,
  ...spec
}: Pick<RequestedSpec, 'title' | 'about'> & {
  /** Wall-clock time, milliseconds since 1970. */
  readonly value: (row: ColumnRow) => number | undefined;
}): ColumnSpec =>
  onRequest({
    ...spec,
    align: 'right',
    width: NUMBER_WIDTH,
    text: (row, { takenAtMs }) => {
      const ms = value(row);
      return ms === undefined ? NOTHING : ageText(Math.max(0, takenAtMs - ms));
    },
    key: (row) => {
      const ms = value(row);
      return ms === undefined ? null : -ms;
    },
  });
