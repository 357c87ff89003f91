import { closeSync, openSync, readSync } from 'node:fs';

/** The values of TCP in `snmp`, after the line with their names, and the number of sockets in `sockstat` (net/ipv4/proc.c). */
const TCP_VALUES = /^Tcp: \d.*/m;
const SOCKETS_USED = /^sockets: used \d+/m;

/** More bytes than either file has. */
const BUFFER = Buffer.alloc(16 * 1024);

/**
 * What the kernel counts in one network namespace: the TCP segments sent and received, the connections opened and
 * established, and the sockets of all kinds. Its files show the namespace of the thread that opened them.
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

  /** Returns a text of the counters, which differs if any of them does; undefined if they cannot be read. */
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
