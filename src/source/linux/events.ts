import { isAnyAddress, unmapped } from '../../model/address.ts';
import type { Coverage } from '../../model/event.ts';
import { addActors } from '../../model/owners.ts';
import type { Direction, Endpoint, Owner, Socket, SocketState } from '../../model/socket.ts';
import type { EventSource, KernelEvent, Leftovers } from '../types.ts';
import { Actors } from './actors.ts';
import type { Attribution, Listeners } from './attribution.ts';
import type { ClosedSocket } from './netlink/closes.ts';
import { decodeAddresses, decodeTraffic, findInfo, INET, isRemnantAt, sockIdOf } from './netlink/inet.ts';
import { decodeOpened } from './netlink/opened.ts';
import { cookieId } from './netlink/slots.ts';
import { LITTLE_ENDIAN } from './netlink/wire.ts';
import type { Network } from './network.ts';
import { makeSocket } from './make-socket.ts';
import type { Proc } from './proc.ts';
import { Senders } from './senders.ts';
import type { RouteRecord, StateRecord, TraceRecord } from './trace/records.ts';

/** The trace of the kernel, or what plays it in a test: see trace/trace.ts. */
export interface TraceReader {
  readonly leftovers: Leftovers;
  readonly failure: string | undefined;
  /** Where it records less than asked for: a clause. */
  readonly notice: string | undefined;
  readonly problems: number;
  nowMs(): number;
  stopRoutes(): void;
  drain(): TraceRecord[];
  takeLost(): number;
  close(): void;
}

export interface LinuxEventsOptions {
  readonly networks: () => Iterable<Network>;
  /** Inode of the network namespace of a process; undefined when unknown. */
  readonly namespaceOf: (pid: number) => number | undefined;
  readonly attribution: Attribution;
  /** The listeners of the last reading. */
  readonly listeners: () => Listeners;
  readonly proc: Proc;
  /** The trace, or why there is none: a clause. */
  readonly trace: TraceReader | string;
  /** Milliseconds on the clock of the sampler, which never jumps. */
  readonly nowMs: () => number;
  /** Wall-clock time, milliseconds since 1970. */
  readonly wallMs: () => number;
}

/** While a reading goes on, what the kernel tells is taken in so often, milliseconds. */
const COLLECT_MS = 10;

/** The kernel's last word of a socket comes a moment after the trace of its end; so long it is waited for. */
const LAST_WORD_MS = 250;

/** The parent of all threads of the kernel, which are in its first namespaces (kernel/kthread.c, kthreadd). */
const KERNEL_THREADS = 2;

/** States that a program puts its socket into; in all others it may be somebody else who runs. */
const ACTIVE = new Set<SocketState>(['SYN_SENT', 'LISTEN', 'FIN_WAIT1', 'LAST_ACK']);

/** Who opens a connection that begins in this state. */
const OPENED: Partial<Record<SocketState, Direction>> = { SYN_SENT: 'out', SYN_RECV: 'in' };

/** The peer has sent its FIN, which the kernel counts as a byte received. */
const AFTER_FIN = new Set<SocketState>(['CLOSE_WAIT', 'LAST_ACK', 'CLOSING']);

interface Step {
  readonly atMs: number;
  readonly was: SocketState;
  readonly now: SocketState;
  readonly owners: readonly Owner[] | undefined;
}

/** A TCP socket that the trace tells of, which names it by its address in the kernel. */
interface Traced {
  readonly family: 'ipv4' | 'ipv6';
  local: Endpoint;
  remote: Endpoint | null;
  /** Who began the connection, where that was seen. */
  readonly opened: Direction | undefined;
  /** Who was seen doing something with it. */
  owners: readonly Owner[] | undefined;
  /** When it was made; undefined for one that was there before. */
  readonly bornMs: number | undefined;
  /** Its name everywhere else, once that is known. */
  id: string | undefined;
  /** The key of a listener in `#listening`. */
  listensAt: string | undefined;
  /** That it is there has been told. */
  isTold: boolean;
  peerHasEnded: boolean;
  /** What it did that is not yet told. */
  steps: Step[];
}

interface Ended {
  readonly traced: Traced;
  readonly id: string;
  readonly atMs: number;
}

/** @param netns inode of a network namespace */
const listenKey = (netns: number | undefined, { address, port }: Endpoint): string =>
  `${netns} ${isAnyAddress(address) ? '*' : unmapped(address)} ${port}`;

const TOO_MANY_PACKETS =
  'programs of short UDP sockets are not told: there are too many packets to look each of them up';

const differ = (one: number, other: number): boolean => one !== 0 && other !== 0 && one !== other;

/**
 * True where ports tell that what was traced is not this socket: where the trace lost events, the end of the one before
 * and the beginning of this one may be among them. A port of 0 is not known.
 */
const isAnother = ({ local, remote }: Traced, localPort: number, remotePort: number): boolean =>
  differ(local.port, localPort) || differ(remote?.port ?? 0, remotePort);

const NOBODY: readonly Owner[] = [{ knowledge: 'gone' }];
const PENDING: readonly Owner[] = [{ knowledge: 'pending' }];

/**
 * What happens between two readings: the kernel's word of every socket that it destroys, for any user; and its trace of
 * all states, with who was running, for root. Both name a socket by its cookie in the end, as the readings do.
 */
export class LinuxEvents implements EventSource {
  readonly #options: LinuxEventsOptions;
  readonly #actors: Actors;
  /** What to add to the clock of the trace. */
  #traceOffsetMs = 0;
  #trace: TraceReader | undefined;
  #noTrace: string | undefined;
  readonly #traced = new Map<number, Traced>();
  /** Sockets with steps to tell. */
  readonly #moved = new Set<Traced>();
  /** Listeners that no reading may have seen yet, by namespace, address and port. */
  readonly #listening = new Map<string, Traced>();
  /** Sockets whose last word is still to come, by id. */
  readonly #ending = new Map<string, Ended>();
  readonly #senders: Senders;
  #collectedMs = -Infinity;
  /** Closes that only the trace told of: their last words are among those lost. */
  #wordless = 0;
  /** Last words that were lost, and that the trace may still tell of; those lost first come first. */
  #missed: { readonly atMs: number; count: number }[] = [];
  #told: KernelEvent[] = [];
  /** Records that came while /proc was read: they are taken at the next drain. */
  #held: readonly TraceRecord[] = [];

  constructor(options: LinuxEventsOptions) {
    this.#options = options;
    this.#actors = new Actors(options.proc, options.attribution.owners);
    this.#senders = new Senders(this.#actors.networkOf(KERNEL_THREADS)?.netns);
    const { trace } = options;
    if (typeof trace === 'string') this.#noTrace = trace;
    else {
      this.#trace = trace;
      this.#traceOffsetMs = options.nowMs() - trace.nowMs();
    }
  }

  get coverage(): Coverage {
    if (this.#trace) {
      const why = this.#senders.isStopped ? TOO_MANY_PACKETS : this.#trace.notice;
      return { level: 'changes', ...(why !== undefined && { why }) };
    }
    const hasCloses = [...this.#options.networks()].some(({ closes }) => closes !== undefined);
    const why = this.#noTrace ?? '';
    return hasCloses
      ? { level: 'closes', why }
      : { level: 'polls', why: `this kernel does not tell of closed sockets; ${why}` };
  }

  get leftovers(): Leftovers | undefined {
    return this.#trace?.leftovers;
  }

  /** Messages of the kernel that made no sense, since the start. */
  get problems(): number {
    let problems = this.#trace?.problems ?? 0;
    for (const { closes } of this.#options.networks()) problems += closes?.problems ?? 0;
    return problems;
  }

  collect(): void {
    if (this.#options.nowMs() - this.#collectedMs >= COLLECT_MS) this.#collect();
  }

  close(): void {
    this.#trace?.close();
  }

  drain(): readonly KernelEvent[] {
    const { nowMs } = this.#options;
    this.#collect();
    const startMs = nowMs();
    this.#readTrace();
    for (const network of this.#options.networks()) {
      for (const closed of network.closes?.take() ?? []) this.#end(network, closed);
    }
    this.#senders.settle();
    for (const traced of this.#moved) this.#tellLiving(traced);
    this.#moved.clear();
    for (const ended of this.#ending.values()) {
      if (startMs - ended.atMs < LAST_WORD_MS) break;
      this.#endWordless(ended);
    }
    this.#tellLost(startMs);
    const told = this.#told;
    this.#told = [];
    return told.sort((one, other) => one.atMs - other.atMs);
  }

  #collect(): void {
    const { networks, nowMs, wallMs } = this.#options;
    this.#collectedMs = nowMs();
    for (const { closes } of networks()) closes?.collect(this.#collectedMs, wallMs());
  }

  #readTrace(): void {
    const trace = this.#trace;
    if (trace === undefined) return;
    const records = [...this.#held, ...trace.drain()];
    const lostBefore = trace.takeLost();
    // What was known of who is who may be of others by now; and so may be what the rest of the records tell of that.
    if (lostBefore > 0) this.#forget();
    // Records that come while /proc is read tell whether /proc still describes the program that acted.
    this.#held = this.#actors.read(records) ? trace.drain() : [];
    const lost = lostBefore + trace.takeLost();
    this.#actors.expect(this.#held.length > 0 ? [...records, ...this.#held] : records, lost === 0);
    for (const record of records) {
      // What a process made by a fork became may be among what was lost: it is looked up.
      if (lost === 0 || record.type !== 'task') this.#take(record);
    }
    if (lost > 0) {
      this.#forget();
      this.#told.push({ type: 'gap', atMs: this.#options.nowMs(), missed: lost, learntBy: 'trace' });
    }
    this.#actors.forget(trace.nowMs());
    if (this.#senders.isTooMuch(this.#options.nowMs())) trace.stopRoutes();
    if (trace.failure === undefined) return;
    trace.close();
    this.#forget();
    this.#trace = undefined;
    this.#noTrace = `the trace of the kernel broke off: ${trace.failure}`;
  }

  /** Forgets who is who, and which socket is where in the kernel. */
  #forget(): void {
    this.#actors.clear();
    this.#traced.clear();
    this.#listening.clear();
    this.#senders.clear();
  }

  #take(record: TraceRecord): void {
    switch (record.type) {
      case 'task':
        this.#actors.make(record);
        break;
      case 'exec':
        this.#actors.become(record);
        break;
      case 'rename':
        this.#actors.rename(record);
        break;
      case 'exit':
        this.#actors.end(record);
        break;
      case 'state':
        this.#step(record);
        break;
      case 'destroy': {
        const traced = this.#letGo(record.sk);
        if (traced === undefined) break;
        const { id } = record;
        traced.id = id;
        this.#ending.set(id, { traced, id, atMs: record.atMs + this.#traceOffsetMs });
        break;
      }
      case 'route':
        this.#route(record);
    }
  }

  #step(record: StateRecord): void {
    const { sk, family, was, now, localAddress, localPort, remoteAddress, remotePort } = record;
    const atMs = record.atMs + this.#traceOffsetMs;
    // One that connects to another that connects to it has a SYN_RECV too.
    const isBirth = was === 'CLOSE' || (now === 'SYN_RECV' && was !== 'SYN_SENT');
    const before = this.#traced.get(sk);
    if (isBirth || (before && isAnother(before, localPort, remotePort))) this.#letGo(sk);
    let traced = this.#traced.get(sk);
    if (traced === undefined) {
      traced = {
        family,
        local: { address: localAddress, port: localPort },
        remote: null,
        opened: isBirth ? OPENED[now] : undefined,
        owners: undefined,
        bornMs: isBirth ? atMs : undefined,
        id: undefined,
        listensAt: undefined,
        isTold: false,
        peerHasEnded: false,
        steps: [],
      };
      this.#traced.set(sk, traced);
    }
    // One that connects has no port of its own at first; one that is reset has none at last.
    if (localPort !== 0) traced.local = { address: localAddress, port: localPort };
    if (remotePort !== 0) traced.remote = { address: remoteAddress, port: remotePort };
    if (AFTER_FIN.has(now)) traced.peerHasEnded = true;
    const owners = record.inProcess && ACTIVE.has(now) ? this.#actors.ownersOf(record.tid) : undefined;
    if (owners) traced.owners = addActors(traced.owners, owners);
    // That it is closed is told when it ends; an unfinished handshake has nothing to tell of that.
    if (now === 'CLOSE') return;
    if (now === 'LISTEN') this.#listen(traced);
    traced.steps.push({ atMs, was, now, owners: owners && traced.owners });
    this.#moved.add(traced);
  }

  #listen(traced: Traced): void {
    const pid = traced.owners?.[0]?.pid;
    const namespace = pid === undefined ? undefined : this.#options.namespaceOf(pid);
    if (namespace === undefined) return;
    traced.listensAt = listenKey(namespace, traced.local);
    this.#listening.set(traced.listensAt, traced);
  }

  /** What was at this address in the kernel is no more, or begins anew. @returns it, where it was known */
  #letGo(sk: number): Traced | undefined {
    const traced = this.#traced.get(sk);
    if (traced === undefined) return undefined;
    this.#traced.delete(sk);
    this.#moved.delete(traced);
    if (traced.listensAt !== undefined && this.#listening.get(traced.listensAt) === traced)
      this.#listening.delete(traced.listensAt);
    return traced;
  }

  #route(record: RouteRecord): void {
    const { tid, inProcess, localPort } = record;
    if (this.#senders.isStopped) return;
    this.#senders.count();
    const owners = inProcess && localPort !== 0 ? this.#actors.ownersOf(tid) : undefined;
    if (owners) this.#senders.add(record, owners, this.#actors.networkOf(tid));
  }

  /** Tells what a living socket did. */
  #tellLiving(traced: Traced): void {
    const { id } = traced;
    if (id !== undefined) {
      this.#tellSteps(traced, id);
      return;
    }
    const socket = this.#find(traced);
    if (socket === undefined) return;
    traced.id = socket.id;
    this.#tellSteps(traced, socket.id, socket);
  }

  /** Tells what a socket did since that was told last. @param socket what it is; known where it is told of first */
  #tellSteps(traced: Traced, id: string, socket?: Socket): void {
    const { bornMs, isTold, steps } = traced;
    const first = isTold || bornMs === undefined ? undefined : steps.shift();
    if (first && socket && bornMs !== undefined)
      this.#told.push({
        type: 'appeared',
        atMs: bornMs,
        socket: { ...socket, state: first.now },
        learntBy: 'trace',
      });
    for (const { atMs, was, now, owners } of steps)
      this.#told.push({ type: 'state', atMs, id, was, now, ...(owners && { owners }), learntBy: 'trace' });
    traced.isTold = true;
    traced.steps = [];
  }

  /** Asks the kernel for a living socket. @returns undefined where it cannot be found */
  #find({ family, local, remote, opened, steps, owners }: Traced): Socket | undefined {
    const { attribution, namespaceOf, networks, wallMs } = this.#options;
    const isListener = steps[0]?.now === 'LISTEN';
    if (local.port === 0 || (remote === null && !isListener)) return undefined;
    const sockId = sockIdOf(local, remote ?? { address: local.address, port: 0 });
    const pid = owners?.[0]?.pid;
    const namespace = pid === undefined ? undefined : namespaceOf(pid);
    let socket: Socket | undefined;
    for (const network of networks()) {
      if (namespace === undefined ? !network.isOwn : network.inode !== namespace) continue;
      network.findTcp(family, sockId, (buffer, start, end) => {
        const addresses = decodeAddresses(buffer, start, 'tcp');
        if (addresses === undefined || (addresses.state === 'LISTEN') !== isListener) return;
        // What is left of it has another id.
        if (isRemnantAt(buffer, start)) return;
        const { view } = buffer;
        const info = { start: 0, end: 0 };
        findInfo(buffer, start, end, info);
        const inode = view.getUint32(start + INET.inode, LITTLE_ENDIAN);
        socket = makeSocket(
          {
            slot: -1,
            network,
            protocol: 'tcp',
            id: cookieId(buffer, start + INET.cookie),
            addresses,
            uid: view.getUint32(start + INET.uid, LITTLE_ENDIAN),
            inode,
            interfaceIndex: view.getUint32(start + INET.interface, LITTLE_ENDIAN),
            traffic: decodeTraffic(buffer, start, info, wallMs()),
            timer: undefined,
            opened: opened ?? decodeOpened(buffer, start, info),
            tcp: undefined,
          },
          undefined,
          owners ?? this.#ownersOf(network, local, inode),
          attribution,
        );
      });
    }
    return socket;
  }

  /** Who is behind a TCP socket that nobody was seen to do anything with. @param inode of one that lives, or 0 */
  #ownersOf(network: Network, local: Endpoint, inode = 0): readonly Owner[] {
    const { attribution, listeners } = this.#options;
    const exact = inode > 0 ? attribution.owners.of(inode) : undefined;
    if (exact) return exact;
    const owned = { protocol: 'tcp', local, netns: network.inode } as const;
    const known = attribution.ownersOf(owned, undefined, listeners);
    if (known[0]?.pid !== undefined) return known;
    const fresh =
      this.#listening.get(listenKey(network.inode, local)) ??
      this.#listening.get(listenKey(network.inode, { address: '0.0.0.0', port: local.port }));
    if (fresh?.owners) return fresh.owners.map((owner) => ({ ...owner, knowledge: 'listener' as const }));
    // Somebody holds one that lives, whom the next reading looks for.
    return inode > 0 ? PENDING : known;
  }

  /** User of the listener that a TCP socket came by, where there is one. */
  #listenerUid(network: Network, local: Endpoint): number | undefined {
    return this.#options.listeners().uidOf({ protocol: 'tcp', local, netns: network.inode });
  }

  /** The kernel has destroyed a socket. */
  #end(network: Network, closed: ClosedSocket): void {
    const { id, protocol, addresses } = closed;
    const ended = this.#ending.get(id);
    this.#ending.delete(id);
    // One that was never bound has done nothing.
    if (addresses.local.port === 0 && ended === undefined) return;
    const traced =
      ended && isAnother(ended.traced, addresses.local.port, addresses.remote?.port ?? 0)
        ? undefined
        : ended?.traced;
    // Of the side that closes last nothing is left.
    const remnant = traced?.steps.at(-1)?.now === 'LAST_ACK' ? {} : this.#remnantOf(network, closed);
    // What the trace saw comes first: of a connection that was reset, or never made, the kernel has forgotten half.
    const local = traced && traced.local.port !== 0 ? traced.local : addresses.local;
    const peer = addresses.remote?.port === 0 ? null : addresses.remote;
    const remote = traced?.remote ?? peer;
    const owners =
      traced?.owners ??
      (protocol === 'tcp'
        ? this.#ownersOf(network, local)
        : this.#senders.take({ netns: network.inode ?? -1, family: addresses.family, local, remote }, () =>
            network.hasUdp(addresses.family, closed.sockId),
          ));
    const lastState = traced?.steps.at(-1)?.now;
    const state = lastState ?? addresses.state;
    const made = makeSocket(
      {
        slot: -1,
        network,
        protocol,
        id,
        addresses: { family: addresses.family, local, remote, state },
        // Neither is told.
        uid: 0,
        inode: 0,
        interfaceIndex: closed.interfaceIndex,
        traffic: {},
        timer: undefined,
        opened: traced?.opened,
        tcp: undefined,
      },
      undefined,
      owners,
      this.#options.attribution,
    );
    const { traffic: _, ...rest } = made;
    const traffic = trafficOf(closed, remnant.state, traced?.peerHasEnded ?? false);
    // What is accepted belongs to the user of its listener, whom every user is told.
    const uid = protocol === 'tcp' && !traced?.owners ? this.#listenerUid(network, local) : undefined;
    const user = uid === undefined ? undefined : this.#options.attribution.userOf(uid);
    const socket: Socket = {
      ...rest,
      ...(uid !== undefined && { uid }),
      ...(user !== undefined && { user }),
      ...(traffic && { traffic }),
    };
    const atMs = ended?.atMs ?? closed.atMs;
    this.#tellEnd(traced, socket, atMs, {
      learntBy: 'destroy',
      ...(closed.end && { lifetimeMs: closed.end.lifetimeMs, isAtLeast: !closed.end.isFullLifetime }),
      ...(remnant.id !== undefined &&
        remnant.state !== undefined && { remnant: { id: remnant.id, state: remnant.state } }),
    });
  }

  /** The trace told of an end of which the kernel's own word was lost. */
  #endWordless({ traced, id, atMs }: Ended): void {
    this.#ending.delete(id);
    this.#wordless++;
    if (traced.local.port === 0) return;
    const { family, local, remote, opened, owners, steps } = traced;
    const state = steps.at(-1)?.now ?? 'CLOSE';
    const socket: Socket = {
      id,
      protocol: 'tcp',
      family,
      local,
      remote,
      state,
      ...(opened && { opened }),
      owners: owners ?? NOBODY,
    };
    this.#tellEnd(traced, socket, atMs, { learntBy: 'trace' });
  }

  #tellEnd(
    traced: Traced | undefined,
    socket: Socket,
    atMs: number,
    end: Omit<KernelEvent & { type: 'ended' }, 'type' | 'atMs' | 'socket'>,
  ): void {
    if (traced) {
      this.#tellSteps(traced, socket.id, { ...socket, traffic: {} });
      if (traced.bornMs !== undefined) end = { ...end, lifetimeMs: atMs - traced.bornMs, isAtLeast: false };
    }
    this.#told.push({ type: 'ended', atMs, socket, ...end });
  }

  /**
   * What the kernel keeps of a connection that it has destroyed; of a listener that would take one like it only the
   * state.
   */
  #remnantOf(
    network: Network,
    { protocol, addresses, sockId, end }: ClosedSocket,
  ): { id?: string; state?: SocketState } {
    let remnant: { id?: string; state?: SocketState } = {};
    if (protocol !== 'tcp' || addresses.remote === null || end === undefined) return remnant;
    network.findTcp(addresses.family, sockId, (buffer, start) => {
      const state = decodeAddresses(buffer, start, 'tcp')?.state;
      if (state === undefined) return;
      remnant = isRemnantAt(buffer, start)
        ? { id: cookieId(buffer, start + INET.cookie), state }
        : state === 'LISTEN'
          ? { state }
          : {};
    });
    return remnant;
  }

  #tellLost(nowMs: number): void {
    let lost = 0;
    let hasLostSome = false;
    for (const network of this.#options.networks()) {
      const count = network.closes?.takeLost();
      if (count === undefined) hasLostSome ||= network.closes !== undefined;
      else lost += count;
    }
    // Whose port it is may have changed unheard.
    if (lost > 0 || hasLostSome) this.#senders.clear();
    if (hasLostSome) this.#told.push({ type: 'gap', atMs: nowMs, learntBy: 'destroy' });
    if (lost > 0) this.#missed.push({ atMs: nowMs, count: lost });
    // A word is lost before it is given up; what never had one is none of them.
    for (const missed of this.#missed) {
      const told = Math.min(this.#wordless, missed.count);
      missed.count -= told;
      this.#wordless -= told;
    }
    this.#wordless = 0;
    while (this.#missed[0] && (!this.#trace || nowMs - this.#missed[0].atMs >= LAST_WORD_MS)) {
      const { atMs, count } = this.#missed[0];
      this.#missed.shift();
      if (count > 0) this.#told.push({ type: 'gap', atMs, missed: count, learntBy: 'destroy' });
    }
  }
}

/**
 * The counters of a connection as it ended, without the peer's FIN, which the kernel counts as a byte received. Whether
 * one came it does not say; but it came where the peer acknowledged our own FIN and nothing is left of the connection,
 * and where what is left is past waiting for it.
 * @param found state of what has its endpoints now: what is left of it, or the listener that it came by
 * @param peerHasEnded its FIN was seen to come
 */
function trafficOf(
  { traffic, end }: ClosedSocket,
  found: SocketState | undefined,
  peerHasEnded: boolean,
): Socket['traffic'] {
  if (traffic === undefined || end === undefined) return traffic;
  const { rxBytes = 0 } = traffic;
  // The one who connects has its SYN acknowledged as well.
  const signs = found === 'LISTEN' ? 1 : 2;
  const hasFin =
    peerHasEnded ||
    (found === undefined || found === 'LISTEN' ? end.synFinAcked >= signs : found === 'TIME_WAIT');
  return { ...traffic, rxBytes: end.dataSegmentsIn === 0 ? 0 : Math.max(0, rxBytes - Number(hasFin)) };
}
