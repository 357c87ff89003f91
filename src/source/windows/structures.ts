import { fileTimeOf, PROCESS, SERVICE, UNICODE_STRING } from './layout.ts';

/** Maximum length of a name or command line, bytes of UTF-16: that of a UNICODE_STRING. */
const MAX_TEXT_BYTES = 65_534;

const UTF16 = new TextDecoder('utf-16le');

/** Bytes of an answer of Windows, and their address: the structures in them point to their texts by address. */
export interface Memory {
  readonly bytes: Uint8Array;
  readonly address: bigint;
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Returns the offset of an address in the memory; undefined if it lies outside. */
function offsetOf({ bytes, address }: Memory, target: bigint): number | undefined {
  const offset = target - address;
  return offset >= 0n && offset < BigInt(bytes.length) ? Number(offset) : undefined;
}

/** Returns the text of UTF-16 at an offset, up to its NUL or the end of the memory. */
export function terminatedText(bytes: Uint8Array, start: number): string {
  const most = Math.min(bytes.length, start + MAX_TEXT_BYTES);
  let end = start;
  while (end + 1 < most && (bytes[end] !== 0 || bytes[end + 1] !== 0)) end += 2;
  return UTF16.decode(bytes.subarray(start, end));
}

/** Returns the text of this many bytes of UTF-16 at an address; undefined for 0, and if they do not lie in the memory. */
function textAt(memory: Memory, address: bigint, bytes: number): string | undefined {
  const start = offsetOf(memory, address);
  if (start === undefined || bytes === 0 || start + bytes > memory.bytes.length) return undefined;
  return UTF16.decode(memory.bytes.subarray(start, start + bytes));
}

/** Returns the text of a UNICODE_STRING at the start of the memory; undefined if it has none in this memory. */
export function unicodeString(memory: Memory): string | undefined {
  if (memory.bytes.length < UNICODE_STRING.size) return undefined;
  const view = viewOf(memory.bytes);
  const bytes = view.getUint16(UNICODE_STRING.bytes, true);
  return textAt(memory, view.getBigUint64(UNICODE_STRING.address, true), bytes);
}

/**
 * Called for each process of the list.
 * @param created FILETIME of its start; 0 if unknown
 * @param name returns its name
 * @param parent pid of the process that started it
 */
export type OnProcess = (
  pid: number,
  created: number,
  name: () => string | undefined,
  parent: number,
) => void;

/** Calls back with each process of a list of SYSTEM_PROCESS_INFORMATION. Never reads past the end. */
export function readProcessList(memory: Memory, onProcess: OnProcess): void {
  const view = viewOf(memory.bytes);
  for (let at = 0; at + PROCESS.size <= view.byteLength;) {
    const start = at;
    const name = (): string | undefined =>
      textAt(
        memory,
        view.getBigUint64(start + PROCESS.nameAddress, true),
        view.getUint16(start + PROCESS.nameBytes, true),
      );
    const created = fileTimeOf(
      view.getUint32(at + PROCESS.created, true),
      view.getUint32(at + PROCESS.created + 4, true),
    );
    onProcess(
      view.getUint32(at + PROCESS.pid, true),
      created,
      name,
      view.getUint32(at + PROCESS.parent, true),
    );
    const next = view.getUint32(at + PROCESS.next, true);
    // The distance is 0 in the last process. With another distance shorter than a process, bytes would be read twice.
    if (next < PROCESS.size) return;
    at += next;
  }
}

/**
 * Returns the names of the services by pid, from a list of ENUM_SERVICE_STATUS_PROCESSW. Never reads past the end.
 * @param count number of services that Windows says the list has
 */
export function readServiceList(memory: Memory, count: number): Map<number, string[]> {
  const services = new Map<number, string[]>();
  const view = viewOf(memory.bytes);
  const most = Math.min(count, Math.floor(view.byteLength / SERVICE.size));
  for (let i = 0; i < most; i++) {
    const at = i * SERVICE.size;
    const start = offsetOf(memory, view.getBigUint64(at + SERVICE.name, true));
    const pid = view.getUint32(at + SERVICE.pid, true);
    if (start === undefined || pid === 0) continue;
    const name = terminatedText(memory.bytes, start);
    const list = services.get(pid);
    if (list) list.push(name);
    else services.set(pid, [name]);
  }
  return services;
}
