import { tput } from './blessed.ts';

/** Returns the sequence of a capability with these parameters. */
type Capability = (parameters: unknown[]) => string;

/** Method of blessed that compiles a capability of terminfo to a function; returns a boolean, number or '' as it is. */
type Compile = (this: unknown, info: object, name: string, value: unknown) => unknown;

/** Returns a method that compiles each capability when it is first used. */
function lazily(compile: Compile): Compile {
  return function (info, name, value) {
    if (typeof value !== 'string' || value === '') return compile.call(this, info, name, value);
    let compiled: Capability | undefined;
    return (parameters: unknown[]) => {
      compiled ??= compile.call(this, info, name, value) as Capability;
      return compiled(parameters);
    };
  };
}

/**
 * Returns the result of `make`, which opens a terminal, and compiles capabilities at their first use. Blessed compiles all
 * of them when it opens the terminal, which takes more than half of that time. Use it only for the terminfo that blessed
 * brings: any other must be compiled at once, because blessed uses its own instead if it finds a mistake.
 */
export function withLazyTerminfo<T>(make: () => T): T {
  const { prototype } = tput;
  const { _compile } = prototype;
  prototype._compile = lazily(_compile);
  try {
    return make();
  } finally {
    prototype._compile = _compile;
  }
}
