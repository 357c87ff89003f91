import { cleanEnvironment } from './environment.ts';
import { crashText } from './errors.ts';
import { Keeper } from './keeper.ts';
import { say } from './say.ts';

// Entry of the main thread of the live screen, where only the keeper runs. It does what `program.ts` does in this thread.
cleanEnvironment(process.env);
process.on('uncaughtException', (error) => {
  say(crashText(error));
  process.exit(1);
});
new Keeper(new URL('netpane.js', import.meta.url), true);
