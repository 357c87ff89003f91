import { release } from 'node:os';
import { type Source, type SourceOptions, SourceUnavailable } from '../types.ts';
import type { MacCalls } from './native/calls.ts';
import { KernelTable, TableUnread } from './native/kernel-table.ts';
import { LibSystem } from './native/lib-system.ts';
import { NettopSource } from './nettop.ts';
import { NettopProgram } from './nettop/program.ts';
import { ANOTHER_LAYOUT, MAX_CLOSING } from './notices.ts';
import { processesWithCache, type ProcessCache } from './owners/process-cache.ts';
import { Rows } from './table/rows.ts';
import { PcblistSource, TABLES } from './pcblist.ts';

/** Architectures with the layouts of `table/layout.ts` and `native/processes.ts`. */
const ARCHITECTURES: readonly string[] = ['arm64', 'x64'];

/**
 * Opens the source `pcblist`. Rejects with `SourceUnavailable` on another system, without koffi, if macOS refuses the
 * lists or withholds every socket, and if no row can be read.
 */
export async function openPcblist(options: SourceOptions): Promise<Source> {
  if (process.platform !== 'darwin') throw new SourceUnavailable('this is not macOS');
  return openWith(await loadCalls(), options);
}

async function loadCalls(): Promise<MacCalls> {
  if (!ARCHITECTURES.includes(process.arch)) throw new SourceUnavailable('it needs a 64-bit Node');
  return LibSystem.load();
}

/** Opens the source `nettop`. Rejects with `SourceUnavailable` on another system, and if nettop lists no sockets. */
export async function openNettop(options: SourceOptions, program = new NettopProgram()): Promise<Source> {
  if (process.platform !== 'darwin') throw new SourceUnavailable('this is not macOS');
  return NettopSource.open({
    ...options,
    program,
    cache: await openProcessCache(),
    nowMs: () => performance.now(),
  });
}

/** Returns the cache of programs; the reason, a clause, if processes cannot be read. */
async function openProcessCache(): Promise<ProcessCache | string> {
  try {
    return processesWithCache(await loadCalls()).cache;
  } catch (error) {
    if (error instanceof SourceUnavailable) return error.message;
    throw error;
  }
}

/** Opens the source with these calls. @throws SourceUnavailable as `openPcblist` */
export function openWith(calls: MacCalls, options: SourceOptions): Source {
  tryTable(calls);
  const ownUid = process.geteuid?.() ?? 0;
  return new PcblistSource({
    ...options,
    calls,
    ownUid,
    isRoot: ownUid === 0,
    darwin: Number.parseInt(release(), 10),
    nowMs: () => performance.now(),
    wallMs: () => Date.now(),
  });
}

/** Throws `SourceUnavailable` if the list of TCP sockets or each of its rows cannot be read, or macOS withholds every row. */
function tryTable(calls: MacCalls): void {
  try {
    const rows = new Rows();
    rows.begin(new KernelTable(calls, TABLES.tcp).read());
    if (rows.promised === 0 || rows.next()) return;
    if (rows.malformed > 0)
      throw new SourceUnavailable(`no row of the kernel's list can be read: ${ANOTHER_LAYOUT}`);
    // A few sockets may all be closing: the kernel counts them and lists none.
    if (rows.promised <= MAX_CLOSING) return;
    throw new SourceUnavailable(`macOS withholds all ${rows.promised} TCP sockets from netpane`);
  } catch (error) {
    if (error instanceof TableUnread) throw new SourceUnavailable(error.message);
    throw error;
  }
}
