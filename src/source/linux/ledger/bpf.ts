import type { NativeMemory } from '../netlink/c-library.ts';
import { ERRNO } from '../netlink/errno.ts';
import type { Native } from '../netlink/native.ts';
import { LITTLE_ENDIAN } from '../netlink/wire.ts';
import type { Cookie } from '../netlink/cookie.ts';

/** Number of bpf(2) by architecture. */
const SYS_BPF: Readonly<Partial<Record<NodeJS.Architecture, number>>> = {
  x64: 321,
  arm64: 280,
  riscv64: 280,
  loong64: 280,
  arm: 386,
  ia32: 357,
  ppc64: 361,
  s390x: 351,
};

/** Commands of bpf(2), enum bpf_cmd in include/uapi/linux/bpf.h. */
const COMMAND = {
  mapCreate: 0,
  lookUp: 1,
  update: 2,
  progLoad: 5,
  lookUpAndDelete: 21,
  lookUpBatch: 24,
  deleteBatch: 27,
  linkCreate: 28,
} as const;

/** Types of maps (enum bpf_map_type). */
export const MAP_TYPE = { hash: 1, array: 2 } as const;

/** Flag of a map: its values get their memory one by one, when they are made (BPF_F_NO_PREALLOC). */
export const NO_PREALLOC = 1;

/** Bytes of union bpf_attr that are passed; the kernel takes fields that it does not know if they are 0. */
const ATTRIBUTES_LENGTH = 144;

/** Bytes of union bpf_attr that a lookup uses: map, key, value and flags. */
const LOOK_UP_LENGTH = 32;

/** Bytes of the verifier's log. */
const LOG_LENGTH = 64 * 1024;

/** Length of an instruction and of a map key that is a cookie, bytes. */
const INSTRUCTION_LENGTH = 8;
const COOKIE_LENGTH = 8;

/** Offsets of the halves of a cookie, which is a 64-bit number in the byte order of the machine. */
const LOW_AT = LITTLE_ENDIAN ? 0 : 4;
const HIGH_AT = 4 - LOW_AT;

/** Maximum number of times a program is loaded again after a signal has interrupted its verification. */
const MAX_INTERRUPTIONS = 10;

/** Licence of the programs: they call no function that is for the GPL alone. */
const LICENCE = 'MIT\0';

/** The kernel refused a call of bpf(2). */
export class BpfError extends Error {
  readonly errno: number;
  /** The verifier's log; empty if it has not seen the program. */
  readonly log: string;

  /** @param errno positive (errno(3)) */
  constructor(call: string, errno: number, log = '') {
    super(`${call}: error ${errno}${log === '' ? '' : `\n${log}`}`);
    this.errno = errno;
    this.log = log;
  }
}

export interface MapSpec {
  readonly type: number;
  readonly keyLength: number;
  readonly valueLength: number;
  readonly maxEntries: number;
  readonly flags: number;
}

export interface ProgramSpec {
  /** For messages. */
  readonly name: string;
  readonly type: number;
  readonly attachType: number;
  readonly code: Uint8Array;
}

/** Takes a value of a map by cookie, in two halves. The view is valid until it returns. */
export type OnValue = (low: number, high: number, value: DataView) => void;

/**
 * Calls of bpf(2): `Bpf`, or a fake in tests. Descriptors are those of maps, programs and links. A cookie, the key of
 * most maps, is passed as its low and high 32 bits: a number has no room for 64.
 */
export interface BpfCalls {
  /** Throws `BpfError`. */
  createMap(map: MapSpec): number;
  /** Throws `BpfError`, with the verifier's log. */
  loadProgram(program: ProgramSpec): number;
  /** Attaches a program to a control group until the descriptor is closed. Throws `BpfError`. */
  attach(program: number, cgroup: number, attachType: number): number;
  /**
   * Returns a value of a map by cookie; undefined if there is none. It is valid until the next call.
   * @param isTaken true to delete it too
   */
  lookUp(map: number, low: number, high: number, isTaken: boolean): DataView | undefined;
  /** Replaces the value at an index of an array. Returns without a change if the kernel refuses. */
  setValueAt(map: number, index: number, value: Uint8Array): void;
  /** Returns the value at an index of an array; undefined if it cannot be read. It is valid until the next call. */
  valueAt(map: number, index: number): DataView | undefined;
  /**
   * Calls a function for each value of a map. An array has no cookies as keys: ignore their halves.
   * @param usedAt offset of a 64-bit number: values in which it is 0 are left out
   */
  readAll(map: number, valueLength: number, onValue: OnValue, usedAt?: number): void;
  /** Removes the values of these cookies from a map, with one system call for many. @returns the number removed */
  removeAll(map: number, cookies: readonly Cookie[]): number;
  close(descriptor: number): void;
}

/** Number of values or keys in one system call of `readAll` and `removeAll`. */
const BATCH = 1024;

/** Memory for the values of one system call of `readAll`. */
interface BatchMemory {
  readonly values: NativeMemory;
  /** All values as 32-bit words: finding the used ones among a thousand through views would take a millisecond. */
  readonly words: Uint32Array;
  /** A view of each value, made when it is first needed: making a view costs more than reading through it. */
  readonly views: DataView[];
}

/** bpf(2), which has no wrapper in the C library. */
export class Bpf implements BpfCalls {
  readonly #native: Native;
  readonly #number: number | undefined;
  /** union bpf_attr of the next call. */
  readonly #attributes: NativeMemory;
  readonly #key: NativeMemory;
  readonly #value: NativeMemory;
  /** Keys of a batch. */
  readonly #keys: NativeMemory;
  /** union bpf_attr of lookups by cookie, which each close needs: only the map in it changes. */
  readonly #lookUp: NativeMemory;
  readonly #lookUpAt: number;
  /** Memory of `readAll` by length of the values; made when it is first needed. */
  readonly #batches = new Map<number, BatchMemory>();

  constructor(native: Native) {
    this.#native = native;
    this.#number = SYS_BPF[process.arch];
    this.#attributes = native.allocate(ATTRIBUTES_LENGTH);
    this.#key = native.allocate(2 * COOKIE_LENGTH);
    this.#value = native.allocate(1024);
    this.#keys = native.allocate(BATCH * COOKIE_LENGTH);
    this.#lookUp = native.allocate(LOOK_UP_LENGTH);
    this.#lookUp.view.setBigUint64(8, this.#key.address, LITTLE_ENDIAN);
    this.#lookUp.view.setBigUint64(16, this.#value.address, LITTLE_ENDIAN);
    this.#lookUpAt = Number(this.#lookUp.address);
  }

  /** Calls bpf(2). @param fill sets the attributes, which are 0 before. @returns the result, or a negative errno */
  #call(command: number, fill: (attributes: DataView) => void): number {
    if (this.#number === undefined) return -ERRNO.ENOSYS;
    const { bytes, view, address } = this.#attributes;
    bytes.fill(0);
    fill(view);
    return this.#native.systemCall(this.#number, command, Number(address), ATTRIBUTES_LENGTH);
  }

  createMap({ type, keyLength, valueLength, maxEntries, flags }: MapSpec): number {
    return must(
      'creating a map',
      this.#call(COMMAND.mapCreate, (it) => {
        setNumbers(it, [type, keyLength, valueLength, maxEntries, flags]);
      }),
    );
  }

  loadProgram({ name, type, attachType, code }: ProgramSpec): number {
    const instructions = this.#native.allocate(code.length);
    const licence = this.#native.allocate(LICENCE.length);
    const log = this.#native.allocate(LOG_LENGTH);
    instructions.bytes.set(code);
    licence.bytes.set(Buffer.from(LICENCE));
    const tryToLoad = (hasLog: boolean) =>
      this.#call(COMMAND.progLoad, (it) => {
        setNumbers(it, [type, code.length / INSTRUCTION_LENGTH]);
        it.setBigUint64(8, instructions.address, LITTLE_ENDIAN);
        it.setBigUint64(16, licence.address, LITTLE_ENDIAN);
        // log_level, log_size, log_buf.
        if (hasLog) {
          it.setUint32(24, 1, LITTLE_ENDIAN);
          it.setUint32(28, LOG_LENGTH, LITTLE_ENDIAN);
          it.setBigUint64(32, log.address, LITTLE_ENDIAN);
        }
        it.setUint32(68, attachType, LITTLE_ENDIAN);
      });
    // The verifier stops with EAGAIN when a signal arrives for this thread (bpf_check in kernel/bpf/verifier.c).
    const load = (hasLog: boolean) => {
      let result = tryToLoad(hasLog);
      for (let i = 0; i < MAX_INTERRUPTIONS && result === -ERRNO.EAGAIN; i++) result = tryToLoad(hasLog);
      return result;
    };
    try {
      const descriptor = load(false);
      if (descriptor >= 0) return descriptor;
      // The second time with a log. The first has none, because loading would fail if the log were too short.
      const again = load(true);
      if (again >= 0) return again;
      throw new BpfError(`loading the program ${name}`, -descriptor, textOf(log.bytes));
    } finally {
      for (const memory of [instructions, licence, log]) this.#native.free(memory);
    }
  }

  attach(program: number, cgroup: number, attachType: number): number {
    return must(
      'attaching a program',
      this.#call(COMMAND.linkCreate, (it) => {
        setNumbers(it, [program, cgroup, attachType]);
      }),
    );
  }

  lookUp(map: number, low: number, high: number, isTaken: boolean): DataView | undefined {
    if (this.#number === undefined) return undefined;
    this.#lookUp.view.setUint32(0, map, LITTLE_ENDIAN);
    this.#key.view.setUint32(LOW_AT, low, LITTLE_ENDIAN);
    this.#key.view.setUint32(HIGH_AT, high, LITTLE_ENDIAN);
    const command = isTaken ? COMMAND.lookUpAndDelete : COMMAND.lookUp;
    const result = this.#native.systemCall(this.#number, command, this.#lookUpAt, LOOK_UP_LENGTH);
    return result === 0 ? this.#value.view : undefined;
  }

  valueAt(map: number, index: number): DataView | undefined {
    return this.#callWithIndex(COMMAND.lookUp, map, index) === 0 ? this.#value.view : undefined;
  }

  setValueAt(map: number, index: number, value: Uint8Array): void {
    this.#value.bytes.set(value);
    this.#callWithIndex(COMMAND.update, map, index);
  }

  /** Calls bpf(2) for the value at an index of an array, which is in `#value`. */
  #callWithIndex(command: number, map: number, index: number): number {
    return this.#call(command, (it) => {
      this.#key.view.setUint32(0, index, LITTLE_ENDIAN);
      it.setUint32(0, map, LITTLE_ENDIAN);
      it.setBigUint64(8, this.#key.address, LITTLE_ENDIAN);
      it.setBigUint64(16, this.#value.address, LITTLE_ENDIAN);
    });
  }

  #batchFor(valueLength: number): BatchMemory {
    const known = this.#batches.get(valueLength);
    if (known) return known;
    const values = this.#native.allocate(BATCH * valueLength);
    const { buffer, byteOffset, length } = values.bytes;
    const memory = { values, words: new Uint32Array(buffer, byteOffset, length / 4), views: [] };
    this.#batches.set(valueLength, memory);
    return memory;
  }

  readAll(map: number, valueLength: number, onValue: OnValue, usedAt?: number): void {
    const keys = this.#keys;
    const { values, words, views } = this.#batchFor(valueLength);
    // The kernel puts the place to continue from into the key.
    for (let isFirst = true; ; isFirst = false) {
      let count = 0;
      const result = this.#call(COMMAND.lookUpBatch, (it) => {
        if (!isFirst) it.setBigUint64(0, this.#key.address, LITTLE_ENDIAN);
        it.setBigUint64(8, this.#key.address, LITTLE_ENDIAN);
        it.setBigUint64(16, keys.address, LITTLE_ENDIAN);
        it.setBigUint64(24, values.address, LITTLE_ENDIAN);
        it.setUint32(32, BATCH, LITTLE_ENDIAN);
        it.setUint32(36, map, LITTLE_ENDIAN);
      });
      // ENOENT: these are the last values. The kernel stores their number in both cases.
      if (result === 0 || result === -ERRNO.ENOENT)
        count = this.#attributes.view.getUint32(32, LITTLE_ENDIAN);
      for (let i = 0; i < count; i++) {
        if (usedAt !== undefined) {
          const word = (i * valueLength + usedAt) / 4;
          if (words[word] === 0 && words[word + 1] === 0) continue;
        }
        const at = i * COOKIE_LENGTH;
        onValue(
          keys.view.getUint32(at + LOW_AT, LITTLE_ENDIAN),
          keys.view.getUint32(at + HIGH_AT, LITTLE_ENDIAN),
          (views[i] ??= new DataView(
            values.bytes.buffer,
            values.bytes.byteOffset + i * valueLength,
            valueLength,
          )),
        );
      }
      if (result !== 0) return;
    }
  }

  removeAll(map: number, cookies: readonly Cookie[]): number {
    let removed = 0;
    for (let first = 0; first < cookies.length; first += BATCH) {
      const batch = cookies.slice(first, first + BATCH);
      for (const [i, { low, high }] of batch.entries()) {
        this.#keys.view.setUint32(i * COOKIE_LENGTH + LOW_AT, low, LITTLE_ENDIAN);
        this.#keys.view.setUint32(i * COOKIE_LENGTH + HIGH_AT, high, LITTLE_ENDIAN);
      }
      for (let at = 0; at < batch.length; at++) {
        const result = this.#call(COMMAND.deleteBatch, (it) => {
          it.setBigUint64(16, this.#keys.address + BigInt(at * COOKIE_LENGTH), LITTLE_ENDIAN);
          it.setUint32(32, batch.length - at, LITTLE_ENDIAN);
          it.setUint32(36, map, LITTLE_ENDIAN);
        });
        // The kernel stores how many it has removed, and stops at a key without a value (generic_map_delete_batch).
        if (result !== 0 && result !== -ERRNO.ENOENT) return removed;
        const count = this.#attributes.view.getUint32(32, LITTLE_ENDIAN);
        removed += count;
        at += count;
      }
    }
    return removed;
  }

  close(descriptor: number): void {
    this.#native.close(descriptor);
  }
}

function must(call: string, result: number): number {
  if (result < 0) throw new BpfError(call, -result);
  return result;
}

const setNumbers = (view: DataView, numbers: readonly number[]): void => {
  for (const [i, number] of numbers.entries()) view.setUint32(i * 4, number, LITTLE_ENDIAN);
};

/** Returns the text up to its NUL. */
function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(bytes.subarray(0, end < 0 ? bytes.length : end))
    .toString('utf8')
    .trim();
}
