/** The place of a key of a document, or of an item of a list. */
interface Place {
  readonly line: number;
  /** Index of the key or item in the text. */
  readonly at: number;
  /** Index of the value of a key in the text. */
  valueAt?: number;
  /** Keys below a key, and items of a list by their index. */
  readonly parts: Map<string | number, Place>;
  /** Number of tables in an array of tables; 0 for anything else. */
  tables: number;
}

/**
 * Tokens of TOML: strings of four kinds, comments, line ends, separators, and any other text. An unterminated string is
 * a token too: otherwise a failed search for its end would be repeated from every later quote.
 */
const TOKENS =
  /"""(?:\\[^]|[^\\])*?(?:"{3,5}|\\?$)|'''[^]*?(?:'{3,5}|$)|"(?:\\.|[^"\\\n])*"?|'[^'\n]*'?|#[^\n]*|[[\]{}=,.\n]|[^\s[\]{}=,.#"']+/g;

const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  t: '\t',
  n: '\n',
  f: '\f',
  r: '\r',
  e: '\x1b',
};

/** Returns a part of a key without its quotes and escapes. */
function unquoted(key: string): string {
  if (key.startsWith("'")) return key.slice(1, -1);
  if (!key.startsWith('"')) return key;
  return key
    .slice(1, -1)
    .replace(
      /\\(?:u([\dA-Fa-f]{4})|U([\dA-Fa-f]{8})|x([\dA-Fa-f]{2})|(.))/g,
      (_, u?: string, long?: string, x?: string, letter: string = '') => {
        const hex = u ?? long ?? x;
        return hex === undefined ? (ESCAPES[letter] ?? letter) : String.fromCodePoint(parseInt(hex, 16));
      },
    );
}

/** Walks through the tokens of a valid TOML document and records the lines of its keys and items. */
class Walk {
  readonly root: Place = { line: 1, at: 0, parts: new Map(), tables: 0 };
  /** The remaining tokens. An array of all tokens would take hundreds of megabytes for the largest file. */
  readonly #tokens: Iterator<RegExpExecArray, undefined>;
  readonly #text: string;
  /** The next token; undefined at the end. */
  #token: RegExpExecArray | undefined;
  /** Line at index `#counted` of the text. */
  #line = 1;
  #counted = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = text.matchAll(TOKENS);
    this.#advance();
    let table = this.root;
    while (this.#skipBlank() !== undefined) {
      if (this.#peek() === '[') table = this.#readHeader();
      else this.#readPair(table);
    }
  }

  #peek(): string | undefined {
    return this.#token?.[0];
  }

  #advance(): void {
    this.#token = this.#tokens.next().value;
  }

  /** Skips line ends and comments. Returns the next token without moving past it. */
  #skipBlank(): string | undefined {
    let token: string | undefined;
    while ((token = this.#peek()) !== undefined && (token === '\n' || token.startsWith('#'))) this.#advance();
    return token;
  }

  #indexHere(): number {
    return this.#token?.index ?? this.#text.length;
  }

  /** Returns the line of the next token. */
  #lineHere(): number {
    const end = this.#indexHere();
    for (; this.#counted < end; this.#counted++) if (this.#text[this.#counted] === '\n') this.#line++;
    return this.#line;
  }

  /** Returns the place of a key or item, recorded at the current line if it is new. */
  #enter(place: Place, part: string | number, at = this.#indexHere()): Place {
    const known = place.parts.get(part);
    if (known) return known;
    const made: Place = { line: this.#lineHere(), at, parts: new Map(), tables: 0 };
    place.parts.set(part, made);
    return made;
  }

  /** Reads a key, dotted or not. @returns its parts */
  #readKey(): string[] {
    const parts: string[] = [];
    for (;;) {
      parts.push(unquoted(this.#peek() ?? ''));
      this.#advance();
      if (this.#peek() !== '.') return parts;
      this.#advance();
    }
  }

  /** Reads `[table]` or `[[table]]`. In a path, an array of tables stands for its last table. */
  #readHeader(): Place {
    this.#advance();
    const isArray = this.#peek() === '[';
    if (isArray) this.#advance();
    const key = this.#readKey();
    this.#advance();
    if (isArray) this.#advance();
    let place = this.root;
    for (const [i, part] of key.entries()) {
      place = this.#enter(place, part);
      if (isArray && i === key.length - 1) place = this.#enter(place, place.tables++);
      else if (place.tables > 0) place = this.#enter(place, place.tables - 1);
    }
    return place;
  }

  /** Reads `key = value`. */
  #readPair(table: Place): void {
    let place = table;
    const at = this.#indexHere();
    for (const part of this.#readKey()) place = this.#enter(place, part, at);
    this.#advance();
    place.valueAt = this.#indexHere();
    this.#readValue(place);
  }

  /** Reads a value: records the items of a list and the keys of an inline table. */
  #readValue(place: Place): void {
    const open = this.#peek();
    if (open === '[' || open === '{') {
      this.#advance();
      const close = open === '[' ? ']' : '}';
      let token: string | undefined;
      for (let i = 0; (token = this.#skipBlank()) !== undefined && token !== close;) {
        if (token === ',') this.#advance();
        else if (open === '[') this.#readValue(this.#enter(place, i++));
        else this.#readPair(place);
      }
      this.#advance();
      return;
    }
    // A number or a date consists of several tokens.
    do this.#advance();
    while (!/^(?:[\n,\]}]|#.*|)$/.test(this.#peek() ?? ''));
  }
}

/** Places of keys and items in a TOML document. */
export interface Places {
  /** Returns the line of a path, from 1; for a missing path, the line of its longest existing part. */
  readonly lineOf: (path: readonly (string | number)[]) => number;
  /**
   * Returns the column, from 1, of a key of a table. With `inValue`, returns the column of this index in the text that is
   * the value of the key.
   */
  readonly columnOf: (path: readonly [string, string], inValue?: number) => number;
}

/**
 * Finds the keys and items of a TOML document: the parser does not report where they are.
 * @param text a text that the parser has accepted
 */
export function placesOf(text: string): Places {
  const { root } = new Walk(text);
  return {
    lineOf: (path) => {
      let place = root;
      for (const part of path) {
        const next = place.parts.get(part);
        if (next === undefined) break;
        place = next;
      }
      return place.line;
    },
    columnOf: ([table, key], inValue) => {
      const place = root.parts.get(table)?.parts.get(key);
      // The text begins after its quote.
      const index = (inValue === undefined ? place?.at : (place?.valueAt ?? 0) + 1 + inValue) ?? 0;
      return index - text.lastIndexOf('\n', index - 1);
    },
  };
}
