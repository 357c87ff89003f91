import { createContext, Script } from 'node:vm';

const RUN = new Script('run()');
const WORK = { run: (): void => undefined };
const CONTEXT = createContext(WORK);

/**
 * Runs a function and returns true if it ends within the time, which should be thousands of times what linear work
 * takes. Otherwise stops it, even inside a regex, and returns false.
 */
export function endsWithin(guardMs: number, run: () => void): boolean {
  try {
    WORK.run = run;
    RUN.runInContext(CONTEXT, { timeout: guardMs });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return false;
    throw error;
  }
}
