import { parseBits } from '../../src/model/address-bits.ts';

/** A value of a MaxMind DB file. */
export type MmdbWritten = string | number | readonly MmdbWritten[] | { readonly [key: string]: MmdbWritten };

/** Content of a written file. */
interface MmdbContent {
  /** @default 'Test' */
  readonly type?: string;
  /** @default 24 */
  readonly recordBits?: 24 | 28 | 32;
  /** Seconds since 1970. @default 0 */
  readonly builtAt?: number;
  /** Records by network, such as `192.0.2.0/24`. */
  readonly records: Readonly<Record<string, MmdbWritten>>;
}

/** Returns the first bytes of a value: its type and size. */
function control(type: number, size: number): Buffer {
  const rest = size < 29 ? [] : size < 285 ? [size - 29] : [(size - 285) >> 8, (size - 285) & 255];
  const bits = size < 29 ? size : size < 285 ? 29 : 30;
  return Buffer.from(type < 8 ? [(type << 5) | bits, ...rest] : [bits, type - 7, ...rest]);
}

/** Returns a value as the format writes it. */
export function mmdbValue(value: MmdbWritten): Buffer {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    return Buffer.concat([control(2, bytes.length), bytes]);
  }
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(6);
    bytes.writeUIntBE(value, 0, 6);
    // An unsigned number of 32 bits, or of 64.
    return Buffer.concat(value <= 0xffff_ffff ? [control(6, 4), bytes.subarray(2)] : [control(9, 6), bytes]);
  }
  if (Array.isArray(value)) return Buffer.concat([control(11, value.length), ...value.map(mmdbValue)]);
  const entries = Object.entries(value);
  return Buffer.concat([control(7, entries.length), ...entries.flat().map(mmdbValue)]);
}

/** Returns the first bits of an address, in the tree of IPv6. */
function prefixOf(network: string): number[] {
  const [address = '', length = ''] = network.split('/');
  const bits = parseBits(address);
  if (bits === undefined) throw new Error(`no network: ${network}`);
  const groups = typeof bits === 'number' ? [0, 0, 0, 0, 0, 0, bits >>> 16, bits & 0xffff] : [...bits];
  const all = groups.flatMap((group) => Array.from({ length: 16 }, (_, i) => (group >> (15 - i)) & 1));
  return all.slice(0, Number(length) + (typeof bits === 'number' ? 96 : 0));
}

/** Returns a MaxMind DB file for IPv4 and IPv6. Its networks must not overlap. */
export function mmdbFile({ type = 'Test', recordBits = 24, builtAt = 0, records }: MmdbContent): Buffer {
  type Node = [Node | Buffer | undefined, Node | Buffer | undefined];
  const root: Node = [undefined, undefined];
  const nodes: Node[] = [root];
  for (const [network, record] of Object.entries(records)) {
    const bits = prefixOf(network);
    let node = root;
    for (const bit of bits.slice(0, -1)) {
      const next: Node = (node[bit] as Node | undefined) ?? [undefined, undefined];
      if (node[bit] === undefined) nodes.push((node[bit] = next));
      node = next;
    }
    node[bits.at(-1) ?? 0] = mmdbValue(record);
  }
  const data: Buffer[] = [];
  let dataLength = 0;
  const numberOf = (child: Node | Buffer | undefined): number => {
    if (child === undefined) return nodes.length;
    if (!Buffer.isBuffer(child)) return nodes.indexOf(child);
    data.push(child);
    dataLength += child.length;
    return nodes.length + 16 + dataLength - child.length;
  };
  const tree = nodes.map(([left, right]) => nodeBytes(numberOf(left), numberOf(right), recordBits));
  return Buffer.concat([
    ...tree,
    Buffer.alloc(16),
    ...data,
    Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'),
    mmdbValue({
      node_count: nodes.length,
      record_size: recordBits,
      ip_version: 6,
      binary_format_major_version: 2,
      database_type: type,
      build_epoch: builtAt,
      languages: ['en'],
    }),
  ]);
}

function nodeBytes(left: number, right: number, recordBits: number): Buffer {
  const bytes = Buffer.alloc(recordBits / 4);
  if (recordBits === 32) {
    bytes.writeUInt32BE(left, 0);
    bytes.writeUInt32BE(right, 4);
    return bytes;
  }
  const second = recordBits === 24 ? 3 : 4;
  bytes.writeUIntBE(left & 0xff_ffff, 0, 3);
  bytes.writeUIntBE(right & 0xff_ffff, second, 3);
  if (recordBits === 28) bytes[3] = ((left >> 24) << 4) | (right >> 24);
  return bytes;
}
