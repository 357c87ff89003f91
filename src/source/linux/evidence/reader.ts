import { resolve } from 'node:path';
import type { Evidence, EvidenceLine, Finding } from '../../../model/evidence.ts';
import type { ProcessTarget } from '../../../model/process.ts';
import { parsePasswd } from '../proc/process.ts';
import { ancestryOf, argumentsOf, whyLines } from './ancestry.ts';
import { digestPart, type FileOfProcess, type FilePart, packagePart, placePart } from './file-part.ts';
import { Files } from './files.ts';
import type { PackageOwner } from './packages.ts';
import { processPart, unusual } from './process-lines.ts';
import { publishedLines } from './published.ts';
import { repositoryLines } from './repository.ts';
import { scriptOf } from './script.ts';

/** Maximum size of passwd(5), bytes. */
const PASSWD_LIMIT = 4 * 2 ** 20;

/**
 * Reads what is known of a process, the quick parts first. Never rejects.
 * @param onEvidence gets all that has been read so far, at each step; the last time it is complete
 * @param isWanted returns false when nothing more is needed
 * @param root `/`, or a fixture
 */
export async function readLinuxEvidence(
  { pid, startedAtMs }: ProcessTarget,
  onEvidence: (evidence: Evidence) => void,
  isWanted: () => boolean = () => true,
  root = '/',
): Promise<void> {
  const files = new Files(root);
  const lines: EvidenceLine[] = [];
  const verdict: Finding[] = [];
  const report = (isComplete: boolean): void =>
    onEvidence({
      pid,
      ...(startedAtMs !== undefined && { startedAtMs }),
      verdict: [...verdict],
      lines: [...lines],
      isComplete,
    });
  const add = ({ lines: more, findings }: FilePart): void => {
    lines.push(...more);
    verdict.push(...findings);
  };
  const ancestors = await ancestryOf(pid, files);
  const [self] = ancestors;
  if (self === undefined) {
    lines.push({ label: 'why', text: 'the process has ended', from: `/proc/${pid}` });
    report(true);
    return;
  }
  const isElsewhere = await isInOtherMounts(pid, files);
  // The files of a container are not those of the machine.
  const own = isElsewhere ? new Files(files.pathOf(`/proc/${pid}/root`)) : files;
  const users = parsePasswd((await files.text('/etc/passwd', PASSWD_LIMIT)) ?? '');
  const userOf = (uid: number): string => users.get(uid) ?? `uid ${uid}`;
  const [why, words, exe, directory] = await Promise.all([
    whyLines(ancestors, files),
    argumentsOf(pid, files),
    files.link(`/proc/${pid}/exe`),
    files.link(`/proc/${pid}/cwd`),
  ]);
  lines.push(...why);
  add(await processPart(self, files, userOf));
  report(false);
  const script = exe === undefined ? undefined : scriptOf(exe, words);
  const [published, repository] = await Promise.all([
    publishedLines(words, files),
    directory === undefined ? [] : repositoryLines(directory, own),
  ]);
  lines.push(...published, ...repository);
  const ofProcess: FileOfProcess[] = [];
  if (exe !== undefined)
    ofProcess.push({ label: 'program', path: exe, files, readAt: `/proc/${pid}/exe`, startedAtMs });
  else if (self.stat.isKernelThread)
    lines.push({ label: 'exe', text: 'a thread of the kernel', from: '/proc' });
  else
    lines.push({
      label: 'exe',
      text: hiddenText(),
      from: `/proc/${pid}/exe`,
    });
  if (script?.kind === 'script' || script?.kind === 'jar') {
    const path = resolve(directory ?? '/', script.text);
    // A descriptor of the process is not one of netpane.
    const isDescriptor = /^\/(?:dev|proc\/self)\/fd\/\d+$/.test(path);
    const readAt = isDescriptor ? `/proc/${pid}/fd/${path.slice(path.lastIndexOf('/') + 1)}` : path;
    ofProcess.push({ label: 'script', path, files: isDescriptor ? files : own, readAt, startedAtMs });
  } else if (script?.kind === 'code') {
    lines.push({ label: 'script', text: 'code on the command line', from: `/proc/${pid}/cmdline` });
    verdict.push(unusual('runs code from its command line'));
  } else if (script) lines.push({ label: script.kind, text: script.text, from: `/proc/${pid}/cmdline` });
  const owners: (PackageOwner | undefined)[] = [];
  for (const file of ofProcess) {
    if (!isWanted()) return;
    add(await placePart(file, userOf));
    report(false);
    const found = await packagePart(file, own);
    add(found);
    owners.push(found.owner);
    report(false);
  }
  // Last: to read large files takes longest.
  for (const [i, file] of ofProcess.entries()) {
    if (!isWanted()) return;
    add(await digestPart(file, owners[i]));
  }
  report(true);
}

/** Returns true if a process sees other files than netpane: it is in another mount namespace, as containers are. */
async function isInOtherMounts(pid: number, files: Files): Promise<boolean> {
  const [its, own] = await Promise.all([files.link(`/proc/${pid}/ns/mnt`), files.link('/proc/self/ns/mnt')]);
  return its !== undefined && own !== undefined && its !== own;
}

const hiddenText = (): string =>
  process.geteuid?.() === 0 ? 'hidden: the kernel refuses even root' : 'hidden: run netpane with sudo';
