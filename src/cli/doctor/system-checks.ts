import type { Bounds } from '../../model/bounds.ts';
import type { LinuxFacts, SystemFacts } from '../../model/system.ts';
import { counted, countText } from '../../model/text.ts';
import { type Check, info, missing, ok, okOr } from './check.ts';

/** The remedy for everything that needs root. */
const AS_ROOT = 'run with sudo, or grant capabilities: docs/security.md';

/** Versions and names that Node reports. */
export interface Identity {
  readonly netpane: string;
  readonly node: string;
  readonly system: string;
  readonly kernel: string;
  readonly architecture: string;
  readonly host: string;
  readonly user: string;
  readonly isRoot: boolean;
  /** The user who called sudo and whose files are used; undefined without sudo. */
  readonly filesOf: string | undefined;
}

/** Returns the checks about netpane itself, its user, and what the system allows. */
export function systemChecks(identity: Identity, { koffi, linux }: SystemFacts): Check[] {
  const { netpane, node, system, kernel, architecture, host, user, isRoot, filesOf } = identity;
  const files = filesOf === undefined ? '' : `, with the files of ${filesOf}`;
  return [
    info('netpane', `netpane ${netpane}, Node ${node}`),
    info('system', `${system} ${kernel} ${architecture}, host ${host}`),
    isRoot || linux === undefined
      ? ok('user', `${user}${files}`)
      : info('user', `${user}: programs of other users are hidden from it`),
    ...(linux ? linuxChecks(linux) : []),
    okOr('koffi', koffi, 'loaded', 'reinstall netpane with its optional packages'),
  ];
}

function linuxChecks(linux: LinuxFacts): Check[] {
  const { capabilities, lackedCapabilities: lacked, container, isInUserNamespace, isInPidNamespace } = linux;
  return [
    lacked.length === 0
      ? ok('capabilities', capabilities)
      : missing('capabilities', `${lacked.join(' ')} (effective: ${capabilities})`, AS_ROOT),
    info('container', container ?? 'none found'),
    isInUserNamespace
      ? missing('user namespace', 'netpane is in one: its rights end there', 'run it as root outside of it')
      : ok('user namespace', 'the initial one'),
    isInPidNamespace
      ? missing(
          'pid namespace',
          'netpane is in one: it sees only the processes there',
          'run it outside of it',
        )
      : ok('pid namespace', 'the initial one'),
  ];
}

/** Returns the checks of what netpane uses besides the sockets: closing them, packages, Landlock. */
export function facilityChecks({ linux }: SystemFacts): Check[] {
  if (linux === undefined) return [];
  const { closeSockets, names, packageDatabases, landlockAbi, confinement } = linux;
  return [
    okOr('close sockets', closeSockets, 'possible (SOCK_DESTROY)'),
    okOr('names', names, 'captured from DNS, TLS and QUIC if you ask for them (--names)', AS_ROOT),
    packageDatabases.length > 0
      ? ok('packages', packageDatabases.join(', '))
      : missing('packages', 'no database of dpkg, apk, pacman or rpm: the details name no package'),
    info(
      'landlock',
      landlockAbi === undefined
        ? 'unknown without koffi'
        : `${landlockAbi === 0 ? 'this kernel has none, or it is off' : `ABI ${landlockAbi}`}; netpane does not use it`,
    ),
    okOr(
      'confinement',
      confinement,
      'the sampling thread of the screen changes no files, runs no programs, does not connect',
    ),
  ];
}

/** Returns the checks of limits. */
export function limitChecks({ linux }: SystemFacts, bounds: Bounds, memoryBytes: number): Check[] {
  const files = linux?.openFiles;
  return [
    ...(files ? [info('open files', limitText(files))] : []),
    info(
      'memory',
      `${countText(Math.round(memoryBytes / 1e6))} MB for the machine or control group: at most ` +
        `${counted(bounds.sockets, 'socket')}, ${counted(bounds.events, 'event')}`,
    ),
  ];
}

const limitText = ({ soft, hard }: { soft: string; hard: string }): string =>
  soft === hard ? `at most ${soft}` : `at most ${soft}, which netpane may raise to ${hard}`;
