import type { Assembler } from './assembler.ts';
import { COUNT, ENTRY, SLOT, SLOTS } from './layout.ts';

/*
 * Common parts of the programs of the ledger: numbers of the kernel, and instructions that several of them use.
 */

/** Functions of the kernel (enum bpf_func_id, include/uapi/linux/bpf.h). */
export const HELPER = {
  mapLookUp: 1,
  mapUpdate: 2,
  mapDelete: 3,
  timeNs: 5,
  pidTgid: 14,
  uidGid: 15,
  comm: 16,
  cookie: 46,
  fullSock: 95,
  nsPidTgid: 120,
} as const;

/** Program types and attach types (enum bpf_prog_type, enum bpf_attach_type). */
export const TYPE = { cgroupSkb: 8, cgroupSock: 9, sockOps: 13 } as const;
export const ATTACH = { ingress: 0, egress: 1, sockCreate: 2, sockOps: 3, sockRelease: 34 } as const;

/** Offsets into struct bpf_sock. */
export const SOCK = { type: 8, protocol: 12, localPort: 44, state: 72 } as const;

export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const TCP = 6;
export const UDP = 17;
export const UDPLITE = 136;

/** Flags of bpf_map_update_elem. */
export const ANY = 0;
export const NO_EXIST = 1;

/** Places on the stack: of the key, of a short-lived number, and of a new value. */
export const KEY = -8;
export const SCRATCH = -16;
export const VALUE = -16 - ENTRY.length;

/** Descriptors of the maps that the programs use. */
export interface MapDescriptors {
  readonly entries: number;
  readonly counters: number;
  readonly slots: number;
  /** The array of `COUNT`. */
  readonly counts: number;
}

/** A program and where it is attached. */
export interface Program {
  readonly name: string;
  readonly type: number;
  readonly attachType: number;
  readonly code: Uint8Array;
}

/** Puts the cookie of the context in r6 on the stack, as the key. */
export const storeCookie = (it: Assembler): Assembler =>
  it.compute('r1', '=', 'r6').call(HELPER.cookie).store(64, 'r10', KEY, 'r0');

/** Sets r0 to the address of the value of the key, 0 if there is none. */
export const lookUp = (it: Assembler, map: number): Assembler =>
  it.loadMap('r1', map).compute('r2', '=', 'r10').compute('r2', '+', KEY).call(HELPER.mapLookUp);

/** Sets r0 to the slot of the key, and r1 to the cookie in it. @param none label to go to if there is no slot */
export const findSlot = (it: Assembler, slots: number, none: string): Assembler =>
  it
    .load(64, 'r1', 'r10', KEY)
    .compute('r1', '&', SLOTS - 1)
    .store(32, 'r10', SCRATCH, 'r1')
    .loadMap('r1', slots)
    .compute('r2', '=', 'r10')
    .compute('r2', '+', SCRATCH)
    .call(HELPER.mapLookUp)
    .jumpIf('r0', '==', 0, none)
    .load(64, 'r1', 'r0', SLOT.cookie);

/** Puts the value on the stack into a map. */
export const update = (it: Assembler, map: number, flags: number): Assembler =>
  it
    .loadMap('r1', map)
    .compute('r2', '=', 'r10')
    .compute('r2', '+', KEY)
    .compute('r3', '=', 'r10')
    .compute('r3', '+', VALUE)
    .compute('r4', '=', flags)
    .call(HELPER.mapUpdate);

export function zeroValue(it: Assembler, length: number): Assembler {
  for (let at = 0; at < length; at += 8) it.store(64, 'r10', VALUE + at, 0);
  return it;
}

/**
 * Adds to a number of `COUNT`. The key stays on the stack.
 * @param next label after it
 */
export const addToCount = (
  it: Assembler,
  counts: number,
  index: number,
  number: 1 | -1,
  next: string,
): Assembler => addTo(it.store(32, 'r10', SCRATCH, index), counts, number, next);

/** Counts a new entry, or in r0, which has the result of `update`, that there was no room for it. */
export const countUpdate = (it: Assembler, counts: number, next: string): Assembler =>
  addTo(
    it
      .store(32, 'r10', SCRATCH, COUNT.entries)
      .jumpIf('r0', '==', 0, `${next}: count`)
      .store(32, 'r10', SCRATCH, COUNT.refused)
      .label(`${next}: count`),
    counts,
    1,
    next,
  );

/** Adds to the number whose index is on the stack. */
const addTo = (it: Assembler, counts: number, number: 1 | -1, next: string): Assembler =>
  it
    .loadMap('r1', counts)
    .compute('r2', '=', 'r10')
    .compute('r2', '+', SCRATCH)
    .call(HELPER.mapLookUp)
    .jumpIf('r0', '==', 0, next)
    .compute('r1', '=', number)
    .addAtomically('r0', 0, 'r1');

/** Ends the program; 1 lets the socket or packet pass. */
export const end = (it: Assembler): Uint8Array => it.label('end').compute('r0', '=', 1).exit().bytes();
