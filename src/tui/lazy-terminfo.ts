import { tput } from './blessed.ts';

/** Returns the sequence of a capability with these parameters. */
type Capability = (parameters: unknown[]) => string;

/** The method of blessed that compiles a capability of terminfo; a boolean, a number or '' needs no compiler. */
type Compile = (this: unknown, info: object, name: string, value: unknown) => unknown;

/** Compiles a capability when it is first used. */
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
 * Runs `make`, which opens a terminal with the terminfo that blessed brings. Blessed compiles each capability into a
 * function at the start, which takes more than half of the time of opening; here only those that are used, at their
 * first use. Not for other terminfo: blessed must find a mistake at the start, where it can still use its own.
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
