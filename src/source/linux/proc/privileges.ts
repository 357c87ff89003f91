import type { Proc } from './proc.ts';

/** Bits of capabilities(7), include/uapi/linux/capability.h. */
const CAPABILITIES = {
  CAP_DAC_READ_SEARCH: 2n,
  CAP_KILL: 5n,
  CAP_NET_ADMIN: 12n,
  CAP_NET_RAW: 13n,
  CAP_SYS_PTRACE: 19n,
  CAP_SYS_ADMIN: 21n,
  CAP_PERFMON: 38n,
  CAP_BPF: 39n,
} as const;
export type Capability = keyof typeof CAPABILITIES;

/** Links of the machine's initial namespaces: PROC_USER_INIT_INO and PROC_PID_INIT_INO, include/linux/proc_ns.h. */
const FIRST_USER_NAMESPACE = 'user:[4026531837]';
export const FIRST_PID_NAMESPACE = 'pid:[4026531836]';

/** The remedy for an ordinary user without a capability. */
export const SUDO = 'run with sudo';

/** Privileges of netpane and the namespaces it runs in, as the kernel reports them. Notices give them as reasons. */
export interface Privileges {
  readonly isRoot: boolean;
  /** Error of reading /proc/self; undefined if it can be read. */
  readonly procFailure: string | undefined;
  /** True outside the initial user namespace: capabilities are valid only inside then. False if unknown. */
  readonly isInUserNamespace: boolean;
  /** True outside the initial pid namespace: the processes of the machine are not visible. False if unknown. */
  readonly isInPidNamespace: boolean;
  /** Effective capabilities; undefined if unknown. */
  readonly capabilities: ReadonlySet<Capability> | undefined;
}

/** Reads the privileges of netpane from /proc/self. */
export function readPrivileges(proc: Proc, isRoot: boolean): Privileges {
  const user = proc.link('self/ns/user');
  const pid = proc.link('self/ns/pid');
  const own = proc.stat('self');
  const status = proc.text('self/status');
  return {
    isRoot,
    procFailure: 'failed' in own ? own.message : undefined,
    isInUserNamespace: 'value' in user && user.value !== FIRST_USER_NAMESPACE,
    isInPidNamespace: 'value' in pid && pid.value !== FIRST_PID_NAMESPACE,
    capabilities: 'value' in status ? parseCapabilities(status.value) : undefined,
  };
}

/** Returns the effective capabilities in the text of /proc/PID/status; undefined without a valid CapEff line. */
export function parseCapabilities(status: string): ReadonlySet<Capability> | undefined {
  const digits = /^CapEff:\s+([0-9a-f]{1,16})$/m.exec(status)?.[1];
  if (digits === undefined) return undefined;
  const bits = BigInt(`0x${digits}`);
  const names = Object.entries(CAPABILITIES) as [Capability, bigint][];
  return new Set(names.filter(([, bit]) => ((bits >> bit) & 1n) === 1n).map(([name]) => name));
}

/**
 * Returns why netpane cannot see something of other programs, with the remedy if there is one, as a clause.
 * @param needed capabilities that make it visible
 * @returns undefined if no missing privilege explains it
 */
export function whyUnseen(
  { isRoot, procFailure, isInUserNamespace, isInPidNamespace, capabilities }: Privileges,
  needed: readonly Capability[],
): string | undefined {
  if (procFailure !== undefined) return '/proc cannot be read';
  const missing = capabilities && needed.filter((name) => !capabilities.has(name));
  const isLacking = missing === undefined ? !isRoot : missing.length > 0;
  if (isInUserNamespace) return 'netpane runs in a user namespace: run it as root outside of it';
  if (isLacking && !isRoot) return SUDO;
  if (missing !== undefined && missing.length > 0)
    return `netpane runs as root without ${missing.join(' and ')}`;
  if (isInPidNamespace) return 'netpane runs in a pid namespace: run it outside of this container';
  return undefined;
}
