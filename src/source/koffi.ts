import { SourceUnavailable } from './types.ts';

export type Koffi = (typeof import('koffi'))['default'];

const firstLine = (error: unknown): string =>
  error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error);

/**
 * Loads koffi, and returns what `use` makes of it. Rejects with `SourceUnavailable` if koffi is not installed, does not
 * load on this system, or `use` throws: a library or one of its functions is missing.
 */
export async function loadKoffi<T>(use: (koffi: Koffi) => T): Promise<T> {
  let koffi: Koffi;
  try {
    ({ default: koffi } = await import('koffi'));
  } catch (error) {
    // The built program loads koffi with require(), a test with import(): Node has an error code for each.
    const isMissing =
      error instanceof Error && 'code' in error && /MODULE_NOT_FOUND$/.test(String(error.code));
    throw new SourceUnavailable(
      isMissing
        ? 'the package koffi is not installed'
        : `the package koffi cannot be loaded: ${firstLine(error)}`,
    );
  }
  return needed(() => use(koffi));
}

/** Returns what `make` returns. Throws `SourceUnavailable` if `make` throws: a library or one of its functions is missing. */
export function needed<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new SourceUnavailable(`this system lacks a call that is needed: ${firstLine(error)}`);
  }
}
