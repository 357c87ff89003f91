/** Place of a field, bytes. */
export interface Field {
  readonly offset: number;
  readonly size: number;
}

/** Content of the file `format` of an event. */
export interface EventFormat {
  /** Value of `common_type` in such an event. */
  readonly id: number;
  readonly fields: ReadonlyMap<string, Field>;
}

/** `	field:char comm[16];	offset:12;	size:16;	signed:0;`: a C declaration and its place. */
const FIELD = /^\s*field:([^;]*);\s*offset:(\d+);\s*size:(\d+);/;

/** Returns the name in a declaration: the last identifier outside of brackets. */
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
 * Parses the file `format` of an event (Documentation/trace/events.rst).
 * @returns `format`, undefined without an id, and `problems`, the number of malformed fields, which are skipped
 */
export function parseEventFormat(text: string): { format: EventFormat | undefined; problems: number } {
  const id = /^ID:\s*(\d+)$/m.exec(text)?.[1];
  const { fields, problems } = parseFields(text);
  return { format: id === undefined ? undefined : { id: Number(id), fields }, problems };
}

/** Layout of a page of the ring buffer; offsets and length in bytes. */
export interface PageLayout {
  /** Offset of its time, 64 bits. */
  readonly time: number;
  /** Offset of the low 32 bits of `commit`, the number of bytes with events. */
  readonly commit: number;
  /** Offset of the events. */
  readonly data: number;
  /** Length of the whole page. */
  readonly length: number;
}

/**
 * Parses `events/header_page`.
 * @param littleEndian byte order of the machine
 * @returns undefined if a field is missing or has an unexpected length
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
  // All offsets are multiples of 4, and the header comes before the data.
  const isSound =
    Object.values(layout).every((at) => at % 4 === 0) &&
    layout.time + 8 <= layout.data &&
    layout.commit + 4 <= layout.data &&
    layout.length <= LONGEST_PAGE;
  return isSound ? layout : undefined;
}

/** Maximum length of a page in the kernel, bytes: 128 pages of 64 KiB (buffer_subbuf_size_kb). */
const LONGEST_PAGE = 2 ** 23;
