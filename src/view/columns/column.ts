import { printable } from '../../model/text.ts';
import type { Subject } from '../../query/subject.ts';
import type { ColumnId } from '../../store/state.ts';
import type { Row, Seen } from '../../store/table.ts';
import { ageText, compactText, NOTHING } from '../format.ts';

/** What a cell depends on besides its row. */
export interface CellContext {
  /** On the batches' clock. */
  readonly nowMs: number;
  /** The same moment on the wall clock, milliseconds since 1970. */
  readonly takenAtMs: number;
  readonly serviceNames: boolean;
  /** The sampler is silent: a rate of the last tick is not the rate of now. */
  readonly hasOldRates?: boolean;
}

/** What a column is made from: a row, with what only a query asked of it before. */
export type ColumnRow = Row & Pick<Subject, 'direction'>;

export interface Column {
  readonly id: ColumnId;
  readonly title: string;
  /** Its name where the title is that of another column too. */
  readonly label?: string;
  /** For the help. */
  readonly about: string;
  readonly align: 'left' | 'right';
  /** Cells: the least that is of use, what is enough for nearly everything, and the most that content may ask. */
  readonly width: { readonly least: number; readonly good: number; readonly most: number };
  /** 1 is the last to leave a narrow pane. The first five may be squeezed to their least width. */
  readonly priority: number;
  /** It never comes by itself, whatever the width of the pane. */
  readonly onRequest?: true;
  /** Least width of a pane that has room for it; none where it comes as soon as it fits. */
  readonly from?: number;
  /** It is there only once a source has told something of the kind. */
  readonly present?: (seen: Seen) => boolean;
  readonly text: (row: ColumnRow, context: CellContext) => string;
  /** A shorter form for a column narrower than its good width, and for a text wider than the column. */
  readonly shortText?: (row: ColumnRow, context: CellContext) => string;
  /** What rows are sorted by; numbers before texts. */
  readonly key: (row: ColumnRow) => number | string;
  /** What alone decides about the key: for all rows that have this in common it is the same. */
  readonly keyFrom?: 'names' | 'local' | 'remote';
  /** A first wish to sort by it is for the most of it. */
  readonly descending?: true;
}

/** A column in its table, by its id. */
export type ColumnSpec = Omit<Column, 'id'>;

/** A column that is there when it is asked for. */
type RequestedSpec = Omit<ColumnSpec, 'priority' | 'onRequest' | 'from' | 'present'>;

export const onRequest = (spec: RequestedSpec): ColumnSpec => ({
  ...spec,
  priority: Infinity,
  onRequest: true,
});

/** Four cells of a number, and the arrow beside a title of four. */
const NUMBER_WIDTH = { least: 5, good: 5, most: 5 };

type NumberSpec = Pick<ColumnSpec, 'title' | 'about'> & {
  readonly value: (row: ColumnRow) => number | undefined;
  /** In five cells at most; a count in decimal units where nothing else is said. */
  readonly text?: ColumnSpec['text'];
};

const numberSpec = ({ value, ...spec }: NumberSpec) =>
  ({
    text: (row: ColumnRow) => compactText(value(row)),
    ...spec,
    align: 'right',
    width: NUMBER_WIDTH,
    key: (row: ColumnRow) => value(row) ?? -1,
    descending: true,
  }) as const;

/** A column of a number of which the most is wanted first; unknown ones come last. */
export const number = ({
  priority,
  from,
  ...spec
}: NumberSpec & Pick<ColumnSpec, 'priority' | 'from'>): ColumnSpec => ({
  ...numberSpec(spec),
  priority,
  ...(from !== undefined && { from }),
  present: ({ traffic }) => traffic,
});

export const requestedNumber = (spec: NumberSpec): ColumnSpec => onRequest(numberSpec(spec));

/** Words from outside; in quotes if they are the sign that stands for nothing. */
export const wordsText = (value = ''): string => {
  const text = printable(value).trim();
  return text === NOTHING ? `"${text}"` : text || NOTHING;
};

/** A column of words from outside. */
export const words = ({
  value,
  ...spec
}: Pick<RequestedSpec, 'title' | 'about' | 'width'> & {
  readonly value: (row: ColumnRow) => string | undefined;
}): ColumnSpec =>
  onRequest({
    ...spec,
    align: 'left',
    text: (row) => wordsText(value(row)),
    key: (row) => (value(row) ?? '').toLowerCase(),
  });

/** A column of whole numbers that name something: none is more than another. */
export const numberedName = ({
  value,
  ...spec
}: Pick<RequestedSpec, 'title' | 'about' | 'width'> & {
  readonly value: (row: ColumnRow) => number | undefined;
}): ColumnSpec =>
  onRequest({
    ...spec,
    align: 'right',
    text: (row) => String(value(row) ?? NOTHING),
    key: (row) => value(row) ?? -1,
  });

/** A column of how long ago something was, the latest first; unknown ones come last. */
export const ago = ({
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
      return ms === undefined ? NOTHING : ageText(Math.max(0, takenAtMs - ms), false);
    },
    key: (row) => -(value(row) ?? 0),
  });
