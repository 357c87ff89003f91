import { Herd } from '../helpers/herd.ts';
import { isInside, runInside } from './isolate.ts';
import { calibrate, loadText, machineText, noiseText } from './machine.ts';
import { type Options, parseOptions, type Repeats, USAGE } from './options.ts';
import { closePanes } from './pane.ts';
import { measureProgram } from './program.ts';
import { aimsText, type SceneFigures, sceneText } from './report.ts';
import { measureRivals } from './rivals.ts';
import { Scene } from './scene.ts';
import { firstSamples, Pipeline } from './stages.ts';

/** What is to be ended, whatever happens. */
const herds = new Set<Herd>();

const print = (text: string): void => void process.stdout.write(text);

async function cleanUp(): Promise<void> {
  await Promise.allSettled([closePanes(), ...[...herds].map((herd) => herd.close())]);
}

async function measure(size: number, repeats: Repeats): Promise<SceneFigures> {
  const herd = new Herd();
  herds.add(herd);
  try {
    const scene = await Scene.open(herd, size);
    // The program comes first: what this process does later would compete with it for memory and caches.
    const program = await measureProgram(scene, repeats);
    const rivals = await measureRivals(repeats.rivals);
    const firstSample = await firstSamples(repeats.rivals);
    const pipeline = new Pipeline();
    const atRest = await pipeline.measure(repeats, async () => {});
    const changing = await pipeline.measure(repeats, () => scene.change());
    pipeline.close();
    return { size, program, rivals, firstSample, atRest, changing };
  } finally {
    await herd.close();
    herds.delete(herd);
  }
}

async function bench({ sizes, repeats }: Options): Promise<void> {
  const startMs = performance.now();
  print(`${machineText()}\nload at the start: ${loadText()}\n`);
  print(`noise, the same loop again and again: ${noiseText(calibrate())}\n`);
  const all: SceneFigures[] = [];
  for (const size of sizes) {
    const figures = await measure(size, repeats);
    print(sceneText(figures));
    all.push(figures);
  }
  print(aimsText(all));
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

const options = parseOptions(process.argv.slice(2));
if (options === undefined) {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else if (process.platform !== 'linux') {
  process.stderr.write('the bench runs on Linux only\n');
  process.exitCode = 1;
} else if (!isInside()) {
  process.exitCode = await runInside(process.argv.slice(2));
} else {
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
