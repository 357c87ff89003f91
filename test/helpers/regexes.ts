import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AST, RegExpParser } from '@eslint-community/regexpp';
import ts from 'typescript';
import { endsWithin } from './guard.ts';

/** A regex literal of the source. */
export interface Literal {
  /** File and line, such as `src/query/hosts.ts:7`. */
  readonly place: string;
  readonly regex: RegExp;
}

/** Comments that begin a line, and imports and exports from a module on one line. */
const WITHOUT_LITERALS = /^[ \t]*(?:\/\/.*|\/\*[^]*?\*\/)|^(?:import|export|\}) .*from '[^'\n]*';$/gm;

/** Returns false if a text certainly has no regex literal, which is two slashes in a line: parsing takes far longer. */
const mayHaveLiterals = (text: string): boolean => /\/.*\//.test(text.replace(WITHOUT_LITERALS, ''));

/** Returns every regex literal below a directory. The linter allows no other regexes. */
export function literalsBelow(folder: string): Literal[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((it) => it.endsWith('.ts'));
  return files.sort().flatMap((name) => {
    const path = join(folder, name);
    const text = readFileSync(path, 'utf8');
    if (!mayHaveLiterals(text)) return [];
    const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
    const found: Literal[] = [];
    const visit = (node: ts.Node): void => {
      if (ts.isRegularExpressionLiteral(node)) {
        const end = node.text.lastIndexOf('/');
        const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
        const regex = new RegExp(node.text.slice(1, end), node.text.slice(end + 1));
        found.push({ place: `${path}:${line + 1}`, regex });
      }
      ts.forEachChild(node, visit);
    };
    visit(file);
    return found;
  });
}

/** Lengths of hostile texts, characters: 200 take an exponential regex too long, and 50,000 a quadratic one. */
const [SHORT, LONG] = [200, 50_000];

/** Characters for hostile texts: all of ASCII, and some that only Unicode classes distinguish. */
const ALPHABET = [
  ...Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)),
  ...['\x85', 'é', '\u0301', '\u200b', '\u2028', '日', '＝', '\ufeff', '\ud800'],
];

type OneCharacter = AST.Character | AST.CharacterClass | AST.CharacterSet;

const isOneCharacter = (element: AST.Element | AST.Node): element is OneCharacter =>
  element.type === 'Character' || element.type === 'CharacterClass' || element.type === 'CharacterSet';

/** Returns a part of a regex and all parts inside it. */
function partsOf(node: AST.Node): AST.Node[] {
  switch (node.type) {
    case 'RegExpLiteral':
      return partsOf(node.pattern);
    case 'Pattern':
    case 'Group':
    case 'CapturingGroup':
      return [node, ...node.alternatives.flatMap(partsOf)];
    case 'Assertion':
      return [node, ...('alternatives' in node ? node.alternatives.flatMap(partsOf) : [])];
    case 'Alternative':
      return [node, ...node.elements.flatMap(partsOf)];
    case 'Quantifier':
      return [node, ...partsOf(node.element)];
    default:
      return [node];
  }
}

/** Makes hostile texts for one regex from its own structure. */
class Pump {
  readonly #pattern: AST.Pattern;
  /** One character of each kind that the parts of the regex distinguish. */
  readonly #kinds: readonly string[];
  /** The kind that the fewest parts match. */
  readonly #stranger: string;
  readonly #flags: string;

  constructor({ source, flags }: RegExp) {
    this.#flags = flags.replace(/[gy]/g, '');
    this.#pattern = new RegExpParser().parsePattern(source, undefined, undefined, {
      unicode: flags.includes('u'),
    });
    const parts = partsOf(this.#pattern).filter(isOneCharacter);
    const tests = [...new Set(parts.map(({ raw }) => raw))].map((raw) => this.#testOf(raw));
    const kinds = new Map<string, string>();
    for (const char of ALPHABET) {
      const kind = tests.map((test) => Number(test(char))).join('');
      if (!kinds.has(kind)) kinds.set(kind, char);
    }
    this.#kinds = [...kinds.values()];
    const count = (char: string): number => tests.filter((test) => test(char)).length;
    this.#stranger = this.#kinds.toSorted((a, b) => count(a) - count(b))[0] ?? '';
  }

  #testOf(raw: string): (char: string) => boolean {
    const regex = new RegExp(`^(?:${raw})$`, this.#flags);
    return (char) => regex.test(char);
  }

  /** Returns a text that a part matches; a repeated part matches it once. */
  #example(node: AST.Node): string {
    if (isOneCharacter(node)) return this.#kinds.find(this.#testOf(node.raw)) ?? 'a';
    switch (node.type) {
      case 'Pattern':
      case 'Group':
      case 'CapturingGroup':
        return this.#example(node.alternatives[0] ?? node);
      case 'Alternative':
        return node.elements.map((it) => this.#example(it)).join('');
      case 'Quantifier':
        return this.#example(node.element).repeat(Math.min(node.max, Math.max(node.min, 1)));
      default:
        return '';
    }
  }

  /** Returns a text that matches the regex up to a part. */
  #before(node: AST.Node): string {
    const { parent } = node;
    if (parent === null) return '';
    const elements: readonly AST.Node[] = parent.type === 'Alternative' ? parent.elements : [];
    const here = elements.slice(0, Math.max(0, elements.indexOf(node)));
    return this.#before(parent) + here.map((it) => this.#example(it)).join('');
  }

  /** Returns texts to repeat for a part with unbounded repetition. */
  #pumps({ element }: AST.Quantifier): string[] {
    if (isOneCharacter(element)) return this.#kinds.filter(this.#testOf(element.raw));
    const inner = partsOf(element).flatMap((it) =>
      isOneCharacter(it) || it.type === 'Alternative' ? [this.#example(it)] : [],
    );
    return [...new Set(inner)].filter((it) => it !== '');
  }

  /** Returns hostile texts of this length; none for a regex without unbounded repetition. */
  texts(length: number): string[] {
    const endless = partsOf(this.#pattern).filter(
      (it): it is AST.Quantifier => it.type === 'Quantifier' && it.max === Infinity,
    );
    // The end of the text must make the match fail. In short texts every kind of character is tried.
    const ends = ['', ...(length === SHORT ? this.#kinds : [this.#stranger])];
    const texts = endless.flatMap((quantifier) => {
      const before = this.#before(quantifier);
      return this.#pumps(quantifier).flatMap((pump) =>
        [
          before + pump.repeat(length / pump.length),
          pump.repeat(length / pump.length),
          (before + pump).repeat(length / (before.length + pump.length)),
        ].flatMap((text) => ends.map((end) => text + end)),
      );
    });
    return [...new Set(texts)];
  }
}

/** Applies a regex as the program does: all matches of a global or sticky regex, else the first. */
function apply(regex: RegExp, text: string): void {
  regex.lastIndex = 0;
  if (regex.global) text.replace(regex, '');
  else if (regex.sticky) while (regex.lastIndex < text.length && regex.exec(text)?.[0]);
  else regex.exec(text);
}

/** Returns the start of a text that takes a regex too long; undefined if there is none. */
export function exhausting(regex: RegExp, guardMs: number): string | undefined {
  const pump = new Pump(regex);
  for (const length of [SHORT, LONG]) {
    const texts = pump.texts(length);
    // All at once, because a guard costs more than nearly every text.
    const areQuick = endsWithin(guardMs, () => texts.forEach((text) => apply(regex, text)));
    if (areQuick) continue;
    for (const text of texts)
      // Two tries: a loaded machine may delay one.
      if (!endsWithin(guardMs, () => apply(regex, text)) && !endsWithin(guardMs, () => apply(regex, text)))
        return JSON.stringify(text.slice(0, 40));
  }
  return undefined;
}
