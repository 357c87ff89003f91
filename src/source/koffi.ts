import { SourceUnavailable } from './types.ts';

export type Koffi = (typeof import('koffi'))['default'];

/**
 * Loads koffi, and returns what `use` makes of it. Rejects with `SourceUnavailable` if koffi is not installed, does not
 * load on this system, or `use` throws.
 */
export async function loadKoffi<T>(use: (koffi: Koffi) => T): Promise<T> {
  try {
    return use((await import('koffi')).default);
  } catch (error) {
    const text = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error);
    // The program requires koffi, a test imports it: Node has a code for each.
    const isMissing =
      error instanceof Error && 'code' in error && /MODULE_NOT_FOUND$/.test(String(error.code));
    throw new SourceUnavailable(
      isMissing ? 'the package koffi is not installed' : `the package koffi cannot be loaded: ${text}`,
    );
  }
}
