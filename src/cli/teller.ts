import { workerData } from 'node:worker_threads';
import { Progress } from '../model/progress.ts';
import { say } from './say.ts';
import { silenceText } from './silence-notice.ts';

/** How long `netpane ls` may read before it is told, and between two times that it is, milliseconds. */
const EVERY_MS = 10_000;

/*
 * Entry of a thread beside `netpane ls`, which reads on the main thread: it sleeps until the sockets are read, and tells
 * on stderr what takes so long.
 */
const progress = new Progress(workerData as Int32Array);
for (let forMs = EVERY_MS; !progress.waitForPoll(EVERY_MS); forMs += EVERY_MS)
  say(silenceText(progress, forMs));
