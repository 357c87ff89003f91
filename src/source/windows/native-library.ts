import type { Koffi } from '../koffi.ts';
import { insideGate } from '../native-gate.ts';

/** A function of Windows. It returns a number, which may be a handle. */
export type Call = (...args: readonly unknown[]) => number;

/** Returns a function of a library. Throws if the library lacks it. */
export type Loader = (prototype: string) => Call;

/** Returns the loader of a library of Windows, such as `kernel32`. Throws if there is none. */
export function loaderOf(koffi: Koffi, name: string): Loader {
  const library = koffi.load(`${name}.dll`);
  return (prototype) => insideGate(() => library.func(prototype) as Call);
}

/** Returns the result; undefined if it throws: an older Windows, or Wine, lacks the function. */
export function optional<T>(load: () => T): T | undefined {
  try {
    return load();
  } catch {
    return undefined;
  }
}

/** Returns a text in UTF-16 with its NUL, as Windows takes it. */
export const wideText = (text: string): Buffer => Buffer.from(`${text}\0`, 'utf16le');
