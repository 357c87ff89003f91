import { allOf, anyOf, depthOf, type Expression, not, termsOf } from './expression.ts';
import {
  type InternetForm,
  internetExpression,
  readInternetForm,
  readStateForm,
  stateExpression,
  type StateForm,
} from './lsof.ts';
import { Mistake } from './mistake.ts';
import { Scanner } from './scanner.ts';
import { readTerm } from './term.ts';

/** Maximum length of a query, UTF-16 units. */
export const MAX_QUERY_LENGTH = 4096;
const MAX_TERMS = 100;
/** Maximum nesting of the text, which may hold redundant parentheses. */
const MAX_TEXT_DEPTH = 64;
/** Maximum nesting of the parsed expression. */
const MAX_DEPTH = 32;

/** Matches the keywords, which are words only in quotes. */
const KEYWORD = /(and|or|not)(?=[\s()]|$)/iy;

/** Parses a whole query. Throws a Mistake. */
export function readQuery(text: string): Expression {
  if (text.length > MAX_QUERY_LENGTH) {
    const problem = `query too long: ${text.length} characters (maximum ${MAX_QUERY_LENGTH})`;
    throw new Mistake(MAX_QUERY_LENGTH, text.length - MAX_QUERY_LENGTH, problem);
  }
  const scanner = new Scanner(text);
  scanner.skipSpace();
  if (scanner.isAtEnd) return allOf([]);
  const expression = readAny(scanner, 0);
  if (scanner.next === ')') throw new Mistake(scanner.at, 1, 'unmatched )');
  const terms = termsOf(expression).length;
  if (terms > MAX_TERMS) throw new Mistake(0, text.length, `too many terms: ${terms} (maximum ${MAX_TERMS})`);
  if (depthOf(expression) > MAX_DEPTH)
    throw new Mistake(0, text.length, `nested too deeply (maximum ${MAX_DEPTH} levels)`);
  return expression;
}

/** Moves past this keyword and the space after it. Returns false if another text is next. */
function takeKeyword(scanner: Scanner, wanted: string): boolean {
  const { at } = scanner;
  if (scanner.take(KEYWORD)?.[0].toLowerCase() === wanted) {
    scanner.skipSpace();
    return true;
  }
  scanner.at = at;
  return false;
}

/** Reads operands joined by `or`. */
function readAny(scanner: Scanner, depth: number): Expression {
  const parts = [readAll(scanner, depth)];
  while (takeKeyword(scanner, 'or')) parts.push(readAll(scanner, depth));
  return anyOf(parts);
}

/** Reads operands joined by `and`. All `-i` among them form one set, and all `-s` another, as in lsof. */
function readAll(scanner: Scanner, depth: number): Expression {
  const parts: Expression[] = [];
  const internet: InternetForm[] = [];
  const states: StateForm[] = [];
  /** Index in `parts` of the expression of each set: the position of its first form. */
  const index: { internet?: number; states?: number } = {};
  do {
    const form = readOption(scanner);
    if (!form) parts.push(readOperand(scanner, depth));
    else if ('included' in form) {
      index.states ??= parts.push(allOf([])) - 1;
      states.push(form);
    } else {
      index.internet ??= parts.push(allOf([])) - 1;
      internet.push(form);
    }
    scanner.skipSpace();
  } while (takeKeyword(scanner, 'and') || isOperand(scanner));
  if (index.internet !== undefined) parts[index.internet] = internetExpression(internet);
  if (index.states !== undefined) parts[index.states] = stateExpression(states);
  return allOf(parts);
}

function isOperand(scanner: Scanner): boolean {
  if (scanner.isAtEnd || scanner.next === ')') return false;
  const { at } = scanner;
  const found = takeKeyword(scanner, 'or');
  scanner.at = at;
  return !found;
}

function readOperand(scanner: Scanner, depth: number): Expression {
  if (depth > MAX_TEXT_DEPTH) scanner.fail(`nested too deeply (maximum ${MAX_TEXT_DEPTH} levels)`);
  const { at, next } = scanner;
  if (next === '!') scanner.at++;
  if (next === '!' || takeKeyword(scanner, 'not')) {
    scanner.skipSpace();
    return not(readOperand(scanner, depth + 1));
  }
  if (next === '(') {
    scanner.at++;
    scanner.skipSpace();
    const inner = readAny(scanner, depth + 1);
    if (scanner.isAtEnd) throw new Mistake(scanner.at, 0, `missing ) for the ( at column ${at + 1}`);
    scanner.at++;
    return inner;
  }
  if (scanner.isAtEnd) scanner.fail('expected a term such as curl, port:443 or process:curl');
  if (next === ')') throw new Mistake(at, 1, 'expected a term before )');
  const keyword = scanner.take(KEYWORD)?.[0];
  if (keyword)
    throw new Mistake(
      at,
      keyword.length,
      `expected a term before '${keyword}'; to search for the word, quote it: "${keyword}"`,
    );
  const form = readOption(scanner);
  if (form) return 'included' in form ? stateExpression([form]) : internetExpression([form]);
  return readTerm(scanner);
}

/** Reads `-i FORM`, `-iFORM`, `-i`, `-s FORM` or `-sFORM`. Returns undefined if none of these is next. */
function readOption(scanner: Scanner): InternetForm | StateForm | undefined {
  const option = scanner.take(/-[is]/y)?.[0];
  if (option === undefined) return undefined;
  if (option === '-i' && !isForm(scanner)) return readInternetForm({ text: '', at: scanner.at });
  scanner.skipSpace();
  return option === '-i' ? readInternetForm(scanner.run()) : readStateForm(scanner.run());
}

/** Returns true if a form follows `-i`. As in lsof, another option is not a form; nor are quotes, a regex, `!` and `and`. */
function isForm(scanner: Scanner): boolean {
  const { at } = scanner;
  scanner.skipSpace();
  const found = !scanner.isAtEnd && !scanner.take(/[-!"/()]/y) && !scanner.take(KEYWORD);
  scanner.at = at;
  return found;
}
