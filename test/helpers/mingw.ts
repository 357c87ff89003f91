// Compares layouts of Windows with the headers of mingw-w64.
import { spawnSync } from 'node:child_process';

export const MINGW = 'x86_64-w64-mingw32-gcc';
export const hasMingw = spawnSync(MINGW, ['--version']).status === 0;

/** A constant expression in C, and its value according to netpane. */
export type Claim = readonly [expression: string, value: number | undefined];

/** Returns the claims about the fields of a structure. @param fields offsets by the names of the header */
export const offsets = (type: string, fields: Readonly<Record<string, number | undefined>>): Claim[] =>
  Object.entries(fields).map(([field, value]) => [`offsetof(${type}, ${field})`, value]);

/** Leaves out the vector instructions of the processor, a third of the compiler's work: no layout needs them. */
const WITHOUT_INTRINSICS = ['-D_X86INTRIN_H_INCLUDED', '-D_IMMINTRIN_H_INCLUDED'];

const FIRST_HEADERS = ['winsock2.h', 'ws2tcpip.h', 'windows.h'];

/** Returns what the compiler says of the claims; empty if all are true. @param headers after those of sockets and Windows */
export function compileClaims(headers: readonly string[], claims: readonly Claim[]): string {
  const source = [
    '#define _WIN32_WINNT 0x0A00',
    ...[...FIRST_HEADERS, ...headers].map((name) => `#include <${name}>`),
    '#include <stddef.h>',
    ...claims.map(([expression, value]) => `_Static_assert(${expression} == ${value}, "${expression}");`),
  ].join('\n');
  const args = [...WITHOUT_INTRINSICS, '-xc', '-fsyntax-only', '-'];
  return spawnSync(MINGW, args, { input: source, encoding: 'utf8' }).stderr;
}
