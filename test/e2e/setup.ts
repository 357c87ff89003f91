// Setup of every end-to-end test file. The files share the process and the modules of a worker.
import { afterEach } from 'vitest';
import { cleanUpAll } from './netpane.ts';

afterEach(cleanUpAll);
