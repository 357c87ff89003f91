import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { ancestryOf, whyLines } from '../../../../src/source/linux/evidence/ancestry.ts';
import { Files } from '../../../../src/source/linux/evidence/files.ts';
import { useFolders } from '../../../helpers/folder.ts';

const newFolder = useFolders();
let root: string;
beforeEach(() => {
  root = newFolder();
});

function write(path: string, text = ''): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** Starts a process in a control group. */
const start = (pid: number, name: string, parent: number, cgroup = '/'): void => {
  write(`/proc/${pid}/stat`, `${pid} (${name}) S ${parent}${' 0'.repeat(48)}`);
  write(`/proc/${pid}/cgroup`, `0::${cgroup}\n`);
};

const why = async (pid: number): Promise<string | undefined> => {
  const files = new Files(root);
  return (await whyLines(await ancestryOf(pid, files), files)).find(({ label }) => label === 'why')?.text;
};

test('an instance of a service has its own unit file before that of its template', async () => {
  start(70, 'web', 1, '/system.slice/web@a.service');
  write('/etc/systemd/system/web@.service');
  expect(await why(70)).toBe('systemd service web@a.service (/etc/systemd/system/web@.service)');
  write('/usr/lib/systemd/system/web@a.service');
  expect(await why(70)).toBe('systemd service web@a.service (/usr/lib/systemd/system/web@a.service)');
});

test('the nearest program that starts others is the reason', async () => {
  start(1, 'systemd', 0);
  start(60, 'cron', 1);
  start(61, 'sudo', 60);
  start(70, 'web', 61);
  expect(await why(70)).toBe('run as another user (sudo 61)');
});
