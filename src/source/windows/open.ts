import type { StartConsumer } from '../consumer-thread.ts';
import type { Source, SourceOptions } from '../types.ts';
import { SourceUnavailable } from '../types.ts';
import { loadKoffi } from '../koffi.ts';
import { NativeTrace } from './etw/native-trace.ts';
import { TraceSession } from './etw/session.ts';
import { CallFailed, GrowingBuffer } from './growing-buffer.ts';
import { IphlpapiSource } from './iphlpapi.ts';
import { KeptTable } from './kept-table.ts';
import { TABLE_NAMES } from './layout.ts';
import { NativeWindows } from './native.ts';
import { LIST_BYTES, listProcesses } from './processes.ts';

/** Architectures with the layouts in `layout.ts`. */
const ARCHITECTURES: readonly string[] = ['x64', 'arm64'];

/**
 * Opens the source `iphlpapi`. Rejects with `SourceUnavailable` on another system, without koffi, and if Windows does not
 * answer.
 */
export async function openIphlpapi({
  ownerBudgetMs,
  bounds,
  events,
  startConsumer,
}: SourceOptions): Promise<Source> {
  if (process.platform !== 'win32') throw new SourceUnavailable('this is not Windows');
  if (!ARCHITECTURES.includes(process.arch)) throw new SourceUnavailable('it needs a 64-bit Node');
  const api = await NativeWindows.load();
  try {
    for (const name of TABLE_NAMES) new KeptTable(api, name).read();
  } catch (error) {
    if (error instanceof CallFailed) throw new SourceUnavailable(error.message);
    throw error;
  }
  return new IphlpapiSource({
    api,
    session: events ? await openSession(api, startConsumer) : undefined,
    nowMs: () => performance.now(),
    wallMs: () => Date.now(),
    ownerBudgetMs,
    bounds,
  });
}

/** Starts a session of events. Returns why there is none, a clause. */
async function openSession(
  api: NativeWindows,
  startConsumer: StartConsumer | undefined,
): Promise<TraceSession | string> {
  if (!api.isElevated) return 'netpane does not run as administrator';
  const running = new Map<number, number>();
  try {
    listProcesses(api, new GrowingBuffer(LIST_BYTES), (pid, created) => running.set(pid, created));
    const calls = await loadKoffi((koffi) => new NativeTrace(koffi, startConsumer));
    const self = { pid: process.pid, created: running.get(process.pid) ?? 0 };
    return TraceSession.start(calls, self, ({ pid, created }) => running.get(pid) === created);
  } catch (error) {
    if (error instanceof CallFailed || error instanceof SourceUnavailable) return error.message;
    throw error;
  }
}
