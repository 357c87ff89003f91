import { resolve } from 'node:path';
import type { Evidence, EvidenceLine, Finding } from '../../../model/evidence.ts';
import type { ProcessTarget } from '../../../model/process.ts';
import { isExpectedStart, parsePasswd, parseStat } from '../proc/process.ts';
import { ancestryOf, argumentsOf, whyLines } from './ancestry.ts';
import { digestPart, type FileOfProcess, type FilePart, packagePart, placePart } from './file-part.ts';
import { Files } from './files.ts';
import type { PackageOwner } from './packages.ts';
import { processPart, unusual } from './process-lines.ts';
import { publishedLines } from './published.ts';
import { repositoryLines } from './repository.ts';
import { scriptOf } from './script.ts';

/** Maximum number of bytes read of passwd(5) and of /proc/stat. */
const MACHINE_LIMIT = 4 * 2 ** 20;

/**
 * Reads the evidence about a process, the quick parts first. Never rejects.
 * @param onEvidence called after each part with the evidence read so far; it is complete after the last part
 * @param isWanted returns false when no more evidence is needed: the reading stops, and the evidence stays incomplete
 * @param root `/`, or a fixture
 */
export async function readLinuxEvidence(
  target: ProcessTarget,
  onEvidence: (evidence: Evidence) => void,
  isWanted: () => boolean = () => true,
  root = '/',
): Promise<void> {
  const { pid, startedAtMs } = target;
  const files = new Files(root);
  const lines: EvidenceLine[] = [];
  const verdict: Finding[] = [];
  const report = (isComplete: boolean): void =>
    onEvidence({
      ...target,
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
  const machineStat = await files.text('/proc/stat', MACHINE_LIMIT);
  const reportEnded = (text: string): void => {
    verdict.length = 0;
    lines.splice(0, lines.length, { label: 'why', text, from: `/proc/${pid}` });
    report(true);
  };
  if (self === undefined) {
    reportEnded('the process has ended, or /proc cannot be read');
    return;
  }
  if (!isExpectedStart(self.stat, target, machineStat)) {
    reportEnded('the process has ended, and another one has its pid now');
    return;
  }
  const isElsewhere = await isInOtherMounts(pid, files);
  // The files that the process sees: those of a container are not those of the machine.
  const own = isElsewhere ? new Files(files.pathOf(`/proc/${pid}/root`)) : files;
  const users = parsePasswd((await files.text('/etc/passwd', MACHINE_LIMIT)) ?? '');
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
  const filesOfProcess: FileOfProcess[] = [];
  if (exe !== undefined)
    filesOfProcess.push({ label: 'program', path: exe, files, readAt: `/proc/${pid}/exe`, startedAtMs });
  else if (self.stat.isKernelThread)
    lines.push({ label: 'exe', text: 'a thread of the kernel', from: '/proc' });
  else
    lines.push({
      label: 'exe',
      text: unreadableText(),
      from: `/proc/${pid}/exe`,
    });
  if (script?.kind === 'script' || script?.kind === 'jar') {
    const path = resolve(directory ?? '/', script.text);
    // The descriptors of the process, not those of netpane.
    const isDescriptor = /^\/(?:dev|proc\/self)\/fd\/\d+$/.test(path);
    const readAt = isDescriptor ? `/proc/${pid}/fd/${path.slice(path.lastIndexOf('/') + 1)}` : path;
    filesOfProcess.push({ label: 'script', path, files: isDescriptor ? files : own, readAt, startedAtMs });
  } else if (script?.kind === 'code') {
    lines.push({ label: 'script', text: 'code on the command line', from: `/proc/${pid}/cmdline` });
    verdict.push(unusual('runs code from its command line'));
  } else if (script) lines.push({ label: script.kind, text: script.text, from: `/proc/${pid}/cmdline` });
  const owners: (PackageOwner | undefined)[] = [];
  for (const file of filesOfProcess) {
    if (!isWanted()) return;
    add(await placePart(file, own, userOf));
    report(false);
    const found = await packagePart(file, own);
    add(found);
    owners.push(found.owner);
    report(false);
  }
  // Digests come last, because reading large files takes longest.
  for (const [i, file] of filesOfProcess.entries()) {
    if (!isWanted()) return;
    add(await digestPart(file, owners[i], isWanted));
  }
  if (!isWanted()) return;
  // If another process got its pid meanwhile, some parts are about that one.
  const { startTicks } = parseStat((await files.text(`/proc/${pid}/stat`)) ?? '') ?? self.stat;
  if (startTicks === self.stat.startTicks) report(true);
  else reportEnded('the process has ended, and another one has its pid now');
}

/** Returns true if a process sees other files than netpane: it is in another mount namespace, as containers are. */
async function isInOtherMounts(pid: number, files: Files): Promise<boolean> {
  const [its, own] = await Promise.all([files.link(`/proc/${pid}/ns/mnt`), files.link('/proc/self/ns/mnt')]);
  return its !== undefined && own !== undefined && its !== own;
}

const unreadableText = (): string =>
  process.geteuid?.() === 0 ? 'cannot be read, even by root' : 'cannot be read: run netpane with sudo';
