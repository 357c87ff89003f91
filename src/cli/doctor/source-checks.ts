import type { Degradation } from '../../model/batch.ts';
import type { Coverage } from '../../model/event.ts';
import { counted } from '../../model/text.ts';
import type { Facilities } from '../../source/types.ts';
import { COVERAGE, coverageText } from '../../view/header/notices.ts';
import { type Check, info, missing, ok, okOr } from './check.ts';

/** Result of one poll of the source in use. */
export interface SourceFacts {
  readonly name: string;
  readonly sockets: number;
  readonly degradations: readonly Degradation[];
  readonly facilities: Facilities | undefined;
  /** Coverage of its event source; undefined if it can only poll. */
  readonly coverage: Coverage | undefined;
}

/** Codes of the notices that have a check of their own. */
const REPORTED = new Set(['fallback', 'missing-kinds', 'owners-hidden']);

/** Returns the checks of the source. @param source an error text if no source works */
export function sourceChecks(source: SourceFacts | string): Check[] {
  if (typeof source === 'string') return [missing('source', source)];
  const { name, sockets, degradations, facilities, coverage = { level: 'polls' } } = source;
  const notice = (code: string): string | undefined => degradations.find((it) => it.code === code)?.text;
  const fallback = notice('fallback');
  const missed = coverageText(coverage);
  const seen = COVERAGE[coverage.level].text;
  return [
    fallback === undefined
      ? ok('source', `${name}, the best one: ${counted(sockets, 'socket')}`)
      : missing('source', `${name} is used: ${fallback}`),
    ...(facilities ? kernelChecks(facilities, notice('missing-kinds')) : []),
    coverage.level === 'lives' || missed === undefined
      ? ok('coverage', missed === undefined ? seen : `${seen}; ${missed}`)
      : missing('coverage', `${seen}; ${missed}`),
    okOr('owners', notice('owners-hidden') ?? true, 'none hidden'),
    ...degradations.filter(({ code }) => !REPORTED.has(code)).map(({ text }) => info('notice', text)),
  ];
}

function kernelChecks(
  { closeMessages, ledger, trace, namespaces }: Facilities,
  missingKinds: string | undefined,
): Check[] {
  return [
    okOr('TCP and UDP', missingKinds ?? true, 'listed by sock_diag'),
    okOr('close messages', closeMessages, 'received'),
    okOr('ledger', ledger, 'in use (BPF, cgroup v2)'),
    // The trace is needed only where there is no ledger, or where the ledger cannot name programs.
    trace === true
      ? ok('trace', 'in use (tracefs)')
      : ledger === true
        ? info('trace', trace)
        : missing('trace', trace),
    info('namespaces', `${counted(namespaces, 'network namespace')} read`),
  ];
}
