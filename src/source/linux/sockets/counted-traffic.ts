import type { Endpoint, Protocol, Socket, Traffic } from '../../../model/socket.ts';
import { Cache } from '../../../model/cache.ts';
import { cookieOf, type Ledger, type OnCounters } from '../ledger/ledger.ts';
import type { Cookie } from '../netlink/cookie.ts';
import { trafficOf } from '../ledger/records.ts';

/** Protocols whose sockets have no counters of their own: the ledger counts their traffic. */
const COUNTED: ReadonlySet<Protocol> = new Set<Protocol>(['udp', 'udplite', 'raw', 'icmp']);

/** Fields of a socket that the ledger fills in. */
type Counted = Pick<Socket, 'traffic' | 'peers'>;

const NO_TRAFFIC: Traffic = {};
const NOT_COUNTED: Counted = {};
const NONE_YET = trafficOf(undefined);

/**
 * Maximum number of open sockets whose counters are looked up one by one. Reading the whole maps takes 0.4 ms even for four
 * sockets: a tenth of a poll at rest.
 */
const MAX_LOOKED_UP = 64;

/** Maximum number of sockets from /proc whose cookie is kept. */
const MAX_COOKIES = 1000;

/** The traffic that the ledger counts, as part of the sockets of a poll. */
export class CountedTraffic {
  readonly #ledger: Ledger | undefined;
  readonly #cookieOf: (inode: number) => Cookie | undefined;
  readonly #cookies = new Cache<number, Cookie>(MAX_COOKIES);
  /** Ids of the counted sockets that are open. */
  readonly #open = new Set<string>();

  /**
   * @param ledger undefined if there is none: nothing is counted
   * @param cookieOf returns the cookie of a socket by its inode; undefined if its holder is unknown
   */
  constructor(ledger: Ledger | undefined, cookieOf: (inode: number) => Cookie | undefined = () => undefined) {
    this.#ledger = ledger?.noTrafficReason === undefined ? ledger : undefined;
    this.#cookieOf = cookieOf;
  }

  /**
   * Returns traffic and peers of a socket that is read from /proc, without its cookie: a ping socket, and others on a kernel
   * whose sock_diag does not list them. Empty if it is not counted or its cookie is unknown.
   */
  ofListed(protocol: Protocol, inode: number | undefined): Counted {
    if (this.#ledger === undefined || inode === undefined || !COUNTED.has(protocol)) return NOT_COUNTED;
    const cookie = this.#cookies.get(inode) ?? this.#cookieOf(inode);
    if (cookie === undefined) return NOT_COUNTED;
    this.#cookies.set(inode, cookie);
    const { counters, peers = [] } = this.#ledger.countersOf(cookie) ?? {};
    return { traffic: trafficOf(counters), ...(peers.length > 0 && { peers }) };
  }

  /** Returns the traffic of a new socket: all 0 if it is counted, empty if it is not. */
  ofNew(protocol: Protocol): Traffic {
    return this.#ledger && COUNTED.has(protocol) ? NONE_YET : NO_TRAFFIC;
  }

  /** Returns a socket that has closed with its final traffic; undefined if it is not counted, or its close message has come. */
  ended(socket: Socket): Socket | undefined {
    const { id, inode } = socket;
    if (this.#ledger === undefined || !isCounted(socket)) return undefined;
    const cookie = cookieOf(id) ?? (inode === undefined ? undefined : this.#cookies.get(inode));
    const counted = cookie && this.#ledger.countersOf(cookie);
    return counted && { ...socket, traffic: { ...socket.traffic, ...trafficOf(counted.counters) } };
  }

  /** Applies a change of one socket. @param before undefined for a new socket @param now undefined for a closed one */
  update(before: Socket | undefined, now: Socket | undefined): void {
    if (now && isCounted(now)) this.#open.add(now.id);
    else if (before && isCounted(before)) this.#open.delete(before.id);
  }

  /**
   * Calls a function for each counted socket. Reads nothing while none is open.
   * @param slotOf returns the caller's slot of a socket by the halves of its cookie; undefined to skip it
   * @param onTraffic `readPeers` returns the last peers; it must not be called after `onTraffic` has returned
   */
  read(
    slotOf: (low: number, high: number) => number | undefined,
    onTraffic: (slot: number, traffic: Traffic, readPeers: () => readonly Endpoint[]) => void,
  ): void {
    if (this.#ledger === undefined || this.#open.size === 0) return;
    const onCounters: OnCounters = (low, high, counters, readPeers) => {
      const slot = slotOf(low, high);
      if (slot !== undefined) onTraffic(slot, trafficOf(counters), readPeers);
    };
    if (this.#open.size <= MAX_LOOKED_UP) this.#ledger.readCountersOf(this.#open, onCounters);
    else this.#ledger.readCounters(onCounters);
  }
}

const isCounted = ({ protocol }: Socket): boolean => COUNTED.has(protocol);
