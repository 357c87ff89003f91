/** A part of a document: a key, or an item of a list by its number from 0. */
interface Place {
  readonly line: number;
  readonly parts: Map<string | number, Place>;
  /** How many tables there are in an array of tables. */
  tables: number;
}

/**
 * Strings of four kinds, comments, ends of lines, what separates, and whatever else there is, in one piece. A string that
 * is not closed is a token too: a search for its end that fails would be repeated from each quote on.
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

/** The name that a part of a key is written for. */
function unquoted(key: string): string {
  if (key.startsWith("'")) return key.slice(1, -1);
  if (!key.startsWith('"')) return key;
  return key
    .slice(1, -1)
    .replace(
      /\\(?:u([\da-f]{4})|U([\da-f]{8})|x([\da-f]{2})|(.))/gi,
      (_, u?: string, long?: string, x?: string, letter: string = '') => {
        const hex = u ?? long ?? x;
        return hex === undefined ? (ESCAPES[letter] ?? letter) : String.fromCodePoint(parseInt(hex, 16));
      },
    );
}

/** Goes through the tokens of a TOML document that is known to be right, and notes where its keys and items begin. */
class Walk {
  readonly root: Place = { line: 1, parts: new Map(), tables: 0 };
  readonly #tokens: RegExpMatchArray[];
  readonly #text: string;
  #at = 0;
  /** The line of what is at `#counted`, an index of the text. */
  #line = 1;
  #counted = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = [...text.matchAll(TOKENS)];
    let table = this.root;
    while (this.#skipBlank() !== undefined) {
      if (this.#peek() === '[') table = this.#header();
      else this.#pair(table);
    }
  }

  #peek(): string | undefined {
    return this.#tokens[this.#at]?.[0];
  }

  /** Steps over ends of lines and comments, to what is next. */
  #skipBlank(): string | undefined {
    let token: string | undefined;
    while ((token = this.#peek()) !== undefined && (token === '\n' || token.startsWith('#'))) this.#at++;
    return token;
  }

  /** The line of what is next. */
  #lineHere(): number {
    const end = this.#tokens[this.#at]?.index ?? this.#text.length;
    for (; this.#counted < end; this.#counted++) if (this.#text[this.#counted] === '\n') this.#line++;
    return this.#line;
  }

  #enter(place: Place, part: string | number): Place {
    const known = place.parts.get(part);
    if (known) return known;
    const made: Place = { line: this.#lineHere(), parts: new Map(), tables: 0 };
    place.parts.set(part, made);
    return made;
  }

  /** Steps over a key, dotted or not. @returns the parts of it */
  #key(): string[] {
    const parts: string[] = [];
    do parts.push(unquoted(this.#peek() ?? ''));
    while (this.#tokens[++this.#at]?.[0] === '.' && this.#tokens[++this.#at]);
    return parts;
  }

  /** `[table]` or `[[table]]`; a table of an array of tables is the last one of it. */
  #header(): Place {
    const isArray = this.#tokens[this.#at + 1]?.[0] === '[';
    this.#at += isArray ? 2 : 1;
    const key = this.#key();
    this.#at += isArray ? 2 : 1;
    let place = this.root;
    for (const [i, part] of key.entries()) {
      place = this.#enter(place, part);
      if (isArray && i === key.length - 1) place = this.#enter(place, place.tables++);
      else if (place.tables > 0) place = this.#enter(place, place.tables - 1);
    }
    return place;
  }

  /** `key = value` */
  #pair(table: Place): void {
    let place = table;
    for (const part of this.#key()) place = this.#enter(place, part);
    this.#at++;
    this.#value(place);
  }

  #value(place: Place): void {
    const open = this.#peek();
    if (open === '[' || open === '{') {
      this.#at++;
      const close = open === '[' ? ']' : '}';
      let token: string | undefined;
      for (let i = 0; (token = this.#skipBlank()) !== undefined && token !== close;) {
        if (token === ',') this.#at++;
        else if (open === '[') this.#value(this.#enter(place, i++));
        else this.#pair(place);
      }
      this.#at++;
      return;
    }
    // A number or a date is of several tokens.
    do this.#at++;
    while (!/^(?:[\n,\]}]|#.*|)$/.test(this.#peek() ?? ''));
  }
}

/**
 * Where keys and items of a TOML document begin, which its parser does not tell.
 * @param text one that the parser has understood
 * @returns gives the line, from 1, of what a path leads to, or of the last part of it that there is
 */
export function lineFinder(text: string): (path: readonly (string | number)[]) => number {
  const { root } = new Walk(text);
  return (path) => {
    let place = root;
    for (const part of path) {
      const next = place.parts.get(part);
      if (next === undefined) break;
      place = next;
    }
    return place.line;
  };
}
