import { LITTLE_ENDIAN } from '../netlink/wire.ts';

/** Registers: r0 has results, r1 to r5 arguments, r6 to r9 survive calls, r10 is the end of the stack. */
export type Register = `r${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10}`;

/** Width of a load or store, bits. */
export type Width = 8 | 16 | 32 | 64;

/** Comparisons of a conditional jump, with their operation (include/uapi/linux/bpf.h, BPF_JEQ and so on). */
const CONDITIONS = { '==': 0x10, '>': 0x20, '!=': 0x50, 's>=': 0x70 } as const;
export type Condition = keyof typeof CONDITIONS;

/** Arithmetic on a register, with its operation (BPF_ADD and so on). */
const OPERATIONS = {
  '+': 0x00,
  '-': 0x10,
  '*': 0x20,
  '|': 0x40,
  '&': 0x50,
  '<<': 0x60,
  '>>': 0x70,
  '^': 0xa0,
  '=': 0xb0,
} as const;
export type Operation = keyof typeof OPERATIONS;

/** Bits of an instruction class: include/uapi/linux/bpf_common.h and bpf.h. */
const CLASS = { ld: 0x00, ldx: 0x01, st: 0x02, stx: 0x03, jmp: 0x05, alu64: 0x07 } as const;
const WIDTH: Readonly<Record<Width, number>> = { 8: 0x10, 16: 0x08, 32: 0x00, 64: 0x18 };
const MEM = 0x60;
const ATOMIC = 0xc0;
/** Number of an atomic instruction: BPF_CMPXCHG. The one that adds has 0. */
const COMPARE_AND_EXCHANGE = 0xf1;
const FROM_REGISTER = 0x08;
const CALL = 0x80;
const EXIT = 0x90;
/** Marks the number in a 64-bit load as the descriptor of a map. */
const PSEUDO_MAP_FD = 1;

/** Length of an instruction, bytes. */
export const INSTRUCTION_LENGTH = 8;

/** struct bpf_insn, with the label of a jump until its distance is known. */
interface Instruction {
  readonly code: number;
  readonly to: number;
  readonly from: number;
  readonly offset: number;
  readonly number: number;
  readonly label?: string;
}

const numberOf = (register: Register): number => Number(register.slice(1));

/**
 * Writes a BPF program, one instruction per method (Documentation/bpf/standardization/instruction-set.rst). Jumps go
 * forward to a label.
 */
export class Assembler {
  readonly #instructions: Instruction[] = [];
  readonly #labels = new Map<string, number>();

  /** `to = value`, `to += value` and so on, 64 bits. A number is signed, 32 bits. */
  compute(to: Register, operation: Operation, value: Register | number): this {
    return this.#withOperand(CLASS.alu64 | OPERATIONS[operation], to, value);
  }

  /** Loads from memory at a register plus an offset. */
  load(width: Width, to: Register, from: Register, offset: number): this {
    return this.#add({
      code: CLASS.ldx | MEM | WIDTH[width],
      to: numberOf(to),
      from: numberOf(from),
      offset,
    });
  }

  /** Stores a register or a number to memory at a register plus an offset. */
  store(width: Width, to: Register, offset: number, value: Register | number): this {
    return typeof value === 'number'
      ? this.#add({ code: CLASS.st | MEM | WIDTH[width], to: numberOf(to), offset, number: value })
      : this.#add({
          code: CLASS.stx | MEM | WIDTH[width],
          to: numberOf(to),
          from: numberOf(value),
          offset,
        });
  }

  /** Adds a register to a 64-bit number in memory, atomically. */
  addAtomically(to: Register, offset: number, value: Register): this {
    return this.#add({
      code: CLASS.stx | ATOMIC | WIDTH[64],
      to: numberOf(to),
      from: numberOf(value),
      offset,
    });
  }

  /** Stores a register to memory if r0 has what is there, atomically. r0 becomes what was there. */
  exchangeAtomically(to: Register, offset: number, value: Register): this {
    return this.#add({
      code: CLASS.stx | ATOMIC | WIDTH[64],
      to: numberOf(to),
      from: numberOf(value),
      offset,
      number: COMPARE_AND_EXCHANGE,
    });
  }

  /** Sets a register to the address of a map. Takes two instructions. */
  loadMap(to: Register, descriptor: number): this {
    return this.#add({
      code: CLASS.ld | WIDTH[64],
      to: numberOf(to),
      from: PSEUDO_MAP_FD,
      number: descriptor,
    }).#add({ code: 0, to: 0 });
  }

  /** Calls a function of the kernel by its number (enum bpf_func_id). The result is in r0; r1 to r5 are lost. */
  call(helper: number): this {
    return this.#add({ code: CLASS.jmp | CALL, to: 0, number: helper });
  }

  jump(label: string): this {
    return this.#add({ code: CLASS.jmp, to: 0, label });
  }

  /** Jumps if a comparison with a number or another register is true, 64 bits. */
  jumpIf(register: Register, condition: Condition, value: Register | number, label: string): this {
    return this.#withOperand(CLASS.jmp | CONDITIONS[condition], register, value, label);
  }

  /** Names the next instruction. */
  label(name: string): this {
    if (this.#labels.has(name)) throw new Error(`the label ${name} is used twice`);
    this.#labels.set(name, this.#instructions.length);
    return this;
  }

  /** Ends the program with the result in r0. */
  exit(): this {
    return this.#add({ code: CLASS.jmp | EXIT, to: 0 });
  }

  /** Returns the program in the byte order of the machine. Throws if a jump has no label to go to. */
  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.#instructions.length * INSTRUCTION_LENGTH);
    const view = new DataView(bytes.buffer);
    for (const [i, { code, to, from, offset, number, label }] of this.#instructions.entries()) {
      const at = i * INSTRUCTION_LENGTH;
      view.setUint8(at, code);
      // Two fields of four bits; the first one has the low bits on little-endian machines.
      view.setUint8(at + 1, LITTLE_ENDIAN ? to | (from << 4) : (to << 4) | from);
      view.setInt16(at + 2, label === undefined ? offset : this.#distanceTo(label, i), LITTLE_ENDIAN);
      view.setInt32(at + 4, number, LITTLE_ENDIAN);
    }
    return bytes;
  }

  #distanceTo(label: string, from: number): number {
    const to = this.#labels.get(label);
    if (to === undefined || to <= from) throw new Error(`no label ${label} after its jump`);
    return to - from - 1;
  }

  #withOperand(code: number, to: Register, value: Register | number, label?: string): this {
    const instruction = { to: numberOf(to), ...(label !== undefined && { label }) };
    return typeof value === 'number'
      ? this.#add({ ...instruction, code, number: value })
      : this.#add({ ...instruction, code: code | FROM_REGISTER, from: numberOf(value) });
  }

  #add(instruction: Pick<Instruction, 'code' | 'to'> & Partial<Instruction>): this {
    this.#instructions.push({ from: 0, offset: 0, number: 0, ...instruction });
    return this;
  }
}
