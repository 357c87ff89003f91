import { openProcess } from '../../src/source/windows/open-process.ts';

/*
 * Runs in a real node.exe: ends a process as the list of signals does. Prints its name and what came of it as JSON.
 *
 *     node.exe end.js PID
 */
const handle = await openProcess({ pid: Number(process.argv[2]) });
const result = handle.signal('KILL', 'process');
process.stdout.write(`${JSON.stringify({ name: handle.facts.name, result })}\n`);
handle.close();
