import { LIMIT, ONE_RECORD, type Proc } from './proc.ts';

/**
 * The line of TCP in /proc/net/sockstat. `orphan` and `alloc` are counts of the whole machine, even when read inside a
 * network namespace (net/ipv4/proc.c).
 */
const TCP = /^TCP: inuse \d+ orphan (\d+) tw \d+ alloc (\d+) /m;

/** The number of sockets of all kinds in the namespace. */
const USED = /^sockets: used \d+/m;

/** Counts of netpane's own network namespace; each is undefined if it cannot be read. */
export interface Sockstat {
  /** Changes with the number of sockets of all kinds. */
  readonly used: string | undefined;
  /** TCP sockets of the machine without orphans. */
  readonly heldTcp: number | undefined;
}

/** Reads the kernel's counts of sockets. */
export function readSockstat(proc: Proc): Sockstat {
  const read = proc.latin1('net/sockstat', LIMIT.process, ONE_RECORD);
  const text = 'value' in read ? read.value : '';
  const [, orphans, allocated] = TCP.exec(text) ?? [];
  return {
    used: USED.exec(text)?.[0],
    heldTcp: allocated === undefined ? undefined : Number(allocated) - Number(orphans),
  };
}
