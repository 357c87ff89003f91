// Setup of every end-to-end test file. The files share the process and the modules of a worker.
import { afterAll, aroundEach } from 'vitest';
import { cleanUpFile, withCleanUp } from './clean-up.ts';

aroundEach(withCleanUp);
afterAll(cleanUpFile);
