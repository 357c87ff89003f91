import { parentPort } from 'node:worker_threads';
import { roleNow } from './role.ts';

/*
 * Every process and thread of the bench begins here; each loads no more than it needs, for what is loaded early would
 * be missing where loading is measured.
 */
const role = roleNow();
switch (role) {
  case 'lead': {
    const { lead } = await import('./lead.ts');
    await lead(process.argv.slice(2));
    break;
  }
  case 'look':
  case 'first': {
    if (parentPort) {
      const { beLooker } = await import('./looking.ts');
      await beLooker(role);
    } else {
      const { tellFirst } = await import('./looker.ts');
      await tellFirst();
    }
    break;
  }
  case 'soak': {
    const { soak } = await import('./soak.ts');
    await soak();
    break;
  }
  case 'passes': {
    const { tellPasses } = await import('./passes.ts');
    await tellPasses();
  }
}
