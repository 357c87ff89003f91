import {
  type BpfCalls,
  BpfError,
  type MapSpec,
  type OnValue,
  type ProgramSpec,
} from '../../src/source/linux/ledger/bpf.ts';
import {
  COUNTERS,
  ENDPOINTS,
  ENTRY,
  MAX_PEERS,
  PEER,
  SLOT,
  SLOTS,
  TCP_OPERATION,
} from '../../src/source/linux/ledger/layout.ts';
import type { Cookie } from '../../src/source/linux/netlink/cookie.ts';
import type { SocketState } from '../../src/model/socket.ts';
import { AF_INET, STATES } from '../../src/source/linux/netlink/inet.ts';
import { LITTLE_ENDIAN } from '../../src/source/linux/netlink/wire.ts';
import { endpoint } from './fakes.ts';

/** A process as the programs record it. */
export interface FakeActor {
  readonly pid: number;
  readonly tid?: number;
  readonly uid?: number;
  readonly comm: string;
}

/** An entry to put into the ledger. Times are milliseconds of CLOCK_MONOTONIC; endpoints as `127.0.0.1:80`. */
export interface FakeEntry {
  readonly bornMs: number;
  /** Undefined for an accepted socket. */
  readonly creator?: FakeActor;
  readonly releasedMs?: number;
  readonly releaser?: FakeActor;
  /** State when it was released. */
  readonly releasedState?: SocketState;
  readonly tcp?: {
    readonly operation: keyof typeof TCP_OPERATION;
    readonly local: string;
    readonly remote?: string;
  };
}

interface FakeMap {
  readonly spec: MapSpec;
  readonly values: Map<string, DataView>;
}

const keyOf = (low: number, high: number): string => `${high} ${low}`;

/** A fake kernel with bpf(2): its maps have what a test puts into them. */
export class FakeBpf implements BpfCalls {
  /** Fails the loading of these programs, by name. */
  readonly refused = new Map<string, BpfError>();
  /** Fails the creation of maps. */
  mapFailure: BpfError | undefined;
  readonly maps: FakeMap[] = [];
  /** Names of the attached programs. */
  readonly attached: string[] = [];
  /** Open descriptors by number: what each one is. */
  readonly open = new Map<number, string>();
  #descriptor = 100;

  #add(what: string): number {
    this.open.set(++this.#descriptor, what);
    return this.#descriptor;
  }

  createMap(spec: MapSpec): number {
    if (this.mapFailure) throw this.mapFailure;
    this.maps.push({ spec, values: new Map() });
    return this.#add(`map ${this.maps.length - 1}`);
  }

  loadProgram({ name }: ProgramSpec): number {
    const failure = this.refused.get(name);
    if (failure) throw failure;
    return this.#add(`program ${name}`);
  }

  attach(program: number): number {
    const name = this.open.get(program)?.slice('program '.length) ?? '';
    this.attached.push(name);
    return this.#add(`link ${name}`);
  }

  #mapOf(descriptor: number): FakeMap {
    const map = this.maps[Number(this.open.get(descriptor)?.slice('map '.length))];
    if (map === undefined) throw new Error(`no map ${descriptor}`);
    return map;
  }

  lookUp(map: number, low: number, high: number, isTaken: boolean): DataView | undefined {
    const { values } = this.#mapOf(map);
    const value = values.get(keyOf(low, high));
    if (isTaken) values.delete(keyOf(low, high));
    return value;
  }

  valueAt(map: number, index: number): DataView | undefined {
    const { values, spec } = this.#mapOf(map);
    return values.get(keyOf(index, 0)) ?? new DataView(new ArrayBuffer(spec.valueLength));
  }

  setValueAt(map: number, index: number, value: Uint8Array): void {
    this.#mapOf(map).values.set(keyOf(index, 0), new DataView(value.slice().buffer));
  }

  readAll(map: number, _valueLength: number, onValue: OnValue, usedAt?: number): void {
    for (const [key, value] of this.#mapOf(map).values) {
      if (usedAt !== undefined && value.getBigUint64(usedAt, LITTLE_ENDIAN) === 0n) continue;
      const [high, low] = key.split(' ').map(Number);
      onValue(low ?? 0, high ?? 0, value);
    }
  }

  removeAll(map: number, cookies: readonly Cookie[]): number {
    const { values } = this.#mapOf(map);
    return cookies.filter(({ low, high }) => values.delete(keyOf(low, high))).length;
  }

  close(descriptor: number): void {
    this.open.delete(descriptor);
  }

  /** Puts an entry into the ledger, as the programs do. */
  enter(cookie: number, { bornMs, creator, releasedMs, releaser, releasedState, tcp }: FakeEntry): void {
    const value = new DataView(new ArrayBuffer(ENTRY.length));
    const bytes = new Uint8Array(value.buffer);
    const setTime = (at: number, ms: number) =>
      value.setBigUint64(at, BigInt(Math.round(ms * 1e6)), LITTLE_ENDIAN);
    const setActor = ({ pid, tid = pid, comm }: FakeActor, idAt: number, nameAt: number) => {
      value.setBigUint64(idAt, (BigInt(pid) << 32n) | BigInt(tid), LITTLE_ENDIAN);
      bytes.set(Buffer.from(comm).subarray(0, 15), nameAt);
    };
    setTime(ENTRY.bornNs, bornMs);
    if (creator) {
      setActor(creator, ENTRY.creator, ENTRY.creatorName);
      value.setBigUint64(ENTRY.creatorUser, BigInt(creator.uid ?? 0), LITTLE_ENDIAN);
    }
    if (releasedMs !== undefined) setTime(ENTRY.releasedNs, releasedMs);
    if (releaser) setActor(releaser, ENTRY.releaser, ENTRY.releaserName);
    if (releasedState) value.setUint32(ENTRY.releasedState, STATES.indexOf(releasedState), LITTLE_ENDIAN);
    if (tcp) {
      value.setUint32(ENTRY.operation, TCP_OPERATION[tcp.operation], LITTLE_ENDIAN);
      value.setUint32(ENTRY.family, AF_INET, LITTLE_ENDIAN);
      const setAddress = (at: number, address: string) =>
        bytes.set(address.split('.').map(Number), ENTRY.endpoints + at);
      const [local, remote] = [endpoint(tcp.local), endpoint(tcp.remote ?? '0.0.0.0:0')];
      setAddress(ENDPOINTS.local4, local.address);
      setAddress(ENDPOINTS.remote4, remote.address);
      value.setUint32(ENTRY.endpoints + ENDPOINTS.localPort, local.port, LITTLE_ENDIAN);
      value.setUint16(ENTRY.endpoints + ENDPOINTS.remotePort + (LITTLE_ENDIAN ? 2 : 0), remote.port);
    }
    this.#put(0, cookie, value);
  }

  /** Sets the counters of a socket, and all its IPv4 peers so far, the latest last. Returns the value. */
  count(
    cookie: number,
    counters: Partial<Record<'rxPackets' | 'rxBytes' | 'txPackets' | 'txBytes', number>>,
    peers: readonly string[] = [],
  ): DataView {
    const value = new DataView(new ArrayBuffer(COUNTERS.length));
    for (const [name, number] of Object.entries({ ...counters, peerCount: peers.length }))
      value.setBigUint64(COUNTERS[name as keyof typeof counters], BigInt(number), LITTLE_ENDIAN);
    for (const [i, text] of peers.entries()) {
      const at = COUNTERS.peers + (i % MAX_PEERS) * PEER.length;
      const { address, port } = endpoint(text);
      for (const [j, byte] of address.split('.').entries())
        for (const part of [PEER.lower, PEER.check]) value.setUint8(at + part + j, Number(byte));
      value.setUint16(at + PEER.port, port);
      value.setUint8(at + PEER.version, 4);
    }
    this.#put(1, cookie, value);
    return value;
  }

  /** Puts a socket with these counters into its slot. */
  countInSlot(cookie: number, counters: Partial<Record<'rxPackets' | 'rxBytes', number>>): void {
    const value = new DataView(new ArrayBuffer(SLOT.length));
    for (const [name, number] of Object.entries(counters))
      value.setBigUint64(COUNTERS[name as keyof typeof counters], BigInt(number), LITTLE_ENDIAN);
    value.setBigUint64(SLOT.cookie, BigInt(cookie), LITTLE_ENDIAN);
    this.#put(3, cookie % SLOTS, value);
  }

  /** Sets a number of `COUNT`. */
  setCount(index: number, number: number): void {
    const value = new DataView(new ArrayBuffer(8));
    value.setBigUint64(0, BigInt(number), LITTLE_ENDIAN);
    this.#put(2, index, value);
  }

  #put(map: number, key: number, value: DataView): void {
    this.maps[map]?.values.set(keyOf(key, 0), value);
  }
}
