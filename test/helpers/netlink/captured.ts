import { readFileSync } from 'node:fs';

/** Returns a captured dump: see fixtures/linux/netlink. */
export function captured(name: string): { request: Uint8Array; datagrams: Uint8Array[] } {
  const file = (end: string) =>
    readFileSync(new URL(`../../../fixtures/linux/netlink/${name}${end}`, import.meta.url), 'utf8');
  const [request = new Uint8Array(), ...datagrams] = file('.b64')
    .trimEnd()
    .split('\n')
    .map((line) => new Uint8Array(Buffer.from(line, 'base64')));
  return { request, datagrams };
}

/** Returns what `ss` or `ip` printed for a capture, as lines of words. */
export const capturedText = (name: string): string[][] =>
  readFileSync(new URL(`../../../fixtures/linux/netlink/${name}.txt`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' '));
