import type { Bounds } from '../model/bounds.ts';
import { openSource, type SourceName } from '../source/index.ts';
import type { ExtraKind } from '../source/types.ts';
import { type Clock, Sampler, type SamplerOptions } from './sampler.ts';

/** What is sampled, and how. */
export interface SamplerSetup {
  readonly source: SourceName | undefined;
  /** Kinds of sockets to read beside the usual ones. */
  readonly also: readonly ExtraKind[];
  /** Fill in `Socket.tcp`. */
  readonly tcpDetails: boolean;
  readonly intervalMs: number;
  /** The most of a core that looking may take: above 0, to 1. */
  readonly maxShare: number;
  /** Room for what happens and has not been taken yet, KiB; undefined for as much as is usually wanted. */
  readonly eventBufferKiB?: number | undefined;
  /** How much is kept; undefined for everything. */
  readonly bounds?: Bounds | undefined;
}

/**
 * A reading waits so long for the programs behind its sockets: those of some ten thousand are found meanwhile, and a
 * screen that is first painted without some names is better than one that is late.
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
 * A sampler of this machine, with all that tells what happens between two readings; not started yet.
 * @throws Error, in words, when there is no source that works
 */
export async function openSampler(
  { source, also, tcpDetails, intervalMs, maxShare, eventBufferKiB, bounds }: SamplerSetup,
  listeners: Pick<SamplerOptions, 'onBatch' | 'onEvents' | 'onError' | 'progress'>,
): Promise<Sampler> {
  const { progress } = listeners;
  progress?.begin('open');
  return new Sampler({
    ...listeners,
    source: await openSource(source, {
      also,
      tcpDetails,
      ownerBudgetMs: OWNER_BUDGET_MS,
      events: true,
      eventBufferKiB,
      bounds,
      progress,
    }),
    clock: CLOCK,
    intervalMs,
    maxShare,
    mostWaiting: bounds?.waitingEvents,
  });
}
