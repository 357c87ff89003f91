import type { Degradation } from '../model/batch.ts';
import { type Source, type SourceOptions, SourceUnavailable } from './types.ts';

interface SourceEntry {
  /** For the help: where it reads from. */
  readonly about: string;
  /** What it does not tell and the one before it does; a clause. */
  readonly lacks?: string;
  /** Rejects with `SourceUnavailable` where it cannot work; found out by trying. */
  readonly open: (options: SourceOptions) => Promise<Source>;
}

/** Every source, the best first: the first one that works is taken. */
export const SOURCES = {
  sock_diag: {
    about: 'Linux: the kernel, over netlink; as root every namespace',
    open: async (options: SourceOptions) => (await import('./linux/open.ts')).openSockDiag(options),
  },
  proc: {
    about: 'Linux: /proc/net',
    lacks:
      'traffic and round-trip times, interfaces, raw and packet sockets, and other network namespaces are not shown',
    open: async (options: SourceOptions) => (await import('./linux/open.ts')).openProcNet(options),
  },
  systeminformation: {
    about: 'any system: what its own netstat prints',
    lacks: 'it takes much longer, and on Linux UDP sockets without a peer are not shown',
    open: async ({ bounds }: SourceOptions) => {
      const { portableSource } = await import('./portable/portable.ts');
      return portableSource({ bounds });
    },
  },
} as const satisfies Record<string, SourceEntry>;

export type SourceName = keyof typeof SOURCES;

export const SOURCE_NAMES = Object.keys(SOURCES) as SourceName[];

/**
 * Opens the named source, or the best one that works here; where that is not the best of all, its degradations say
 * what is lost, and why.
 * @throws Error, in words, when a source that was asked for by name cannot work here
 */
export async function openSource(name: SourceName | undefined, options: SourceOptions): Promise<Source> {
  if (name !== undefined) return forced(name, options);
  const reasons: string[] = [];
  const lacks: string[] = [];
  for (const candidate of SOURCE_NAMES) {
    const entry: SourceEntry = SOURCES[candidate];
    if (entry.lacks !== undefined) lacks.push(entry.lacks);
    try {
      return withNotice(await entry.open(options), fallBack(reasons, lacks));
    } catch (error) {
      if (!(error instanceof SourceUnavailable)) throw error;
      reasons.push(`no ${candidate}: ${error.message}`);
    }
  }
  throw new Error(`no source works on this machine (${reasons.join('; ')})`);
}

async function forced(name: SourceName, options: SourceOptions): Promise<Source> {
  try {
    const lacks = SOURCE_NAMES.slice(0, SOURCE_NAMES.indexOf(name) + 1).flatMap(
      (each) => (SOURCES[each] as SourceEntry).lacks ?? [],
    );
    return withNotice(await SOURCES[name].open(options), fallBack([`--source ${name}`], lacks));
  } catch (error) {
    if (!(error instanceof SourceUnavailable)) throw error;
    throw new Error(
      `source '${name}' does not work on this machine: ${error.message}; without --source netpane picks one that does`,
      { cause: error },
    );
  }
}

function fallBack(reasons: readonly string[], lacks: readonly string[]): Degradation | undefined {
  if (lacks.length === 0 || process.platform !== 'linux') return undefined;
  return {
    code: 'fallback',
    text: `${reasons.join('; ')}: ${lacks.join('; ')}`,
    short: 'no traffic',
  };
}

/** The same source, one notice the more, behind its own. */
function withNotice(source: Source, notice: Degradation | undefined): Source {
  if (notice === undefined) return source;
  return {
    name: source.name,
    read: async () => {
      const snapshot = await source.read();
      return { ...snapshot, degradations: [...snapshot.degradations, notice] };
    },
    ...(source.events && { events: source.events }),
    ...(source.leftovers && { leftovers: source.leftovers }),
    close: () => source.close?.(),
  };
}
