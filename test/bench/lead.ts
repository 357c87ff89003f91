import { measureBlocks } from './blocks.ts';
import { type CaptureTable, closeCapture, measureCapture, measureRest, type RestFigures } from './capture.ts';
import { captureAims, captureText, restText } from './capture-report.ts';
import { endChildren } from './child.ts';
import { measureDuel } from './duel.ts';
import { isInside, runInside } from './isolate.ts';
import { Looker } from './looker.ts';
import { liveSoakAims, liveSoakText, stormAims, stormText } from './live-report.ts';
import { closeLive, measureLiveSoak, measureStorm } from './live-soak.ts';
import { calibrate, loadText, machineText, noiseText } from './machine.ts';
import { type CaptureRepeats, type Options, parseOptions, type Repeats, USAGE } from './options.ts';
import { closePanes } from './pane.ts';
import { passAims, passesText } from './passes-report.ts';
import { measurePasses } from './passing.ts';
import { measureProgram } from './program.ts';
import {
  aimsText,
  growthText,
  sceneAims,
  type SceneFigures,
  sceneText,
  soakAims,
  soakText,
} from './report.ts';
import { Scene } from './scene.ts';
import { measureSoak } from './soaking.ts';
import { Pipeline } from './stages.ts';

/** What is to be ended, whatever happens. */
const scenes = new Set<Scene>();

const print = (text: string): void => void process.stdout.write(text);

async function cleanUp(): Promise<void> {
  endChildren();
  closeCapture();
  closeLive();
  await Promise.allSettled([closePanes(), ...[...scenes].map((scene) => scene.close())]);
}

async function measure(size: number, repeats: Repeats): Promise<SceneFigures> {
  const scene = new Scene(size);
  scenes.add(scene);
  try {
    await scene.open();
    // The program comes first: what this process does later would compete with it for memory and caches.
    const program = await measureProgram(scene, repeats);
    const blocks = await measureBlocks(scene, repeats);
    const looker = new Looker();
    try {
      const pipeline = new Pipeline(looker);
      try {
        const baseline = await pipeline.tick('wall');
        const atRest = await pipeline.measure(repeats, async () => {});
        const duel = await measureDuel(looker, size, repeats);
        const changing = await pipeline.measure(repeats, () => scene.change());
        return { size, program, blocks, duel, baseline, atRest, changing };
      } finally {
        pipeline.close();
      }
    } finally {
      await looker.close();
    }
  } finally {
    await scene.close();
    scenes.delete(scene);
  }
}

/** Every load, and rest; each table is printed as soon as it is there. */
async function captureAll(repeats: CaptureRepeats): Promise<{ tables: CaptureTable[]; rest: RestFigures }> {
  const rest = await measureRest(repeats);
  print(restText(rest, repeats));
  const tables: CaptureTable[] = [];
  const { rates, briefRate } = repeats;
  const loads = rates.map((rate) => ({ callers: 'lasting', rate }) as const);
  for (const load of [...loads, { callers: 'brief', rate: briefRate } as const]) {
    const table = await measureCapture(load, repeats);
    print(captureText(table, repeats));
    tables.push(table);
  }
  return { tables, rest };
}

async function bench({ sizes, repeats, passes, capture, soak, soakLive, storm }: Options): Promise<void> {
  const startMs = performance.now();
  print(`${machineText()}\nload at the start: ${loadText()}\n`);
  print(`noise, the same loop again and again: ${noiseText(calibrate())}\n`);
  const all: SceneFigures[] = [];
  for (const size of sizes) {
    const figures = await measure(size, repeats);
    print(sceneText(figures));
    all.push(figures);
  }
  if (all.length > 0) print(growthText(all));
  const passed = passes && (await measurePasses(passes));
  if (passed) print(passesText(passed));
  const captured = capture && (await captureAll(capture));
  const soaked = soak ? await measureSoak(repeats.soakTicks) : undefined;
  if (soaked) print(soakText(soaked));
  const lived = soakLive && (await measureLiveSoak(soakLive));
  if (lived) print(liveSoakText(lived));
  const stormed = storm && (await measureStorm(storm));
  if (stormed) print(stormText(stormed));
  print(
    aimsText([
      ...(sizes.length > 0 ? sceneAims(all) : []),
      ...(passed ? passAims(passed) : []),
      ...(captured ? captureAims(captured) : []),
      ...(soaked ? soakAims(soaked) : []),
      ...(lived ? liveSoakAims(lived) : []),
      ...(stormed ? stormAims(stormed) : []),
    ]),
  );
  print(`\nload at the end: ${loadText()}\n`);
  print(`noise, the same loop again and again: ${noiseText(calibrate())}\n`);
  print(`took ${Math.round((performance.now() - startMs) / 1000)} s\n`);
}

/** Ends all that was started, and then this process, however a run is broken off. */
function onBreak(exitCode: number): void {
  const impatience = setTimeout(() => process.exit(exitCode), 5000);
  void cleanUp().then(() => {
    clearTimeout(impatience);
    process.exit(exitCode);
  });
}

/** The process that measures; outside its own network it only starts itself again. */
export async function lead(args: readonly string[]): Promise<void> {
  const options = parseOptions(args);
  if (options === undefined) {
    process.stderr.write(USAGE);
    process.exitCode = 2;
    return;
  }
  if (process.platform !== 'linux') {
    process.stderr.write('the bench runs on Linux only\n');
    process.exitCode = 1;
    return;
  }
  if (!isInside()) {
    process.exitCode = await runInside(args);
    return;
  }
  for (const [signal, code] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) {
    process.on(signal, () => onBreak(code));
  }
  // The process that started this one is gone.
  process.on('disconnect', () => onBreak(1));
  let exitCode = 0;
  try {
    await bench(options);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    exitCode = 1;
  }
  await cleanUp();
  process.exit(exitCode);
}
