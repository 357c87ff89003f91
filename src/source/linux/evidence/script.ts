/** Options of interpreters that take the next argument, and are not followed by a script. */
const WITH_VALUE = new Set([
  '-r',
  '--require',
  '--import',
  '--loader',
  '-I',
  '-C',
  '-W',
  '-X',
  '-cp',
  '-classpath',
  '--class-path',
]);
/** Options after which the argument is code, so that there is no script. */
const CODE = new Set(['-e', '-c', '-p', '--eval', '--print', '-pe']);

const INTERPRETER =
  /^(?:node|nodejs|deno|bun|python[0-9.]*|pypy[0-9.]*|ruby[0-9.]*|perl[0-9.]*|php[0-9.-]*|lua[0-9.]*|bash|sh|dash|zsh|ksh|java)$/;

/** What an interpreter runs. Untrusted texts. */
export interface Script {
  /** `script`, `module`, `jar`, `class`, `code`. */
  readonly kind: 'script' | 'module' | 'jar' | 'class' | 'code';
  /** Path as on the command line, or a name; empty for code. */
  readonly text: string;
}

/**
 * Returns what an interpreter runs, by its command line; undefined for another program.
 * @param exe path of the program file
 * @param words arguments, the first one is the name of the program
 */
export function scriptOf(exe: string, words: readonly string[]): Script | undefined {
  const program = exe.slice(exe.lastIndexOf('/') + 1);
  if (!INTERPRETER.test(program)) return undefined;
  const isPython = /^py/.test(program);
  for (let i = 1; i < words.length; i++) {
    const word = words[i] ?? '';
    const next = words[i + 1] ?? '';
    if (program === 'java' && word === '-jar') return { kind: 'jar', text: next };
    if (isPython && word === '-m') return { kind: 'module', text: next };
    if (CODE.has(word)) return { kind: 'code', text: '' };
    if (WITH_VALUE.has(word)) i++;
    else if (word === 'run' && (program === 'deno' || program === 'bun')) continue;
    else if (!word.startsWith('-')) return { kind: program === 'java' ? 'class' : 'script', text: word };
  }
  return undefined;
}
