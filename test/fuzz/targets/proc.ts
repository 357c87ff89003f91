import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { printable } from '../../../src/model/text.ts';
import { containerOf, labelOf, serviceOf } from '../../../src/source/linux/namespaces/containers.ts';
import { parseNamespaceMounts } from '../../../src/source/linux/proc/mounts.ts';
import { parseBootTimeMs, parsePasswd } from '../../../src/source/linux/proc/process.ts';
import { ProcNetSource } from '../../../src/source/linux/procnet/procnet.ts';
import { checkMessage, checkSockets } from '../checks.ts';
import { mutatedText } from '../mutate.ts';
import type { Random } from '../random.ts';
import type { Session, Target } from '../target.ts';

const CAPTURED = 'fixtures/linux';

/** Texts of other files of /proc. */
const ID = 'a'.repeat(64);
const CGROUPS = [
  `12:pids:/docker/${ID}\n0::/system.slice/docker-${ID}.scope\n`,
  `0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope/container\n`,
  `0::/kubepods.slice/kubepods-pod12345678_1234_1234_1234_123456789012.slice/cri-containerd-${ID}.scope\n`,
  '0::/machine.slice/machine-lxc\\x2d12\\x2dfoo.scope\n0::/lxc.payload.web/init.scope\n',
];
const MOUNTS = '623 24 0:4 net:[4026532622] /run/netns/web\\040one rw shared:1 - nsfs nsfs rw\n';

/** Tries the parsers that take the text of a file. @returns the texts */
function tryParsers(random: Random): string {
  const cgroup = mutatedText(random, random.of(CGROUPS));
  const container = containerOf(cgroup);
  if (container !== undefined && labelOf(container) === '') throw new Error('a container without a label');
  if (serviceOf(cgroup) === '') throw new Error('a service without a name');
  const mounts = mutatedText(random, MOUNTS);
  for (const { inode } of parseNamespaceMounts(mounts))
    if (!Number.isFinite(inode)) throw new Error(`${inode}`);
  const passwd = mutatedText(random, 'root:x:0:0::/:/bin/sh\nana:x:1000:1000::/:/bin/sh\n');
  for (const uid of parsePasswd(passwd).keys())
    if (!Number.isInteger(uid)) throw new Error(`the user ${uid}`);
  parseBootTimeMs(mutatedText(random, 'cpu  1 2 3\nbtime 1700000000\n'));
  return JSON.stringify([cgroup, mounts, passwd]);
}

/** Returns the paths of all files in a folder and its subfolders. */
const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((it) => it.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort();

/** Opens a copy of the captured /proc, of which one file after the other is mutated. */
function machine(random: Random): Session {
  const root = mkdtempSync(join(tmpdir(), 'netpane-fuzz-'));
  cpSync(join(CAPTURED, 'proc'), join(root, 'proc'), { recursive: true, verbatimSymlinks: true });
  cpSync(join(CAPTURED, 'etc'), join(root, 'etc'), { recursive: true });
  const files = filesIn(root);
  const captured = new Map(files.map((file) => [file, readFileSync(file, 'latin1')]));
  let nowMs = 0;
  const source = new ProcNetSource({ procRoot: join(root, 'proc'), nowMs: () => (nowMs += 1), isRoot: true });
  let input = '';
  const mutateFile = (): void => {
    const file = random.of(files);
    const text = mutatedText(random, captured.get(file) ?? '');
    writeFileSync(file, text, 'latin1');
    input = JSON.stringify([file.slice(root.length), text]);
  };
  return {
    input: () => input,
    end: () => rmSync(root, { recursive: true, force: true }),
    next: async () => {
      if (random.oneIn(2)) {
        input = tryParsers(random);
        return 'accepted';
      }
      mutateFile();
      // Restores all files now and then: otherwise all would be malformed in the end.
      if (random.oneIn(8)) for (const [file, text] of captured) writeFileSync(file, text, 'latin1');
      const { sockets, degradations } = await source.read();
      checkSockets([...sockets.values()]);
      for (const { text } of degradations) checkMessage(printable(text), 600);
      return sockets.size > 0 ? 'accepted' : 'refused';
    },
  };
}

export const proc: Target = {
  about: 'files of /proc: the source, and the sockets printed as JSON, CSV and text',
  inputsPerSession: 40,
  suiteRuns: 120,
  open: machine,
};
