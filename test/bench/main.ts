import { killChildren, runInChild } from './child.ts';
import { closeEvidence, measureEvidence } from './evidence.ts';
import { evidenceTargets, evidenceText } from './evidence-report.ts';
import { isIsolated, runIsolated } from './isolate.ts';
import { liveSoakTargets, liveSoakText, stormTargets, stormText } from './live-report.ts';
import { closeLive, measureLiveSoak, measureStorm } from './live-soak.ts';
import { loadText, machineText, measureNoise, noiseText } from './machine.ts';
import { measureNames } from './names.ts';
import { namesTargets, namesText } from './names-report.ts';
import { type Options, parseOptions, type Repeats, type ShortLivedRepeats, USAGE } from './options.ts';
import { PollThread } from './poll-thread.ts';
import { measureProgram } from './program.ts';
import { killPrograms } from './program-pty.ts';
import { scratchFolder } from './scratch.ts';
import {
  closeShortLived,
  type IdleFigures,
  measureIdle,
  measureShortLived,
  type ShortLivedTable,
} from './short-lived.ts';
import { idleText, shortLivedTargets, shortLivedText } from './short-lived-report.ts';
import { growthText, type SizeFigures, sizeTargets, sizeText } from './size-report.ts';
import type { SoakFigures } from './soak.ts';
import { soakTargets, soakText } from './soak-report.ts';
import { Pipeline } from './stages.ts';
import { measureStalls } from './stalls.ts';
import { targetsText } from './targets.ts';
import { TestSockets } from './test-sockets.ts';
import { compareTools } from './tool-comparison.ts';
import { measureUdp } from './udp.ts';
import { udpTargets, udpText } from './udp-report.ts';
import type { ViewFigures, ViewRepeats } from './view.ts';
import { viewTargets, viewText } from './view-report.ts';

/** Sockets to close, also after a failure. */
const openSockets = new Set<TestSockets>();

const print = (text: string): void => void process.stdout.write(text);

async function cleanUp(): Promise<void> {
  killChildren();
  closeShortLived();
  closeLive();
  closeEvidence();
  await Promise.allSettled([killPrograms(), ...[...openSockets].map((sockets) => sockets.close())]);
}

async function measureSize(size: number, repeats: Repeats): Promise<SizeFigures> {
  const sockets = new TestSockets(size);
  openSockets.add(sockets);
  try {
    await sockets.open();
    // The whole program first: later, this process would compete with it for memory and caches.
    const program = await measureProgram(sockets, repeats);
    const screenThread = await measureStalls(sockets, repeats);
    const thread = new PollThread();
    try {
      const pipeline = new Pipeline(thread);
      try {
        const baseline = await pipeline.tick('wall');
        const atRest = await pipeline.measure(repeats, async () => {});
        const comparison = await compareTools(thread, size, repeats);
        const changing = await pipeline.measure(repeats, () => sockets.change());
        return { size, program, screenThread, comparison, baseline, atRest, changing };
      } finally {
        pipeline.close();
      }
    } finally {
      await thread.close();
    }
  } finally {
    await sockets.close();
    openSockets.delete(sockets);
  }
}

const measureView = ({ combinations, ticks }: ViewRepeats): Promise<ViewFigures> =>
  runInChild('view', [String(combinations), String(ticks)], []);

const measureSoak = (ticks: number): Promise<SoakFigures> =>
  runInChild('soak', [String(ticks), scratchFolder()], ['--expose-gc']);

/** Measures netpane at rest and with every load. Prints each table as soon as it is complete. */
async function measureAllShortLived(
  repeats: ShortLivedRepeats,
): Promise<{ tables: ShortLivedTable[]; idle: IdleFigures }> {
  const idle = await measureIdle(repeats);
  print(idleText(idle, repeats));
  const tables: ShortLivedTable[] = [];
  const { rates, processRate } = repeats;
  const loads = rates.map((rate) => ({ clients: 'permanent', rate }) as const);
  for (const load of [...loads, { clients: 'per-connection', rate: processRate } as const]) {
    const table = await measureShortLived(load, repeats);
    print(shortLivedText(table, repeats));
    tables.push(table);
  }
  return { tables, idle };
}

async function measureAll(options: Options): Promise<void> {
  const startMs = performance.now();
  print(`${machineText()}\nload average at the start: ${loadText()}\n`);
  print(`noise (times of a fixed computation): ${noiseText(measureNoise())}\n`);
  const sizes: SizeFigures[] = [];
  for (const size of options.sizes) {
    const figures = await measureSize(size, options.repeats);
    print(sizeText(figures));
    sizes.push(figures);
  }
  if (sizes.length > 0) print(growthText(sizes));
  const view = options.view && (await measureView(options.view));
  if (view) print(viewText(view));
  const shortLived = options.shortLived && (await measureAllShortLived(options.shortLived));
  const soak = options.soak ? await measureSoak(options.repeats.soakTicks) : undefined;
  if (soak) print(soakText(soak));
  const liveSoak = options.liveSoak && (await measureLiveSoak(options.liveSoak));
  if (liveSoak) print(liveSoakText(liveSoak));
  const storm = options.storm && (await measureStorm(options.storm));
  if (storm) print(stormText(storm));
  const udp = options.udp && (await measureUdp(options.udp));
  if (udp) print(udpText(udp));
  const names = options.names && (await measureNames(options.names));
  if (names) print(namesText(names));
  const evidence = options.evidence && (await measureEvidence(options.evidence));
  if (evidence) print(evidenceText(evidence));
  print(
    targetsText([
      ...(sizes.length > 0 ? sizeTargets(sizes) : []),
      ...(view ? viewTargets(view) : []),
      ...(shortLived ? shortLivedTargets(shortLived) : []),
      ...(soak ? soakTargets(soak) : []),
      ...(liveSoak ? liveSoakTargets(liveSoak) : []),
      ...(storm ? stormTargets(storm) : []),
      ...(udp ? udpTargets(udp) : []),
      ...(names ? namesTargets(names) : []),
      ...(evidence ? evidenceTargets(evidence) : []),
    ]),
  );
  print(`\nload average at the end: ${loadText()}\n`);
  print(`noise (times of a fixed computation): ${noiseText(measureNoise())}\n`);
  print(`took ${Math.round((performance.now() - startMs) / 1000)} s\n`);
}

/** Ends everything that was started, and then this process, when a run is interrupted. */
function onInterrupt(exitCode: number): void {
  const timer = setTimeout(() => process.exit(exitCode), 5000);
  void cleanUp().then(() => {
    clearTimeout(timer);
    process.exit(exitCode);
  });
}

/** Entry of the main process. Outside a network namespace of its own it only restarts itself in one. */
export async function runMain(args: readonly string[]): Promise<void> {
  const options = parseOptions(args);
  if (options === 'help') {
    print(USAGE);
    return;
  }
  if (options === undefined) {
    process.stderr.write(USAGE);
    process.exitCode = 2;
    return;
  }
  if (process.platform !== 'linux') {
    process.stderr.write('the benchmark runs on Linux only\n');
    process.exitCode = 1;
    return;
  }
  if (!isIsolated()) {
    process.exitCode = await runIsolated(args);
    return;
  }
  for (const [signal, code] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) {
    process.on(signal, () => onInterrupt(code));
  }
  // The parent process has ended.
  process.on('disconnect', () => onInterrupt(1));
  let exitCode = 0;
  try {
    await measureAll(options);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    exitCode = 1;
  }
  await cleanUp();
  process.exit(exitCode);
}
