import type { Bits } from '../../model/address-bits.ts';
import { mapOf, MmdbFault, type MmdbValue, MmdbValues } from './mmdb-values.ts';

/*
 * A MaxMind DB file, version 2 (https://maxmind.github.io/MaxMind-DB/):
 *
 *     search tree · 16 zero bytes · data (records) · marker · metadata
 *
 * Each node of the tree has two numbers: where to go on for a bit 0 or 1 of the address. A number below the number of
 * nodes is a node, that number itself means "no record", and a larger one is the place of a record.
 */

const MARKER = Buffer.concat([Buffer.from([0xab, 0xcd, 0xef]), Buffer.from('MaxMind.com')]);
/** The metadata is in the last 128 KiB of a file. */
const MAX_METADATA = 0x2_0000;
/** Zero bytes between tree and data. */
const SEPARATOR = 16;
/** Latest time that a Date can have, seconds. */
const MAX_TIME_S = 8.64e12;

const everything = (): boolean => true;

/** A file in memory. Immutable. */
export class Mmdb {
  /** Kind of the file in its own words, such as `GeoLite2-Country`. Untrusted. */
  readonly type: string;
  /** When the file was made, milliseconds since 1970; undefined if it does not say so. */
  readonly builtAtMs: number | undefined;
  readonly #tree: Buffer;
  readonly #nodes: number;
  /** Bits of a number in the tree: 24, 28 or 32. */
  readonly #recordBits: number;
  /** Node at which IPv4 addresses start; the number of nodes, or more, if there is no such node. */
  readonly #ipv4Start: number;
  readonly #hasIpv6: boolean;
  readonly #values: MmdbValues;
  readonly #dataLength: number;

  /** @throws MmdbFault if the bytes are no such file, or a damaged one */
  constructor(bytes: Buffer) {
    const tail = Math.max(0, bytes.length - MAX_METADATA);
    const marker = bytes.subarray(tail).lastIndexOf(MARKER);
    if (marker < 0)
      throw new MmdbFault('no metadata at its end: not a MaxMind DB file, or only a part of one');
    const metadata = mapOf(new MmdbValues(bytes.subarray(tail + marker + MARKER.length)).read(0, everything));
    if (metadata === undefined) throw new MmdbFault('bad metadata');
    const number = (key: string): number => {
      const value = metadata.get(key);
      if (typeof value !== 'number') throw new MmdbFault(`no ${key} in the metadata`);
      return value;
    };
    const [nodes, recordBits, ipVersion] = [
      number('node_count'),
      number('record_size'),
      number('ip_version'),
    ];
    if (number('binary_format_major_version') !== 2) throw new MmdbFault('unknown version of the format');
    if (recordBits !== 24 && recordBits !== 28 && recordBits !== 32)
      throw new MmdbFault(`unknown size of records: ${recordBits} bits`);
    if (ipVersion !== 4 && ipVersion !== 6) throw new MmdbFault(`unknown IP version ${ipVersion}`);
    const treeLength = (nodes * recordBits) / 4;
    const data = bytes.subarray(treeLength + SEPARATOR, tail + marker);
    if (treeLength + SEPARATOR > tail + marker) throw new MmdbFault('its tree is longer than the file');
    const [type, builtAt] = [metadata.get('database_type'), metadata.get('build_epoch')];
    this.type = typeof type === 'string' ? type : '';
    this.builtAtMs = typeof builtAt === 'number' && builtAt <= MAX_TIME_S ? builtAt * 1000 : undefined;
    this.#tree = bytes.subarray(0, treeLength);
    this.#nodes = nodes;
    this.#recordBits = recordBits;
    this.#hasIpv6 = ipVersion === 6;
    this.#values = new MmdbValues(data);
    this.#dataLength = data.length;
    this.#ipv4Start = this.#hasIpv6 ? this.#walk(0, 96, () => 0) : 0;
  }

  /**
   * Returns where the record of an address is in the data; undefined if it has none.
   * @throws MmdbFault for a damaged tree
   */
  find(address: Bits): number | undefined {
    if (typeof address !== 'number' && !this.#hasIpv6) return undefined;
    const end =
      typeof address === 'number'
        ? this.#walk(this.#ipv4Start, 32, (at) => (address >>> (31 - at)) & 1)
        : this.#walk(0, 128, (at) => ((address[at >> 4] ?? 0) >> (15 - (at & 15))) & 1);
    if (end === this.#nodes) return undefined;
    const offset = end - this.#nodes - SEPARATOR;
    if (offset < 0 || offset >= this.#dataLength) throw new MmdbFault('its tree points outside the data');
    return offset;
  }

  /**
   * Returns the record at an offset that `find` has returned.
   * @param isWanted returns false for a key whose value is left out
   * @throws MmdbFault for a damaged record
   */
  record(offset: number, isWanted: (key: string) => boolean): MmdbValue {
    return this.#values.read(offset, isWanted);
  }

  /** Follows the bits of an address from a node. Returns the first number that is no node, or the last node. */
  #walk(start: number, bits: number, bitAt: (at: number) => number): number {
    let number = start;
    for (let at = 0; at < bits && number < this.#nodes; at++) number = this.#next(number, bitAt(at));
    return number;
  }

  /** Returns one of the two numbers of a node. */
  #next(node: number, bit: number): number {
    const tree = this.#tree;
    switch (this.#recordBits) {
      case 24:
        return tree.readUIntBE(node * 6 + bit * 3, 3);
      case 28: {
        // The byte in the middle has the highest four bits of both numbers.
        const at = node * 7;
        const middle = tree.readUInt8(at + 3);
        return bit === 0
          ? (middle >> 4) * 0x100_0000 + tree.readUIntBE(at, 3)
          : (middle & 15) * 0x100_0000 + tree.readUIntBE(at + 4, 3);
      }
      default:
        return tree.readUInt32BE(node * 8 + bit * 4);
    }
  }
}
