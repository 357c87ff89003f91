import { INSTRUCTION_LENGTH } from '../../src/source/linux/ledger/assembler.ts';

const JUMPS: Readonly<Record<number, string>> = { 0x10: '==', 0x20: '>', 0x50: '!=', 0x70: 's>=' };
const OPERATIONS: Readonly<Record<number, string>> = {
  0x00: '+=',
  0x10: '-=',
  0x20: '*=',
  0x40: '|=',
  0x50: '&=',
  0x60: '<<=',
  0x70: '>>=',
  0xa0: '^=',
  0xb0: '=',
};
const WIDTHS: Readonly<Record<number, string>> = { 0x10: 'u8', 0x08: 'u16', 0x00: 'u32', 0x18: 'u64' };

/** Returns the instructions of a BPF program, in the notation of the kernel's verifier; unknown ones as numbers. */
export function disassemble(code: Uint8Array): string[] {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const lines: string[] = [];
  for (let at = 0, i = 0; at < code.length; at += INSTRUCTION_LENGTH, i++) {
    const opcode = view.getUint8(at);
    const registers = view.getUint8(at + 1);
    const [to, from] = [`r${registers & 15}`, `r${registers >> 4}`];
    const offset = view.getInt16(at + 2, true);
    const number = view.getInt32(at + 4, true);
    const text = textOf(opcode, { to, from, offset, number, next: i + 1 }) ?? `? ${opcode.toString(16)}`;
    lines.push(`${String(i).padStart(3)}: ${text}`);
    // The second half of a 64-bit load.
    if (opcode === 0x18) {
      at += INSTRUCTION_LENGTH;
      i++;
    }
  }
  return lines;
}

interface Parts {
  readonly to: string;
  readonly from: string;
  readonly offset: number;
  readonly number: number;
  /** Index of the next instruction. */
  readonly next: number;
}

function textOf(opcode: number, { to, from, offset, number, next }: Parts): string | undefined {
  const memory = (register: string) =>
    `*(${WIDTHS[opcode & 0x18]} *)(${register} ${offset < 0 ? '-' : '+'}${Math.abs(offset)})`;
  const operation = opcode & 0xf0;
  const operand = (opcode & 0x08) === 0 ? number : from;
  switch (opcode & 0x07) {
    case 0x00:
      return `${to} = map ${number}`;
    case 0x01:
      return `${to} = ${memory(from)}`;
    case 0x02:
      return `${memory(to)} = ${number}`;
    case 0x03:
      if ((opcode & 0xe0) !== 0xc0) return `${memory(to)} = ${from}`;
      if (number === 0) return `lock ${memory(to)} += ${from}`;
      return number === 0xf1 ? `r0 = cmpxchg(${memory(to)}, r0, ${from})` : undefined;
    case 0x05:
      if (operation === 0x80) return `call ${number}`;
      if (operation === 0x90) return 'exit';
      return operation === 0
        ? `goto ${next + offset}`
        : `if ${to} ${JUMPS[operation]} ${operand} goto ${next + offset}`;
    case 0x07:
      return `${to} ${OPERATIONS[operation]} ${operand}`;
    default:
      return undefined;
  }
}
