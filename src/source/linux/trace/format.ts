/** Where something is, bytes. */
export interface Field {
  readonly offset: number;
  readonly size: number;
}

/** What the file `format` of an event says. */
export interface EventFormat {
  /** What stands in `common_type`. */
  readonly id: number;
  readonly fields: ReadonlyMap<string, Field>;
}

/** `	field:char comm[16];	offset:12;	size:16;	signed:0;`: a declaration of C, and where it is. */
const FIELD = /^\s*field:([^;]*);\s*offset:(\d+);\s*size:(\d+);/;

/** Returns the name in a declaration: its last word, lengths of arrays apart. */
const nameIn = (declaration: string): string | undefined =>
  declaration
    .replace(/\[\w*\]/g, ' ')
    .match(/\w+/g)
    ?.at(-1);

function parseFields(text: string): { fields: Map<string, Field>; problems: number } {
  const fields = new Map<string, Field>();
  let problems = 0;
  for (const line of text.split('\n')) {
    if (!/^\s*field:/.test(line)) continue;
    const [, declaration = '', offset, size] = FIELD.exec(line) ?? [];
    const name = nameIn(declaration);
    if (name === undefined) problems++;
    else fields.set(name, { offset: Number(offset), size: Number(size) });
  }
  return { fields, problems };
}

/**
 * Reads the file `format` of an event (Documentation/trace/events.rst).
 * @returns no format where it has no number; `problems` counts fields that are not understood and left out
 */
export function parseEventFormat(text: string): { format: EventFormat | undefined; problems: number } {
  const id = /^ID:\s*(\d+)$/m.exec(text)?.[1];
  const { fields, problems } = parseFields(text);
  return { format: id === undefined ? undefined : { id: Number(id), fields }, problems };
}

/** What a page of the ring buffer looks like, bytes. */
export interface PageLayout {
  /** Where the 64 bits of its time are. */
  readonly time: number;
  /** Where the low 32 bits of `commit` are: how much of the page holds events. */
  readonly commit: number;
  /** Where events begin. */
  readonly data: number;
  /** Length of the whole page. */
  readonly length: number;
}

/**
 * Reads `events/header_page`.
 * @param littleEndian the machine's byte order
 * @returns undefined where a field is missing or not of a length that is known
 */
export function parsePageLayout(text: string, littleEndian: boolean): PageLayout | undefined {
  const { fields } = parseFields(text);
  const [time, commit, data] = ['timestamp', 'commit', 'data'].map((name) => fields.get(name));
  if (time?.size !== 8 || commit === undefined || data === undefined) return undefined;
  if (commit.size !== 4 && commit.size !== 8) return undefined;
  const layout = {
    time: time.offset,
    commit: littleEndian ? commit.offset : commit.offset + commit.size - 4,
    data: data.offset,
    length: data.offset + data.size,
  };
  // Everything in a page begins at a multiple of 4, and its head is before its data.
  const isSound =
    Object.values(layout).every((at) => at % 4 === 0) &&
    layout.time + 8 <= layout.data &&
    layout.commit + 4 <= layout.data &&
    layout.length <= LONGEST_PAGE;
  return isSound ? layout : undefined;
}

/** The kernel makes no page longer than this: 128 pages of 64 KiB (buffer_subbuf_size_kb). */
const LONGEST_PAGE = 2 ** 23;
