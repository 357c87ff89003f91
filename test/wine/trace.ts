import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as after } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import koffi from 'koffi';
import { removeLeftovers } from '../../src/source/leftovers.ts';
import type { KernelEvent } from '../../src/source/types.ts';
import { NativeTrace } from '../../src/source/windows/etw/native-trace.ts';
import { stopSession, TraceSession } from '../../src/source/windows/etw/session.ts';
import { IphlpapiSource } from '../../src/source/windows/iphlpapi.ts';
import { NativeWindows } from '../../src/source/windows/native.ts';

/*
 * Runs in a real node.exe: the source iphlpapi with a trace session that a library in C plays (trace.c). Prints the
 * results as JSON.
 *
 *     node.exe trace.js LIBRARY CONSUMER CONNECTIONS EVENTS_PER_SECOND
 */
const [, , library = '', consumer = '', count = '', rate = ''] = process.argv;
const connections = Number(count);
const fake = koffi.load(`${library}.dll`);
const call = (prototype: string) => fake.func(prototype) as unknown as (...args: number[]) => number;
const play = call('void Play(int32, int32, uint32, uint16)');
const hasStale = call('int HasStale()');
const isRunning = call('int IsRunning()');
const flushes = call('int Flushes()');

const udp = createSocket('udp4');
udp.bind(0, '127.0.0.1');
await once(udp, 'listening');
const { port } = udp.address();
play(connections, Number(rate), process.pid, port);

const calls = new NativeTrace(koffi, undefined, library, pathToFileURL(consumer));
const session = TraceSession.start(calls, { pid: process.pid, created: 1 }, () => false);
if (typeof session === 'string') throw new Error(session);
const source = new IphlpapiSource({
  api: await NativeWindows.load(),
  session,
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  ownerBudgetMs: 1000,
});
await source.read();

let ended = 0;
let lost = 0;
let [sample, rxBytes, txBytes]: [KernelEvent | undefined, number, number] = [undefined, 0, 0];
const drain = (): void => {
  for (const event of source.events?.drain() ?? []) {
    if (event.type === 'gap') lost += event.missed ?? 0;
    if (event.type !== 'ended') continue;
    ended++;
    sample ??= event;
    rxBytes += event.socket.traffic?.rxBytes ?? 0;
    txBytes += event.socket.traffic?.txBytes ?? 0;
  }
};
// As the sampler: a drain every 50 ms, a poll every second.
const cpu = process.cpuUsage();
const startedMs = performance.now();
for (let turn = 1; ended < connections && session.failure === undefined; turn++) {
  await after(50);
  drain();
  if (turn % 20 === 0) await source.read();
}
const { user, system } = process.cpuUsage(cpu);
const elapsedMs = performance.now() - startedMs;
const { sockets, interfaces } = await source.read();
const traffic = [...sockets.values()].find(
  ({ protocol, local }) => protocol === 'udp' && local.port === port,
);
const before = isRunning();
// As the screen's thread at the end: first through the library of Wine, which has no sessions, then through the fake.
if (source.leftovers) removeLeftovers(source.leftovers);
stopSession(calls, session.name, session.ring);
const result = {
  name: session.name,
  hasStale: hasStale(),
  flushes: flushes(),
  ended,
  lost,
  rxBytes,
  txBytes,
  sample,
  udp: { traffic: traffic?.traffic, peers: traffic?.peers },
  interfaces,
  runs: [before, isRunning()],
  failure: session.failure,
  cpuPercent: (user + system) / 10 / elapsedMs,
  elapsedMs,
};
source.close();
udp.close();
process.stdout.write(`${JSON.stringify(result)}\n`);
