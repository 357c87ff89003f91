import { closeSync, openSync, readSync } from 'node:fs';

/** The values of TCP in `snmp`, on the line after that with their names (net/ipv4/proc.c). */
const TCP_VALUES = /^Tcp: \d.*/m;

/** The number of sockets in `sockstat` (net/ipv4/proc.c). */
const SOCKETS_USED = /^sockets: used \d+/m;

/** Larger than either file. */
const BUFFER = Buffer.alloc(16 * 1024);

/**
 * The kernel's counters of one network namespace: TCP segments sent and received, connections opened and established,
 * and sockets of all protocols. Each file shows the namespace of the thread that opened it.
 */
export class TcpActivity {
  readonly #descriptors: readonly number[];

  private constructor(descriptors: readonly number[]) {
    this.#descriptors = descriptors;
  }

  /**
   * Opens the counters of the namespace that this thread is in; two descriptors stay open.
   * @param folder `/proc/thread-self/net`
   * @returns undefined if they cannot be opened
   */
  static open(folder: string): TcpActivity | undefined {
    const descriptors: number[] = [];
    try {
      for (const name of ['snmp', 'sockstat']) descriptors.push(openSync(`${folder}/${name}`, 'r'));
      return new TcpActivity(descriptors);
    } catch {
      for (const descriptor of descriptors) closeSync(descriptor);
      return undefined;
    }
  }

  /** Returns a text that changes whenever a counter changes; undefined if the counters cannot be read. */
  read(): string | undefined {
    try {
      const [snmp = '', sockstat = ''] = this.#descriptors.map((descriptor) =>
        BUFFER.toString('latin1', 0, readSync(descriptor, BUFFER, 0, BUFFER.length, 0)),
      );
      const [tcp] = TCP_VALUES.exec(snmp) ?? [];
      const [used] = SOCKETS_USED.exec(sockstat) ?? [];
      return tcp === undefined || used === undefined ? undefined : `${tcp} ${used}`;
    } catch {
      return undefined;
    }
  }

  close(): void {
    for (const descriptor of this.#descriptors) closeSync(descriptor);
  }
}
