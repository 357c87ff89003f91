// Clean-up after each test, and after each file: ends processes, removes folders.
import { AsyncLocalStorage } from 'node:async_hooks';

type CleanUp = () => unknown;
/** The functions of the running test. Tests of a file may run side by side. */
const ofTest = new AsyncLocalStorage<CleanUp[]>();
/** The functions of the file, which `beforeAll` has registered. */
const ofFile: CleanUp[] = [];

/** Registers a function to run, in reverse order, after the test; in `beforeAll`, after all tests of the file. */
export const cleanUp = (act: CleanUp) => void (ofTest.getStore() ?? ofFile).push(act);

/** Runs all functions even if some fail. Rejects with the first error. */
async function runAll(acts: CleanUp[]): Promise<void> {
  const errors: unknown[] = [];
  const note = (error: unknown) => errors.push(error);
  for (const act of acts.splice(0).reverse()) await Promise.resolve().then(act).catch(note);
  if (errors.length > 0) throw errors[0];
}

/** Runs a test, and then its functions. */
export async function withCleanUp(runTest: () => Promise<void>): Promise<void> {
  const acts: CleanUp[] = [];
  try {
    await ofTest.run(acts, runTest);
  } finally {
    await runAll(acts);
  }
}

/** Runs the functions of the file. */
export const cleanUpFile = (): Promise<void> => runAll(ofFile);
