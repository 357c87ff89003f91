import { isExposed } from '../model/exposure.ts';
import { reachOf } from '../model/reach.ts';
import { type Compiling, type Condition, namesTest } from './condition.ts';
import type { Glimpse } from './subject.ts';

/** A term of one fixed word. */
interface FlagRow {
  /** Description in the help; may name an action as its key, see `withKeys` in the view. */
  readonly about: string;
  readonly compile: (compiling: Compiling) => Condition;
  /** The kinds of data that lack the answer: the flag would match nothing there. */
  readonly unknownIn?: readonly Glimpse[];
}

/** Compiles a test of where the remote address reaches, or the local one if there is no remote endpoint. */
const reachTest =
  (reach: 'loopback' | 'private' | 'public'): FlagRow['compile'] =>
  ({ pool }) => {
    const hasReach = pool.cachedTest((text) => reachOf(text) === reach);
    return ({ local, remote }) => hasReach(remote >= 0 ? remote : local);
  };

/** Every flag, in the order of the help. To add one is to add a row, and a row to the table in docs/query.md. */
export const FLAGS = {
  listen: {
    about: 'sockets in state LISTEN, and UDP sockets without a remote endpoint',
    compile: () => (it) => it.listening,
  },
  established: { about: 'connections in state ESTABLISHED', compile: () => (it) => it.established },
  in: { about: 'connections opened by the peer', compile: () => (_, subject) => subject.direction === 'in' },
  out: {
    about: 'connections opened by this machine',
    compile: () => (_, subject) => subject.direction === 'out',
  },
  new: {
    about: 'opened since netpane started, or since {only-new} was pressed',
    unknownIn: ['poll'],
    compile:
      ({ context }) =>
      (_, { baseline, firstSeenMs }) =>
        !baseline && (context.baselineMs === undefined || firstSeenMs > context.baselineMs),
  },
  closed: {
    about: 'closed sockets that are still shown',
    unknownIn: ['poll'],
    compile: () => (_, subject) => subject.mark === 'closed',
  },
  exposed: {
    about: 'listening on an address other than loopback',
    compile:
      () =>
      ({ listening }, { socket }) =>
        listening && isExposed(socket),
  },
  loopback: {
    about: 'the remote address, or the local one if there is none, is loopback',
    compile: reachTest('loopback'),
  },
  private: {
    about: 'the remote (else local) address is private or link-local',
    compile: reachTest('private'),
  },
  public: {
    about: 'the remote (else local) address is public',
    compile: reachTest('public'),
  },
  ipv4: {
    about: 'IPv4 sockets',
    compile: (compiling) => namesTest(compiling, (names) => names.ofSocket('family') === 'ipv4'),
  },
  ipv6: {
    about: 'IPv6 sockets',
    compile: (compiling) => namesTest(compiling, (names) => names.ofSocket('family') === 'ipv6'),
  },
} satisfies Record<string, FlagRow>;

export type Flag = keyof typeof FLAGS;

/** Returns the row of a flag. */
export const flagRow = (flag: Flag): FlagRow => FLAGS[flag];

export const isFlag = (word: string): word is Flag => Object.hasOwn(FLAGS, word);
