import { createReadStream, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Load } from './load.ts';
import { LoadProcess } from './load-process.ts';
import type { UdpRepeats } from './options.ts';
import { PrivateNet } from './private-net.ts';
import { scratchFolder } from './scratch.ts';
import { closeLater, closeShortLived, netpaneWatchers } from './short-lived.ts';
import { type Spread, spreadOf } from './stats.ts';
import { ROOT, WatcherRun } from './watchers.ts';

/** Reports of netpane as root on UDP sockets that are bound, send one datagram and are closed. */
export interface ShortUdpFigures {
  readonly made: number;
  /** Sockets per second actually made. */
  readonly rate: number;
  /** Sockets with a close event. */
  readonly closes: number;
  /** Close events with the right program. */
  readonly right: number;
  /** Close events with the bytes that were sent. */
  readonly withBytes: number;
  /** Closes that gap events count as missed. */
  readonly missed: number;
  /** CPU of netpane, percent of a core. */
  readonly cpu: number;
}

/** A transfer by one socket, with netpane and without. */
export interface TransferFigures {
  readonly name: string;
  /** Bytes that were sent, and that netpane reports. */
  readonly sent: number;
  readonly reported: number;
  /** CPU of a packet without netpane, nanoseconds: the medians of the transfers. */
  readonly nanoseconds: Spread;
  /** The addition by netpane, nanoseconds; one figure for each pair of transfers. */
  readonly addedNanoseconds: Spread;
  /** Bits per second without netpane. */
  readonly bitRate: number;
}

export interface UdpFigures {
  readonly short: ShortUdpFigures;
  readonly transfers: readonly TransferFigures[];
}

/** Length of a datagram: in a transfer almost that of a full Ethernet frame. */
const SHORT_LENGTH = 100;
const TRANSFER_LENGTH = 1200;
/** Packets of a part of a transfer: some ten milliseconds. */
const PART_PACKETS = 3000;
const START_DELAY_MS = 300;

/** The fields of a line of `netpane watch --json` that are compared. */
interface UdpEvent {
  readonly type: string;
  readonly missed?: number;
  readonly socket: {
    readonly protocol: string;
    readonly netns?: { readonly own: boolean };
    readonly txBytes?: number;
    readonly owners: readonly { readonly pid?: number }[];
  };
}

/** Returns the close events of UDP in netpane's namespace, and how many closes gap events count as missed. */
async function readCloses(file: string): Promise<{ closes: UdpEvent['socket'][]; missed: number }> {
  const closes: UdpEvent['socket'][] = [];
  let missed = 0;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    const { type, missed: more = 0, socket } = JSON.parse(line) as UdpEvent;
    if (type === 'gap') missed += more;
    else if (type === 'close' && socket.protocol === 'udp' && socket.netns?.own) closes.push(socket);
  }
  return { closes, missed };
}

/** Starts `netpane watch` as root, lets `work` run, and ends it. Returns what it reported of a process, and its cost. */
async function watched<Result>(net: PrivateNet, pid: number, work: () => Promise<Result>) {
  const file = join(scratchFolder(), 'udp');
  const watcher = netpaneWatchers().find(({ name }) => name === ROOT);
  if (watcher === undefined) throw new Error('the UDP measurements need root');
  // Connections show whether netpane reports events, before the work and after it.
  const load = closeLater(new Load(net));
  await load.open();
  const run = closeLater(new WatcherRun(watcher, net, file));
  await run.waitUntilReady(() => load.connectOnce());
  run.start();
  const result = await work();
  const { cpuMs, ms } = await run.stop(() => load.connectOnce());
  const { closes, missed } = await readCloses(file);
  rmSync(file);
  load.close();
  const ofProcess = closes.filter(({ owners }) => owners.some((owner) => owner.pid === pid));
  return { result, closes, ofProcess, missed, cpu: (100 * cpuMs) / ms };
}

/** Measures what netpane reports of short UDP sockets. */
async function measureShort(net: PrivateNet, { rate, seconds }: UdpRepeats): Promise<ShortUdpFigures> {
  const [receiver, sender] = [openProcess(net), openProcess(net)];
  const { port } = await receiver.request<{ port: number }>({ order: 'open' });
  const count = rate * seconds;
  const { result, closes, ofProcess, missed, cpu } = await watched(net, sender.pid, async () => {
    const startAtMs = Date.now() + START_DELAY_MS;
    const schedule = { length: SHORT_LENGTH, count, startAtMs, everyMs: 1000 / rate };
    const { endMs } = await sender.request<{ endMs: number }>({ order: 'openShort', port, ...schedule });
    return { ms: endMs - startAtMs };
  });
  return {
    made: count,
    rate: (1000 * count) / result.ms,
    closes: closes.length,
    right: ofProcess.length,
    withBytes: closes.filter(({ txBytes }) => txBytes === SHORT_LENGTH).length,
    missed,
    cpu,
  };
}

const openProcess = (net: PrivateNet) => closeLater(new LoadProcess(net, 'udp-child.mjs'));

/** Measures transfers in pairs, without netpane and with it. */
async function measureTransfer(
  net: PrivateNet,
  isConnected: boolean,
  { parts, pairs }: UdpRepeats,
): Promise<TransferFigures> {
  const [receiver, sender] = [openProcess(net), openProcess(net)];
  const { port } = await receiver.request<{ port: number }>({ order: 'open' });
  const order = { order: 'transfer', port, length: TRANSFER_LENGTH, parts, count: PART_PACKETS, isConnected };
  const transfer = () => sender.request<{ nanoseconds: number[]; ms: number }>(order);
  const packets = parts * PART_PACKETS;
  // The first one runs code that V8 has not compiled yet.
  await transfer();
  const without: { nanoseconds: number; ms: number }[] = [];
  const added: number[] = [];
  let sent = 0;
  let reported = 0;
  for (let i = 0; i < pairs; i++) {
    const alone = await transfer();
    const { result, ofProcess } = await watched(net, sender.pid, transfer);
    const nanoseconds = spreadOf(alone.nanoseconds).median;
    without.push({ nanoseconds, ms: alone.ms });
    added.push(spreadOf(result.nanoseconds).median - nanoseconds);
    sent += packets * TRANSFER_LENGTH;
    reported += ofProcess.reduce((sum, { txBytes = 0 }) => sum + txBytes, 0);
  }
  return {
    name: isConnected ? 'connected' : 'unconnected',
    sent,
    reported,
    nanoseconds: spreadOf(without.map((it) => it.nanoseconds)),
    addedNanoseconds: spreadOf(added),
    bitRate: (8000 * packets * TRANSFER_LENGTH) / spreadOf(without.map(({ ms }) => ms)).median,
  };
}

/** Measures what netpane as root reports of UDP, and what a packet costs with it and without. */
export async function measureUdp(repeats: UdpRepeats): Promise<UdpFigures> {
  try {
    const net = closeLater(await PrivateNet.open());
    const short = await measureShort(net, repeats);
    const transfers: TransferFigures[] = [];
    for (const isConnected of [false, true]) transfers.push(await measureTransfer(net, isConnected, repeats));
    return { short, transfers };
  } finally {
    closeShortLived();
  }
}
