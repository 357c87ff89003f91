import { createContext, Script } from 'node:vm';

const RUN = new Script('run()');
const WORK = { run: (): void => undefined };
const CONTEXT = createContext(WORK);

/**
 * Returns whether some work came to its end within a time that is thousands of times what linear work takes. It is
 * stopped then, also within a regex.
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
