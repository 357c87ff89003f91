import { closeSync, openSync } from 'node:fs';
import { ProcNetSource } from './linux/procnet.ts';
import type { Source } from './types.ts';

interface SourceEntry {
  /** For the help: where it reads from. */
  readonly about: string;
  /** True when it can work on this machine; found out by trying. */
  readonly works: () => boolean;
  readonly open: () => Promise<Source>;
}

/** Opens without reading: to read a table of sockets once more would cost as much as a sample. */
const canRead = (path: string): boolean => {
  try {
    closeSync(openSync(path, 'r'));
    return true;
  } catch {
    return false;
  }
};

/** Every source, the best first: the first one that works is taken. */
export const SOURCES = {
  proc: {
    about: 'Linux: /proc/net, owners from /proc/PID/fd',
    works: () => process.platform === 'linux' && canRead('/proc/net/tcp'),
    open: async () =>
      new ProcNetSource({ nowMs: () => performance.now(), isRoot: process.geteuid?.() === 0 }),
  },
  systeminformation: {
    about: 'any system: the output of its own netstat, by the systeminformation package',
    works: () => true,
    open: async () => {
      const { portableSource } = await import('./portable/portable.ts');
      return portableSource();
    },
  },
} as const satisfies Record<string, SourceEntry>;

export type SourceName = keyof typeof SOURCES;

export const SOURCE_NAMES = Object.keys(SOURCES) as SourceName[];

/** Throws, in words, when a source that was asked for by name cannot work here. */
export function requireSource(name: SourceName | undefined): void {
  if (name === undefined || SOURCES[name].works()) return;
  throw new Error(
    `source '${name}' does not work on this machine; without --source netpane picks one that does`,
  );
}

/** Opens the named source, or the best one that works here. Rejects when the named one cannot work here. */
export async function openSource(name: SourceName | undefined): Promise<Source> {
  requireSource(name);
  const chosen = name ?? SOURCE_NAMES.find((candidate) => SOURCES[candidate].works()) ?? 'systeminformation';
  return SOURCES[chosen].open();
}
