import { parentPort } from 'node:worker_threads';
import { currentRole } from './role.ts';

/*
 * Entry of every process and thread of the benchmark; see README.md. Each role imports only its own modules: modules
 * that are already loaded would be missing from the measured start and the measured memory.
 */
const role = currentRole();
switch (role) {
  case 'main': {
    const { runMain } = await import('./main.ts');
    await runMain(process.argv.slice(2));
    break;
  }
  case 'poll':
  case 'first-poll': {
    if (parentPort) {
      const { runPollWorker } = await import('./poll-worker.ts');
      await runPollWorker(role);
    } else {
      const { forwardFirstPoll } = await import('./poll-thread.ts');
      await forwardFirstPoll();
    }
    break;
  }
  case 'soak': {
    const { runSoak } = await import('./soak.ts');
    await runSoak();
    break;
  }
  case 'view': {
    const { runView } = await import('./view.ts');
    await runView();
  }
}
