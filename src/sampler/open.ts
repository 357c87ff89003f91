import type { Bounds } from '../model/bounds.ts';
import { openSource, type SourceName } from '../source/index.ts';
import { threadCpuClock } from '../source/thread-cpu.ts';
import type { CaptureReceiver, ExtraKind, SourceOptions } from '../source/types.ts';
import { type Clock, Sampler, type SamplerOptions } from './sampler.ts';

/** Settings of a sampler and its source. */
export interface SamplerSetup {
  readonly source: SourceName | undefined;
  /** Kinds of sockets to read in addition to the default ones. */
  readonly also: readonly ExtraKind[];
  /** Fill in `Socket.tcp`. */
  readonly tcpDetails: boolean;
  readonly intervalMs: number;
  /** Maximum share of one core that polling may take, above 0, up to 1. */
  readonly maxShare: number;
  /** Size of the kernel's event buffers, KiB: see `SourceOptions`. */
  readonly eventBufferKiB?: number | undefined;
  /** See `SourceOptions`. */
  readonly omitsRemnants?: boolean | undefined;
  /** Maximum numbers of sockets and events kept; undefined for no maximum. */
  readonly bounds?: Bounds | undefined;
}

/**
 * Maximum time that a poll waits for the owners of its sockets, milliseconds: enough for some ten thousand sockets. A
 * first screen without some of the names is better than a late one.
 */
const OWNER_BUDGET_MS = 200;

const CLOCK: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, action) => {
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
};

/**
 * Opens a source of this machine, with its event source, and returns a sampler for it that is not started.
 * @throws Error with a message for the user when no source works
 */
export async function openSampler(
  { source, also, tcpDetails, intervalMs, maxShare, eventBufferKiB, omitsRemnants, bounds }: SamplerSetup,
  {
    captures,
    startConsumer,
    ...options
  }: Pick<SamplerOptions, 'onBatch' | 'whenTaken' | 'onEvents' | 'onError' | 'progress'> & {
    /** See `SourceOptions`. */
    readonly captures?: CaptureReceiver | undefined;
    readonly startConsumer?: SourceOptions['startConsumer'];
  },
): Promise<Sampler> {
  const { progress } = options;
  progress?.begin('open');
  const opened = await openSource(source, {
    also,
    tcpDetails,
    ownerBudgetMs: OWNER_BUDGET_MS,
    events: true,
    eventBufferKiB,
    omitsRemnants,
    captures,
    startConsumer,
    bounds,
    progress,
  });
  const cpuMs = opened.runsPrograms ? undefined : threadCpuClock();
  return new Sampler({
    ...options,
    source: opened,
    omitsRemnants,
    clock: { ...CLOCK, ...(cpuMs && { cpuMs }) },
    intervalMs,
    maxShare,
    maxWaiting: bounds?.waitingEvents,
    maxShortLives: bounds?.shortLives,
  });
}
