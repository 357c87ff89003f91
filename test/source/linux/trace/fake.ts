import { endianness, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { vi } from 'vitest';
import type { PageLayout } from '../../../../src/source/linux/trace/format.ts';
import { EVENTS } from '../../../../src/source/linux/trace/decoder.ts';
import type { TraceNative } from '../../../../src/source/linux/trace/trace.ts';

/** The real module: tests mock mkdir(2), rmdir(2) and writes of `node:fs` with the fakes below. */
const fs = await vi.importActual<typeof import('node:fs')>('node:fs');

const LITTLE_ENDIAN = endianness() === 'LE';
const FIXTURES = new URL('../../../../fixtures/linux/trace/', import.meta.url);

/** Returns the text of a file of fixtures/linux/trace. */
export const fixture = (name: string): string => fs.readFileSync(new URL(name, FIXTURES), 'utf8');

export const format = (event: string): string => fixture(`${event.split('/').at(-1) ?? ''}.format`);

export const pages = (): Uint8Array[] =>
  fixture('pages.b64')
    .trimEnd()
    .split('\n')
    .map((line) => new Uint8Array(Buffer.from(line, 'base64')));

/** The layout of a page on a 64-bit kernel. */
export const LAYOUT: PageLayout = { time: 0, commit: LITTLE_ENDIAN ? 8 : 12, data: 16, length: 4096 };

/** One entry of a page: an event with its content, a time, or padding. */
export interface Entry {
  readonly type: number;
  readonly delta?: number;
  /** The word after the head, if any. */
  readonly word?: number;
  /** The bytes after that. */
  readonly content?: Uint8Array;
}

/** Returns an event with its length in its head, as for all up to 112 bytes. */
export const event = (content: Uint8Array, delta = 0): Entry => ({
  type: Math.ceil(content.length / 4),
  delta,
  content,
});

/** Returns the bytes of an entry. */
function entryBytes({ type, delta = 0, word, content }: Entry): Uint8Array {
  const head = LITTLE_ENDIAN ? ((delta << 5) | type) >>> 0 : ((type << 27) | delta) >>> 0;
  const padded = new Uint8Array(Math.ceil((content?.length ?? 0) / 4) * 4);
  if (content !== undefined) padded.set(content);
  const words = new Uint32Array(word === undefined ? [head] : [head, word]);
  return new Uint8Array([...new Uint8Array(words.buffer), ...padded]);
}

/** Returns a page of the ring buffer. @param ns its time @param commit its committed length, if not the correct one */
export function pageOf(ns: bigint, entries: readonly Entry[], commit?: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(LAYOUT.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(LAYOUT.time, ns, LITTLE_ENDIAN);
  let at = LAYOUT.data;
  for (const entry of entries) {
    bytes.set(entryBytes(entry), at);
    at += entryBytes(entry).length;
  }
  view.setUint32(LAYOUT.commit, commit ?? at - LAYOUT.data, LITTLE_ENDIAN);
  return bytes;
}

/** Returns the id of an event and the offsets of its fields in the captured formats. */
export function layoutOf(name: string): { id: number; offset: (field: string) => number } {
  const text = format(name);
  return {
    id: Number(/^ID: (\d+)/m.exec(text)?.[1]),
    offset: (field) => Number(new RegExp(` ${field}(?:\\[\\d*\\])?;\\toffset:(\\d+)`).exec(text)?.[1]),
  };
}

/** Returns the content of an event `sched_process_exit`, the shortest event. */
export function exitEvent(
  pid: number,
  { flags = 0, id = layoutOf('sched/sched_process_exit').id } = {},
): Uint8Array {
  const { offset } = layoutOf('sched/sched_process_exit');
  const bytes = new Uint8Array(36);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, id, LITTLE_ENDIAN);
  view.setUint8(offset('common_flags'), flags);
  view.setInt32(offset('common_pid'), pid, LITTLE_ENDIAN);
  view.setInt32(offset('pid'), pid, LITTLE_ENDIAN);
  view.setUint8(offset('group_dead'), 1);
  return bytes;
}

/** Returns the paths of the open files of this process. */
export const openFiles = (): string[] =>
  fs.readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [fs.readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });

const errorOf = (code: string): Error => Object.assign(new Error(`${code}: as the kernel says`), { code });

/** Fakes tracefs in a folder: creates and removes instances below `instances` as the kernel does. */
export class FakeTracefs {
  readonly root = fs.mkdtempSync(join(tmpdir(), 'netpane-tracefs-'));
  processors = 2;
  /** Formats of the events that this kernel has. */
  readonly events = new Map([...EVENTS.keys()].map((name) => [name, format(name)]));
  headerPage = fixture('header_page.txt');
  stats = fixture('stats.txt');
  /** Instances that are open in another process. */
  readonly held = new Set<string>();
  /** Called after an instance is created. */
  onCreated: (path: string) => void = () => undefined;
  /** Writes in order, `file: text`, with the path in the instance. */
  readonly written: string[] = [];
  /** Error codes of writes, by the end of a file or of `file: text`. */
  readonly refused = new Map<string, string>();

  constructor() {
    fs.mkdirSync(join(this.root, 'instances'));
  }

  instances(): string[] {
    return fs.readdirSync(join(this.root, 'instances'));
  }

  /** Creates an instance as mkdir(2) in tracefs does. */
  make(path: string): void {
    fs.mkdirSync(path);
    const put = (name: string, text: string) => {
      fs.mkdirSync(dirname(join(path, name)), { recursive: true });
      this.put(join(path, name), text);
    };
    for (let i = 0; i < this.processors; i++) {
      put(`per_cpu/cpu${i}/trace_pipe_raw`, '');
      put(`per_cpu/cpu${i}/stats`, this.stats);
    }
    for (const [name, text] of this.events) {
      for (const file of ['enable', 'filter']) put(`events/${name}/${file}`, '');
      put(`events/${name}/format`, text);
    }
    put('events/header_page', this.headerPage);
    for (const file of ['trace_clock', 'trace_options', 'buffer_percent', 'buffer_size_kb', 'free_buffer'])
      put(file, '');
    this.onCreated(path);
  }

  /** Removes an instance as rmdir(2) in tracefs does: with its files, but not while one is open. */
  remove(path: string): void {
    const isOpen = openFiles().some((file) => file.startsWith(`${path}/`));
    if (isOpen || this.held.has(path.slice(path.lastIndexOf('/') + 1))) throw errorOf('EBUSY');
    // Without `force`, so that it fails for a missing instance.
    fs.rmSync(path, { recursive: true });
  }

  /** Changes a file as the kernel does, without recording a write. */
  put(path: string, text: string): void {
    fs.writeFileSync(path, text);
  }

  /** Makes a file impossible to open. */
  breakFile(path: string): void {
    fs.rmSync(path);
    fs.symlinkSync(path, path);
  }

  write(path: string, text: string, options: { readonly flag: string }): void {
    for (const [end, code] of this.refused)
      if (path.endsWith(end) || `${path}: ${text}`.endsWith(end)) throw errorOf(code);
    this.written.push(`${path.slice(path.indexOf('/instances/') + 11).replace(/^[^/]*\//, '')}: ${text}`);
    fs.writeFileSync(path, text, options);
  }

  close(): void {
    fs.rmSync(this.root, { recursive: true });
  }
}

/** Returns `node:fs` with the calls of the current fake, for `vi.mock`. */
export const withFake = (current: () => FakeTracefs) => ({
  ...fs,
  mkdirSync: (path: string) => current().make(path),
  rmdirSync: (path: string) => current().remove(path),
  writeFileSync: (path: string, text: string, options: { readonly flag: string }) =>
    current().write(path, text, options),
});

const POLLERR = 8;

/** Fakes the calls of the C library. */
export class FakeNative implements TraceNative {
  /** Results of reads of a pipe, by processor: pages, or results of the call. */
  readonly pipes = new Map<number, (Uint8Array | number)[]>();
  pollResult: number | undefined;
  /** Processors that have never been online. */
  readonly offline = new Set<number>();
  polls = 0;
  reads = 0;
  readonly closed: number[] = [];
  mount: (filesystem: string) => number = () => {
    throw new Error('tests do not mount');
  };

  mountDetached(filesystem: string): number {
    return this.mount(filesystem);
  }

  /** Returns the number of the processor whose pipe it is. */
  #processorOf(fd: number): number {
    return Number(/cpu(\d+)\/trace_pipe_raw$/.exec(fs.readlinkSync(`/proc/self/fd/${fd}`))?.[1]);
  }

  #queue(fd: number): (Uint8Array | number)[] {
    return this.pipes.get(this.#processorOf(fd)) ?? [];
  }

  poll(set: Int32Array, count: number): number {
    this.polls++;
    const fields = new Int16Array(set.buffer);
    let ready = 0;
    for (let i = 0; i < count; i++) {
      const fd = set[i * 2] ?? -1;
      // `events` is POLLIN.
      const isReady = fields[i * 4 + 2] === 1 && this.#queue(fd).length > 0;
      fields[i * 4 + 3] = this.offline.has(this.#processorOf(fd)) ? POLLERR : Number(isReady);
      ready += Number(isReady);
    }
    return this.pollResult ?? ready;
  }

  read(fd: number, into: Uint8Array): number {
    this.reads++;
    const next = this.#queue(fd).shift() ?? -11;
    if (typeof next === 'number') return next;
    into.set(next);
    return next.length;
  }

  close(fd: number): void {
    this.closed.push(fd);
    fs.closeSync(fd);
  }
}

/** Returns a descriptor of a folder, like that of a mount without mount point. */
export const descriptorOf = (folder: string): number => fs.openSync(folder, 'r');
