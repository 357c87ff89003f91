/** The command line of an interpreter, as far as it decides what the interpreter runs. */
interface Interpreter {
  /** Matches the name of the program file. */
  readonly name: RegExp;
  /** Matches an argument after which code follows, or that has code in it. */
  readonly code: RegExp;
  /** Options that take the next argument. */
  readonly withValue: readonly string[];
  /** Matches the option before the name of a module. */
  readonly module?: RegExp;
  /** Commands that may come before the script, such as `run`. */
  readonly commands?: readonly string[];
}

const INTERPRETERS: readonly Interpreter[] = [
  {
    // `-e` ends a shell at the first error; `-ec` is code.
    name: /^(?:bash|sh|dash|zsh|ksh)$/,
    code: /^-[a-zA-Z]*c$/,
    withValue: ['-o', '+o', '-O', '+O', '--rcfile', '--init-file'],
  },
  {
    name: /^(?:node|nodejs)$/,
    code: /^(?:-e|-p|-pe|--eval(?:=.*)?|--print(?:=.*)?)$/,
    withValue: ['-r', '--require', '--import', '--loader', '--experimental-loader', '-C', '--conditions'],
  },
  {
    name: /^deno$/,
    code: /^eval$/,
    withValue: ['-c', '--config', '--import-map'],
    commands: ['run', 'serve'],
  },
  {
    name: /^bun$/,
    code: /^(?:-e|-p|--eval|--print)$/,
    withValue: ['-r', '--preload', '--cwd', '-c', '--config'],
    commands: ['run'],
  },
  {
    name: /^(?:python|pypy)[0-9.]*$/,
    code: /^-[bBdEhiIOPqsSuvVx]*c$/,
    withValue: ['-W', '-X'],
    module: /^-[bBdEhiIOPqsSuvVx]*m$/,
  },
  { name: /^ruby[0-9.]*$/, code: /^-[alnpsSw]*e/, withValue: ['-r', '-I', '-C', '-E'] },
  { name: /^perl[0-9.]*$/, code: /^-[aclnpsStTuUwWX0-7]*[eE]/, withValue: ['-I'] },
  { name: /^php[0-9.-]*$/, code: /^-[rBRE]$/, withValue: ['-c', '-d', '-z', '-t', '-S'] },
  { name: /^lua[0-9.]*$/, code: /^-e/, withValue: ['-l'] },
];

/** Options of java that take the next argument. */
const JAVA_WITH_VALUE = ['-cp', '-classpath', '--class-path', '-p', '--module-path', '--add-modules'];

/** A script, module or code that an interpreter runs. Untrusted texts. */
export interface Script {
  readonly kind: 'script' | 'module' | 'jar' | 'class' | 'code';
  /** Path as on the command line, or a name; empty for code. */
  readonly text: string;
}

/**
 * Returns the script, module or code that an interpreter runs, by its command line; undefined for another program, and for
 * an interpreter without a script, for example one that reads stdin.
 * @param exe path of the program file
 * @param words arguments; the first one is the name of the program
 */
export function scriptOf(exe: string, words: readonly string[]): Script | undefined {
  const program = exe.slice(exe.lastIndexOf('/') + 1);
  if (program === 'java') return javaProgramOf(words);
  const interpreter = INTERPRETERS.find(({ name }) => name.test(program));
  if (interpreter === undefined) return undefined;
  const { code, withValue, module, commands = [] } = interpreter;
  for (let i = 1; i < words.length; i++) {
    const word = words[i] ?? '';
    const next = words[i + 1];
    if (code.test(word)) return { kind: 'code', text: '' };
    if (module?.test(word)) return next === undefined ? undefined : { kind: 'module', text: next };
    // Code from stdin; or the rest of a command line over which a program has written its title.
    if (word === '-' || word === '') return undefined;
    if (word === '--') return next === undefined ? undefined : { kind: 'script', text: next };
    if (withValue.includes(word)) i++;
    else if (!/^[-+]/.test(word) && !(i === 1 && commands.includes(word)))
      return { kind: 'script', text: word };
  }
  return undefined;
}

/** Returns the jar, module or class that java runs. */
function javaProgramOf(words: readonly string[]): Script | undefined {
  for (let i = 1; i < words.length; i++) {
    const word = words[i] ?? '';
    const next = words[i + 1];
    if (word === '-jar') return next === undefined ? undefined : { kind: 'jar', text: next };
    if (word === '-m' || word === '--module')
      return next === undefined ? undefined : { kind: 'module', text: next };
    if (JAVA_WITH_VALUE.includes(word)) i++;
    else if (!word.startsWith('-')) return { kind: 'class', text: word };
  }
  return undefined;
}
