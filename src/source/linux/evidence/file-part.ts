import { createHash, type Hash } from 'node:crypto';
import type { EvidenceLine, Finding } from '../../../model/evidence.ts';
import { withoutDeleted } from '../proc/process.ts';
import { type Files, withinTime } from './files.ts';
import { isWithoutPackage, type PackageOwner, packageOf } from './packages.ts';
import { unusual, usual } from './process-lines.ts';

/** Returns a hash; undefined if this Node lacks the algorithm, as MD5 in FIPS mode. */
function hashOf(algorithm: string): Hash | undefined {
  try {
    return createHash(algorithm);
  } catch {
    return undefined;
  }
}

/** Folders in which every user may write. */
const SHARED = ['/tmp', '/var/tmp', '/dev/shm'];

/** Bits of a mode (inode(7)). */
const [OTHERS_WRITE, GROUP_WRITES, SETUID, SETGID] = [0o002, 0o020, 0o4000, 0o2000];

/** Number of bytes per read. */
const CHUNK = 1024 * 1024;

/** Maximum size of a file whose digest is computed, bytes. */
const MAX_DIGESTED = 2 ** 30;

/** A part of the evidence about a file. */
export interface FilePart {
  readonly lines: readonly EvidenceLine[];
  readonly findings: readonly Finding[];
}

/** The program file of a process, or the script that it runs. */
export interface FileOfProcess {
  readonly label: 'program' | 'script';
  /** Path as the kernel reports it, or as on the command line. Untrusted. */
  readonly path: string;
  /** Path at which netpane reads it: /proc/PID/exe is the running file, even if another one has its path now. */
  readonly readAt: string;
  /** The files that `readAt` belongs to: those of the machine, or of a container. */
  readonly files: Files;
  /** Wall-clock start of the process, milliseconds since 1970; undefined if unknown. */
  readonly startedAtMs: number | undefined;
}

/**
 * Returns lines and findings about the path and the mode of a file.
 * @param own the files that the process sees
 * @param userOf returns the name of a user
 */
export async function placePart(
  { label, path, files, readAt, startedAtMs }: FileOfProcess,
  own: Files,
  userOf: (uid: number) => string,
): Promise<FilePart> {
  const findings: Finding[] = [];
  const isMemory = path.startsWith('/memfd:');
  const plain = isMemory ? path : withoutDeleted(path);
  const isDeleted = plain !== path;
  if (isMemory) findings.push(unusual(`${label} has no file: it runs from memory (memfd)`));
  if (isDeleted) {
    const now = await own.stat(plain);
    findings.push(unusual(now ? `${label} was replaced since it started` : `${label} was deleted`));
  }
  const shared = SHARED.find((folder) => plain.startsWith(`${folder}/`));
  if (shared !== undefined) findings.push(unusual(`${label} is below ${shared}, where every user may write`));
  else if (plain.startsWith('/home/')) findings.push(unusual(`${label} is in a home directory`));
  const stats = await files.stat(readAt);
  const lines: EvidenceLine[] = [{ label: label === 'program' ? 'exe' : label, text: path, from: readAt }];
  if (stats === undefined) return { lines, findings };
  const { mode, uid, size, mtimeMs } = stats;
  const rights = (mode & 0o7777).toString(8).padStart(4, '0');
  lines.push({
    label: 'mode',
    text: `${rights}, owner ${userOf(uid)}, ${size} bytes, written ${new Date(mtimeMs).toLocaleString('sv')}`,
    from: 'stat(2)',
  });
  if ((mode & OTHERS_WRITE) !== 0) findings.push(unusual(`${label} is writable by every user`));
  else if ((mode & GROUP_WRITES) !== 0) findings.push(unusual(`${label} is writable by a group`));
  if (uid !== 0) findings.push(unusual(`${label} belongs to ${userOf(uid)}, not to root`));
  if ((mode & SETUID) !== 0) findings.push(unusual(`${label} is setuid ${userOf(uid)}`));
  else if ((mode & SETGID) !== 0) findings.push(unusual(`${label} is setgid`));
  if (!isDeleted && startedAtMs !== undefined && mtimeMs > startedAtMs + 1000)
    findings.push(unusual(`${label} was written since the process started`));
  return { lines, findings };
}

/**
 * Returns the package of a file, as lines and findings, and as `owner` for `digestPart`.
 * @param own the files that the process sees, with the databases
 */
export async function packagePart(
  { label, path }: FileOfProcess,
  own: Files,
): Promise<FilePart & { readonly owner?: PackageOwner }> {
  const plain = withoutDeleted(path);
  if (!plain.startsWith('/') || plain.startsWith('/memfd:')) return { lines: [], findings: [] };
  const found = await packageOf(plain, own);
  if (found === 'unknown')
    return {
      lines: [
        {
          label: 'package',
          text: 'unknown: no package database could be read',
          from: 'dpkg, apk, pacman, rpm',
        },
      ],
      findings: [],
    };
  if (found === 'none')
    return {
      lines: [
        {
          label: 'package',
          text: `no package has ${plain}`,
          from: isWithoutPackage(plain) ? 'its folder, which is not for packages' : 'package database',
        },
      ],
      findings: [unusual(`${label} is not from a package`)],
    };
  return {
    lines: [{ label: 'package', text: found.text, from: found.from }],
    findings: [usual(`${label} is from ${found.text}`)],
    owner: found,
  };
}

const unreadable = (readAt: string): FilePart => ({
  lines: [{ label: 'sha256', text: 'cannot be read', from: readAt }],
  findings: [],
});

const tooLarge = (readAt: string): FilePart => ({
  lines: [{ label: 'sha256', text: `not computed: more than ${MAX_DIGESTED} bytes`, from: readAt }],
  findings: [],
});

/**
 * Returns the SHA-256 of a file, and a finding that says if its digest is that in its package. Reads the whole file, in
 * pieces.
 * @param owner its package; undefined if it has none
 * @param isWanted returns false when the digest is no longer needed; then there are no lines
 */
export async function digestPart(
  { label, files, readAt }: FileOfProcess,
  owner: PackageOwner | undefined,
  isWanted: () => boolean,
): Promise<FilePart> {
  const size = (await files.stat(readAt))?.size ?? 0;
  if (size > MAX_DIGESTED) return tooLarge(readAt);
  const file = await files.regular(readAt);
  if (file === undefined) return unreadable(readAt);
  const expected = owner?.digest;
  const sha256 = createHash('sha256');
  const other = expected && expected.algorithm !== 'sha256' ? hashOf(expected.algorithm) : undefined;
  const buffer = Buffer.allocUnsafe(CHUNK);
  try {
    for (let length = 0; ;) {
      if (!isWanted()) return { lines: [], findings: [] };
      const part = await withinTime(async () =>
        buffer.subarray(0, (await file.read(buffer, 0, CHUNK)).bytesRead),
      );
      if (part === undefined) return unreadable(readAt);
      if (part.length === 0) break;
      length += part.length;
      // The file grows while it is read.
      if (length > MAX_DIGESTED) return tooLarge(readAt);
      sha256.update(part);
      other?.update(part);
    }
  } finally {
    file.close().catch(() => {});
  }
  const digest = sha256.digest('hex');
  const lines = [{ label: 'sha256', text: digest, from: readAt }];
  const compared = expected?.algorithm === 'sha256' ? digest : other?.digest('hex');
  if (expected === undefined || compared === undefined) return { lines, findings: [] };
  const isEqual = compared === expected.hex;
  return {
    lines,
    findings: [
      isEqual ? usual(`${label} is as in its package`) : unusual(`${label} DIFFERS from its package`),
    ],
  };
}
