import type { Degradation } from '../model/batch.ts';
import { LACKS as LINUX_LACKS } from './linux/lacks.ts';
import { LACKS as MACOS_LACKS } from './macos/lacks.ts';
import { LACKS as WINDOWS_LACKS } from './windows/lacks.ts';
import { type Source, SourceFailed, type SourceOptions, SourceUnavailable } from './types.ts';

interface SourceEntry {
  /** Text for the help: where the source reads from. */
  readonly about: string;
  /** The systems that it can work on; absent for every system. */
  readonly systems?: readonly NodeJS.Platform[];
  /** Short form of its text in `LACKS`. @default no traffic */
  readonly short?: string;
  /** True if it opens capture sockets. */
  readonly captures?: true;
  /** Opens the source. Rejects with `SourceUnavailable` if it cannot work here. */
  readonly open: (options: SourceOptions) => Promise<Source>;
}

/** All sources, for each system the best first; netpane uses the first one that works. */
export const SOURCES = {
  sock_diag: {
    about: 'Linux: the kernel, over netlink; as root all network namespaces',
    systems: ['linux'],
    captures: true,
    open: async (options: SourceOptions) => (await import('./linux/open.ts')).openSockDiag(options),
  },
  proc: {
    about: 'Linux: /proc/net',
    systems: ['linux'],
    open: async (options: SourceOptions) => (await import('./linux/open.ts')).openProcNet(options),
  },
  pcblist: {
    about: "macOS: the kernel's lists; as root the processes of all users",
    systems: ['darwin'],
    open: async (options: SourceOptions) => (await import('./macos/open.ts')).openPcblist(options),
  },
  nettop: {
    about: 'macOS: the output of nettop',
    systems: ['darwin'],
    short: 'slow polls',
    open: async (options: SourceOptions) => (await import('./macos/open.ts')).openNettop(options),
  },
  iphlpapi: {
    about: 'Windows: the IP Helper API; as administrator also traffic',
    systems: ['win32'],
    open: async (options: SourceOptions) => (await import('./windows/open.ts')).openIphlpapi(options),
  },
  systeminformation: {
    about: 'any system: the output of netstat',
    open: async ({ bounds }: SourceOptions) => {
      const { portableSource } = await import('./portable/portable.ts');
      return portableSource({ bounds });
    },
  },
} as const satisfies Record<string, SourceEntry>;

export type SourceName = keyof typeof SOURCES;

export const SOURCE_NAMES = Object.keys(SOURCES) as SourceName[];

/** By system: what each source lacks compared with the one before it. The best source of a system lacks nothing. */
const LACKS: Readonly<Partial<Record<NodeJS.Platform, Readonly<Partial<Record<SourceName, string>>>>>> = {
  linux: LINUX_LACKS,
  darwin: MACOS_LACKS,
  win32: WINDOWS_LACKS,
};

/**
 * Opens the named source, or the best one that works here. If that is not the best one for this system, its degradations
 * say what is missing, and why.
 * @throws SourceFailed if the named source, or every source, cannot work here.
 */
export async function openSource(name: SourceName | undefined, options: SourceOptions): Promise<Source> {
  if (name !== undefined) return openNamed(name, options);
  const reasons: string[] = [];
  for (const candidate of SOURCE_NAMES.filter(isForThisSystem)) {
    try {
      return withNotice(await openEntry(candidate, options), fallbackNotice(reasons, candidate), reasons);
    } catch (error) {
      if (!(error instanceof SourceUnavailable)) throw error;
      reasons.push(`no ${candidate}: ${error.message}`);
    }
  }
  throw new SourceFailed(`no source works on this machine (${reasons.join('; ')})`);
}

async function openNamed(name: SourceName, options: SourceOptions): Promise<Source> {
  try {
    return withNotice(await openEntry(name, options), fallbackNotice([`--source ${name}`], name));
  } catch (error) {
    if (!(error instanceof SourceUnavailable)) throw error;
    throw new SourceFailed(
      `source '${name}' does not work on this machine: ${error.message}; without --source netpane picks one that does`,
      { cause: error },
    );
  }
}

/** Opens a source; if it captures no names and these are wanted, its degradations say so. */
async function openEntry(name: SourceName, options: SourceOptions): Promise<Source> {
  const { open, captures }: SourceEntry = SOURCES[name];
  return withNotice(await open(options), options.captures && !captures ? UNCAPTURED : undefined);
}

const UNCAPTURED: Degradation = {
  code: 'names-uncaptured',
  text: 'names that programs ask for are not seen: only the source sock_diag captures them',
  short: 'no names',
};

function isForThisSystem(name: SourceName): boolean {
  const { systems }: SourceEntry = SOURCES[name];
  return systems?.includes(process.platform) ?? true;
}

/** Returns a notice about what is missing with this source; undefined if it is the best one for this system. */
function fallbackNotice(reasons: readonly string[], name: SourceName): Degradation | undefined {
  const { short = 'no traffic' }: SourceEntry = SOURCES[name];
  const lacks = SOURCE_NAMES.slice(0, SOURCE_NAMES.indexOf(name) + 1).flatMap(
    (each) => LACKS[process.platform]?.[each] ?? [],
  );
  if (lacks.length === 0) return undefined;
  return {
    code: 'fallback',
    text: `${reasons.join('; ')}: ${lacks.join('; ')}`,
    short,
  };
}

/**
 * Returns the source with a notice added after its own.
 * @param reasons why better sources do not work; added to the error if this one fails too
 */
function withNotice(
  source: Source,
  notice: Degradation | undefined,
  reasons: readonly string[] = [],
): Source {
  if (notice === undefined) return source;
  return {
    name: source.name,
    read: async () => {
      const snapshot = await source.read().catch((error: unknown) => {
        if (reasons.length === 0 || !(error instanceof SourceFailed)) throw error;
        throw new SourceFailed(`${error.message} (${reasons.join('; ')})`, { cause: error });
      });
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
