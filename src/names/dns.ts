import { addressAt, MAX_NAME_LENGTH, nameText, numberAt } from './bytes.ts';

/** An address of an answer, with the name that was asked for. */
export interface NamedAddress {
  readonly address: string;
  readonly name: string;
  /** How long the answer may be used, seconds. */
  readonly ttlSeconds: number;
}

const HEADER_LENGTH = 12;
/** The flags QR, OPCODE and RCODE, and their values in an answer to a standard query, without an error. */
const KIND_MASK = 0xf80f;
const ANSWER = 0x8000;
const TYPE = { a: 1, cname: 5, aaaa: 28 } as const;
const IN = 1;
/** Excludes the highest bit: in multicast DNS it says that the record replaces older ones (RFC 6762, section 10.2). */
const CLASS_MASK = 0x7fff;

/** Maximum number of records that are read in a message. */
const MAX_RECORDS = 64;
/** Maximum number of pointers in a name. */
const MAX_POINTERS = 16;
/** Maximum length of a label, bytes; a longer one is a pointer. */
const MAX_LABEL = 63;
const POINTER = 0xc0;

/**
 * Returns the addresses in an answer of DNS or LLMNR (RFC 1035, RFC 4795), each with the name of the question; aliases (CNAME)
 * are followed. In multicast DNS (RFC 6762) an answer has no question: each address has the name of its record.
 * A message that is cut or malformed is read up to the fault.
 */
export function addressesInAnswer(bytes: Uint8Array, isMulticast = false): readonly NamedAddress[] {
  if (bytes.length < HEADER_LENGTH || (numberAt(bytes, 2) & KIND_MASK) !== ANSWER) return [];
  const [questions, answers] = [numberAt(bytes, 4), numberAt(bytes, 6)];
  const reader = new NameReader(bytes, HEADER_LENGTH);
  /** The name of the question and its aliases. */
  const aliases = new Set<string>();
  if (!isMulticast && questions !== 1) return [];
  let asked = '';
  for (let i = 0; i < Math.min(questions, MAX_RECORDS); i++) {
    const name = reader.name();
    if (name === undefined) return [];
    aliases.add((asked = name));
    reader.at += 4;
  }
  // In multicast DNS, the addresses of a service are in the additional records.
  const records = isMulticast ? answers + numberAt(bytes, 8) + numberAt(bytes, 10) : answers;
  const found: NamedAddress[] = [];
  for (let i = 0; i < Math.min(records, MAX_RECORDS); i++) {
    const owner = reader.name();
    const { at } = reader;
    const length = numberAt(bytes, at + 8);
    const data = at + 10;
    if (owner === undefined || data + length > bytes.length) break;
    reader.at = data + length;
    if ((numberAt(bytes, at + 2) & CLASS_MASK) !== IN || !(isMulticast || aliases.has(owner))) continue;
    const type = numberAt(bytes, at);
    const name = isMulticast ? owner : asked;
    const ttlSeconds = numberAt(bytes, at + 4) * 0x1_0000 + numberAt(bytes, at + 6);
    if (type === TYPE.cname) {
      const target = new NameReader(bytes, data).name();
      if (target !== undefined) aliases.add(target);
    } else if (name === '') continue;
    else if (type === TYPE.a && length === 4)
      found.push({ address: addressAt(bytes, data, 4), name, ttlSeconds });
    else if (type === TYPE.aaaa && length === 16)
      found.push({ address: addressAt(bytes, data, 16), name, ttlSeconds });
  }
  return found;
}

/** Returns the message in a segment of DNS over TCP, where its length comes first (RFC 1035, section 4.2.2). */
export const messageInSegment = (payload: Uint8Array): Uint8Array =>
  payload.subarray(2, 2 + numberAt(payload, 0));

/** Reads names of a message. `at` is the offset of the next byte to read. */
class NameReader {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** Returns the name at the offset, and moves the offset behind it; undefined, without moving, for a malformed one. */
  name(): string | undefined {
    const bytes = this.#bytes;
    let { at } = this;
    let text = '';
    let end: number | undefined;
    // Each pointer must lead further back than all before, so that every name ends.
    let lowest = at;
    for (let pointers = 0; ;) {
      const length = bytes[at];
      if (length === undefined) return undefined;
      if (length === 0) {
        this.at = end ?? at + 1;
        return text.length > MAX_NAME_LENGTH ? undefined : text;
      }
      if (length >= POINTER) {
        const target = numberAt(bytes, at) & 0x3fff;
        if (target >= lowest || ++pointers > MAX_POINTERS) return undefined;
        end ??= at + 2;
        at = lowest = target;
      } else {
        const next = at + 1 + length;
        if (length > MAX_LABEL || next > bytes.length || text.length > MAX_NAME_LENGTH) return undefined;
        text += `${text === '' ? '' : '.'}${nameText(bytes, at + 1, next, false)}`;
        at = next;
      }
    }
  }
}
