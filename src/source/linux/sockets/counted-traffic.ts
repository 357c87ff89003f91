import type { Protocol, Traffic } from '../../../model/socket.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { trafficOf } from '../ledger/records.ts';

/** Protocols whose sockets have no counters of their own: the ledger counts their traffic. */
const COUNTED: ReadonlySet<Protocol> = new Set<Protocol>(['udp', 'udplite', 'raw']);

const NO_TRAFFIC: Traffic = {};
const NONE_YET = trafficOf(undefined);

/** The traffic that the ledger counts, as part of the sockets of a poll. */
export class CountedTraffic {
  readonly #ledger: Ledger | undefined;

  /** @param ledger undefined if there is none: nothing is counted */
  constructor(ledger: Ledger | undefined) {
    this.#ledger = ledger?.noTrafficReason === undefined ? ledger : undefined;
  }

  /** Returns the traffic of a new socket: all 0 if it is counted, empty if it is not. */
  ofNew(protocol: Protocol): Traffic {
    return this.#ledger && COUNTED.has(protocol) ? NONE_YET : NO_TRAFFIC;
  }

  /**
   * Calls a function for each counted socket.
   * @param slotOf returns the slot of a socket by the halves of its cookie
   */
  read(
    slotOf: (low: number, high: number) => number | undefined,
    onTraffic: (slot: number, traffic: Traffic) => void,
  ): void {
    this.#ledger?.readCounters((low, high, counters) => {
      const slot = slotOf(low, high);
      if (slot !== undefined) onTraffic(slot, trafficOf(counters));
    });
  }
}
