import type { Degradation } from '../../model/batch.ts';
import { counted, countText } from '../../model/text.ts';
import type { TableCounts } from './table/table-sockets.ts';

/**
 * Maximum number of sockets that the kernel counts but leaves out because they are being closed
 * (bsd/netinet/in_pcblist.c). If more are missing, macOS withholds them.
 */
export const MAX_CLOSING = 8;

/** macOS 27, the first that withholds sockets of others, is Darwin 26. */
const WITHHOLDING_DARWIN = 26;

/** The system of a notice. */
export interface NoticeContext {
  readonly isRoot: boolean;
  /** Major version of Darwin. */
  readonly darwin: number;
}

/**
 * Returns the number of sockets that macOS withholds. The kernel gives no error: only the count in the header shows it.
 * Before macOS 27 sockets are withheld only if all are: a smaller difference comes from sockets that are being closed.
 */
export function withheldOf(
  { promised, received, malformed, isComplete }: TableCounts,
  { darwin }: NoticeContext,
): number {
  const missing = promised - received - malformed;
  const withholds = received + malformed === 0 || darwin >= WITHHOLDING_DARWIN;
  return isComplete && withholds && missing > MAX_CLOSING ? missing : 0;
}

/** Returns the notice about sockets that macOS withholds. */
export function withheldNotice(count: number, { isRoot }: NoticeContext): Degradation {
  return {
    code: 'withheld',
    text: `macOS withholds ${counted(count, 'socket')} from netpane${isRoot ? ', although it runs as root' : ': sudo may show more'}`,
    short: `${countText(count)} withheld`,
  };
}

/**
 * Returns the notice about tables that could not be read.
 * @param why a clause
 * @param isShown true if the sockets of an earlier poll are shown
 */
export const staleTable = (why: string, isShown: boolean): Degradation => ({
  code: 'stale-list',
  text: `sockets could not be read (${why}): ${isShown ? 'the previous ones' : 'they'} are ${isShown ? '' : 'not '}shown`,
  short: isShown ? 'stale list' : 'list missing',
});

/** Why rows of a list cannot be read, a clause. */
export const ANOTHER_LAYOUT = 'this macOS may have another layout';

/** The table ended too early. */
export const CUT_TABLE: Degradation = {
  code: 'cut-list',
  text: 'the list of sockets ends too early: sockets that it lacks are shown as they were',
  short: 'list cut',
};

/** Returns the notice about rows that could not be read. */
export const malformedRows = (count: number): Degradation => ({
  code: 'unreadable-rows',
  text: `${counted(count, 'row')} of the kernel's list could not be read: ${ANOTHER_LAYOUT}`,
  short: `${countText(count)} unreadable`,
});

/** Returns the notice about owners that are known only by their last use. */
export function lastUsers(count: number, { isRoot }: NoticeContext): Degradation {
  const sockets = counted(count, 'socket');
  return {
    code: 'owners-by-use',
    text:
      `the program of ${sockets} is the last one that used ${count === 1 ? 'it' : 'them'}: ` +
      (isRoot
        ? 'macOS does not show the descriptors of its process'
        : 'run with sudo to see the descriptors of other users'),
    short: `${countText(count)} by last use${isRoot ? '' : ': use sudo'}`,
  };
}

/** The kernel did not list the processes. */
export const NO_PROCESSES: Degradation = {
  code: 'no-processes',
  text: 'macOS does not list the processes: programs are those that last used a socket',
  short: 'no processes',
};

/** Kinds of sockets that this source cannot read. @param kinds their names */
export const missingKinds = (kinds: readonly string[]): Degradation => ({
  code: 'kinds-missing',
  text: `${kinds.join(', ')} sockets are not read on macOS`,
  short: `no ${kinds.join(', ')}`,
});

/** Returns the notices about lines and states in the output of nettop that could not be read. */
export function nettopNotices(unreadable: number, unknownStates: number): Degradation[] {
  return [
    ...(unreadable === 0
      ? []
      : [
          {
            code: 'unreadable-lines',
            text: `${counted(unreadable, 'line')} of the output of nettop could not be read`,
            short: counted(unreadable, 'line unreadable', 'lines unreadable'),
          },
        ]),
    ...(unknownStates === 0
      ? []
      : [
          {
            code: 'unreadable-states',
            text: `nettop prints a state that netpane does not know for ${counted(unknownStates, 'connection')}`,
            short: counted(unknownStates, 'state unknown', 'states unknown'),
          },
        ]),
  ];
}

/** Returns the notice about programs known only by the name that nettop lists. @param why a clause */
export const namesOnly = (why: string): Degradation => ({
  code: 'names-only',
  text: `programs have the names of nettop, which macOS cuts, and neither user nor command line: ${why}`,
  short: 'names cut',
});
