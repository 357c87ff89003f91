import type { Source, SourceOptions } from '../types.ts';
import { SourceUnavailable } from '../types.ts';
import { CallFailed } from './growing-buffer.ts';
import { IphlpapiSource } from './iphlpapi.ts';
import { KeptTable } from './kept-table.ts';
import { TABLE_NAMES } from './layout.ts';
import { NativeWindows } from './native.ts';

/** Architectures with the layouts in `layout.ts`. */
const ARCHITECTURES: readonly string[] = ['x64', 'arm64'];

/**
 * Opens the source `iphlpapi`. Rejects with `SourceUnavailable` on another system, without koffi, and if Windows does not
 * answer.
 */
export async function openIphlpapi({ ownerBudgetMs, bounds }: SourceOptions): Promise<Source> {
  if (process.platform !== 'win32') throw new SourceUnavailable('this is not Windows');
  if (!ARCHITECTURES.includes(process.arch)) throw new SourceUnavailable('it needs a 64-bit Node');
  const api = await NativeWindows.load();
  try {
    for (const name of TABLE_NAMES) new KeptTable(api, name).read();
  } catch (error) {
    if (error instanceof CallFailed) throw new SourceUnavailable(error.message);
    throw error;
  }
  return new IphlpapiSource({ api, nowMs: () => performance.now(), ownerBudgetMs, bounds });
}
