import type { Degradation } from '../model/batch.ts';
import { type Source, type SourceOptions, SourceUnavailable } from './types.ts';

interface SourceEntry {
  /** Text for the help: where the source reads from. */
  readonly about: string;
  /** What this source lacks compared with the previous one in the table; a clause. */
  readonly lacks?: string;
  /** Opens the source. Rejects with `SourceUnavailable` if it cannot work here. */
  readonly open: (options: SourceOptions) => Promise<Source>;
}

/** All sources, best first; netpane uses the first one that works. */
export const SOURCES = {
  sock_diag: {
    about: 'Linux: the kernel, over netlink; as root all network namespaces',
    open: async (options: SourceOptions) => (await import('./linux/open.ts')).openSockDiag(options),
  },
  proc: {
    about: 'Linux: /proc/net',
    lacks:
      'traffic and round-trip times, interfaces, raw and packet sockets, and other network namespaces are not shown',
    open: async (options: SourceOptions) => (await import('./linux/open.ts')).openProcNet(options),
  },
  systeminformation: {
    about: 'any system: the output of netstat',
    lacks: 'polls take much longer, and on Linux UDP sockets without a peer are not shown',
    open: async ({ bounds }: SourceOptions) => {
      const { portableSource } = await import('./portable/portable.ts');
      return portableSource({ bounds });
    },
  },
} as const satisfies Record<string, SourceEntry>;

export type SourceName = keyof typeof SOURCES;

export const SOURCE_NAMES = Object.keys(SOURCES) as SourceName[];

/**
 * Opens the named source, or the best one that works here. If that is not the first of the table, its degradations say
 * what is missing, and why.
 * @throws Error if the named source, or every source, cannot work here; the message is for the user.
 */
export async function openSource(name: SourceName | undefined, options: SourceOptions): Promise<Source> {
  if (name !== undefined) return openNamed(name, options);
  const reasons: string[] = [];
  const lacks: string[] = [];
  for (const candidate of SOURCE_NAMES) {
    const entry: SourceEntry = SOURCES[candidate];
    if (entry.lacks !== undefined) lacks.push(entry.lacks);
    try {
      return withNotice(await entry.open(options), fallbackNotice(reasons, lacks));
    } catch (error) {
      if (!(error instanceof SourceUnavailable)) throw error;
      reasons.push(`no ${candidate}: ${error.message}`);
    }
  }
  throw new Error(`no source works on this machine (${reasons.join('; ')})`);
}

async function openNamed(name: SourceName, options: SourceOptions): Promise<Source> {
  try {
    const lacks = SOURCE_NAMES.slice(0, SOURCE_NAMES.indexOf(name) + 1).flatMap(
      (each) => (SOURCES[each] as SourceEntry).lacks ?? [],
    );
    return withNotice(await SOURCES[name].open(options), fallbackNotice([`--source ${name}`], lacks));
  } catch (error) {
    if (!(error instanceof SourceUnavailable)) throw error;
    throw new Error(
      `source '${name}' does not work on this machine: ${error.message}; without --source netpane picks one that does`,
      { cause: error },
    );
  }
}

/** Returns a notice about what is missing, on Linux only: elsewhere the last source is the only one. */
function fallbackNotice(reasons: readonly string[], lacks: readonly string[]): Degradation | undefined {
  if (lacks.length === 0 || process.platform !== 'linux') return undefined;
  return {
    code: 'fallback',
    text: `${reasons.join('; ')}: ${lacks.join('; ')}`,
    short: 'no traffic',
  };
}

/** Returns the source with a notice added after its own. */
function withNotice(source: Source, notice: Degradation | undefined): Source {
  if (notice === undefined) return source;
  return {
    name: source.name,
    read: async () => {
      const snapshot = await source.read();
      return { ...snapshot, degradations: [...snapshot.degradations, notice] };
    },
    ...(source.events && { events: source.events }),
    ...(source.runsPrograms && { runsPrograms: true }),
    ...(source.facilities && { facilities: source.facilities }),
    ...(source.leftovers && { leftovers: source.leftovers }),
    ...(source.closeSockets && { closeSockets: source.closeSockets.bind(source) }),
    close: () => source.close?.(),
  };
}
