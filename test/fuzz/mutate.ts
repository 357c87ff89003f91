import type { Random } from './random.ts';

/** Length of a long input, characters: code that is not linear takes minutes for it. */
const LONG = 100_000;

/** Texts on which parsers, terminals and number conversions have failed before. */
const PIECES = [
  ...[
    '\0',
    '\x1b[31m',
    '\x1b]0;x\x07',
    '\x9b31m',
    '\n',
    '\r\n',
    '\t',
    '\ufeff',
    '\u2028',
    '\u202e',
    '\ud800',
  ],
  ...['"', "'", '\\', '/', '[', ']', '[[', ']]', '{', '}', '(', ')', '=', ':', ',', '.', '!', '%s', ' - '],
  ...['0', '-1', '1e999', 'NaN', '2147483648', '4294967296', '99999999999999999999', '0x10', '1.5'],
  ...[
    '__proto__',
    'constructor',
    'null',
    'true',
    'a\u0301\u0327',
    '日本',
    '👩‍👩‍👧',
    ' '.repeat(300),
    'A'.repeat(5000),
  ],
];

/** Values of 32 bits at the limits of a type or a length. */
const EDGES = [0, 1, 2, 4, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff];

/** Returns the text with a few random changes; one in `random.longOneIn` is 100 KB long. */
export function mutatedText(random: Random, text: string): string {
  let out = text;
  for (let count = 1 + random.below(random.oneIn(4) ? 20 : 4); count > 0; count--) {
    const at = random.below(out.length + 1);
    const end = at + random.below(30);
    switch (random.below(7)) {
      case 0:
        out = out.slice(0, at) + out.slice(end);
        break;
      case 1:
        out = out.slice(0, at);
        break;
      case 2:
        out = out.slice(0, at) + out.slice(random.below(out.length + 1)).slice(0, 200) + out.slice(at);
        break;
      case 3:
        out =
          out.slice(0, at) +
          String.fromCharCode(random.below(random.oneIn(4) ? 0x10000 : 256)) +
          out.slice(at + 1);
        break;
      default:
        out = out.slice(0, at) + random.of(PIECES) + out.slice(at);
    }
  }
  return random.oneIn(random.longOneIn) ? repeatedPiece(random, out) : out;
}

/** Returns 100 KB of a repeated piece of the text, alone or inserted in the text. */
function repeatedPiece(random: Random, text: string): string {
  const at = random.below(text.length);
  const piece = text.slice(at, at + 1 + random.below(12)) || random.of(PIECES);
  const middle = piece.repeat(Math.ceil(LONG / piece.length));
  return random.oneIn(2) ? middle : text.slice(0, at) + middle + text.slice(at);
}

/** Returns the bytes with a few random changes. */
export function mutatedBytes(random: Random, bytes: Uint8Array): Uint8Array {
  let out = Buffer.from(bytes);
  for (let count = 1 + random.below(random.oneIn(4) ? 20 : 4); count > 0; count--) {
    const at = random.below(out.length + 1);
    switch (random.below(6)) {
      case 0:
        if (at < out.length) out[at] = (out[at] ?? 0) ^ (1 << random.below(8));
        break;
      case 1:
        if (at < out.length) out[at] = random.bits();
        break;
      case 2:
        if (out.length >= 4) out.writeUInt32LE(random.of(EDGES), random.below(out.length - 3) & ~3);
        break;
      case 3:
        out = Buffer.concat([
          out.subarray(0, at),
          out.subarray(Math.min(out.length, at + 1 + random.below(30))),
        ]);
        break;
      case 4:
        out = out.subarray(0, at);
        break;
      default:
        for (let i = at; i < Math.min(out.length, at + random.below(64)); i++) out[i] = random.bits();
    }
  }
  return out;
}

/** Returns the JSON value with a few values, keys and items replaced or removed. */
export function mutatedJson(random: Random, value: unknown): unknown {
  if (random.oneIn(10))
    return random.of<unknown>([
      ...[null, true, -1, 0, 1.5, 1e308, 2 ** 53, 2 ** 32, '', [], {}, [[[[]]]], random.of(PIECES)],
      mutatedText(random, 'x'),
    ]);
  if (Array.isArray(value)) {
    const items = value.map((it: unknown) => (random.oneIn(3) ? mutatedJson(random, it) : it));
    if (random.oneIn(8)) items.splice(random.below(items.length + 1), 1);
    return random.oneIn(8) ? [...items, ...items] : items;
  }
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, it]: [string, unknown]) =>
        random.oneIn(30)
          ? []
          : [[random.oneIn(40) ? random.of(PIECES) : key, random.oneIn(3) ? mutatedJson(random, it) : it]],
      ),
    );
  return typeof value === 'string' ? mutatedText(random, value) : value;
}
