import { createHash } from 'node:crypto';
import type { EvidenceLine, Finding } from '../../../model/evidence.ts';
import { type Files, withinTime } from './files.ts';
import { type PackageOwner, packageOf } from './packages.ts';
import { unusual, usual } from './process-lines.ts';

/** Folders in which every user may write. */
const SHARED = ['/tmp/', '/var/tmp/', '/dev/shm/'];

/** Suffix that the kernel appends to the path of a removed file. */
const DELETED = ' (deleted)';

const [OTHERS_WRITE, GROUP_WRITES, SETUID, SETGID] = [0o002, 0o020, 0o4000, 0o2000];

const CHUNK = 1024 * 1024;

/** Maximum size of a file whose digest is computed, bytes. */
const MAX_DIGESTED = 2 ** 30;

/** A part of the evidence about a file. */
export interface FilePart {
  readonly lines: readonly EvidenceLine[];
  readonly findings: readonly Finding[];
}

/** Where a process has a file. */
export interface FileOfProcess {
  /** `program` or `script`. */
  readonly label: string;
  /** Path as the kernel reports it, or as on the command line. Untrusted. */
  readonly path: string;
  /** The files among which it is read: those of the machine, or of its container. */
  readonly files: Files;
  /** Path by which netpane reads it: that of /proc/PID/exe is the running file, even if it was replaced. */
  readonly readAt: string;
  /** When the process started, milliseconds since 1970; a file that changed later is another one. */
  readonly startedAtMs: number | undefined;
}

/** Returns what the path and the rights of a file say. @param userOf returns the name of a user */
export async function placePart(
  { label, path, files, readAt, startedAtMs }: FileOfProcess,
  userOf: (uid: number) => string,
): Promise<FilePart> {
  const findings: Finding[] = [];
  const isMemory = path.startsWith('/memfd:');
  const isDeleted = !isMemory && path.endsWith(DELETED);
  const plain = isDeleted ? path.slice(0, -DELETED.length) : path;
  if (isMemory) findings.push(unusual(`${label} has no file: it runs from memory (memfd)`));
  if (isDeleted) {
    const now = await files.stat(plain);
    findings.push(unusual(now ? `${label} was replaced since it started` : `${label} was deleted`));
  }
  if (SHARED.some((folder) => plain.startsWith(folder)))
    findings.push(
      unusual(`${label} is in a folder for everybody (${plain.split('/').slice(0, -1).join('/')})`),
    );
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
  if ((mode & OTHERS_WRITE) !== 0) findings.push(unusual(`${label} is writable by everybody`));
  else if ((mode & GROUP_WRITES) !== 0) findings.push(unusual(`${label} is writable by a group`));
  if (uid !== 0) findings.push(unusual(`${label} is writable by ${userOf(uid)}`));
  if ((mode & SETUID) !== 0) findings.push(unusual(`${label} is setuid ${userOf(uid)}`));
  else if ((mode & SETGID) !== 0) findings.push(unusual(`${label} is setgid`));
  if (!isDeleted && startedAtMs !== undefined && mtimeMs > startedAtMs + 1000)
    findings.push(unusual(`${label} was written since the process started`));
  return { lines, findings };
}

/** Returns the package of a file. Resolves with its digest in the package, for a comparison. */
export async function packagePart(
  { label, path }: FileOfProcess,
  files: Files,
): Promise<FilePart & { readonly owner?: PackageOwner }> {
  const plain = path.endsWith(DELETED) ? path.slice(0, -DELETED.length) : path;
  if (!plain.startsWith('/') || plain.startsWith('/memfd:')) return { lines: [], findings: [] };
  const found = await packageOf(plain, files);
  if (found === 'unknown')
    return {
      lines: [{ label: 'package', text: 'no package database found', from: 'dpkg, apk, pacman' }],
      findings: [],
    };
  if (found === 'none')
    return {
      lines: [{ label: 'package', text: `none has ${plain}`, from: 'package database' }],
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

/**
 * Returns the digests of a file, compared with that of its package. Reads all of it, in pieces.
 * @param owner its package; absent if it has none, or no digest
 */
export async function digestPart(
  { label, files, readAt }: FileOfProcess,
  owner: PackageOwner | undefined,
): Promise<FilePart> {
  const size = (await files.stat(readAt))?.size ?? 0;
  if (size > MAX_DIGESTED)
    return { lines: [{ label: 'sha256', text: `not computed: ${size} bytes`, from: readAt }], findings: [] };
  const file = await files.regular(readAt);
  if (file === undefined) return unreadable(readAt);
  const expected = owner?.digest;
  const sha256 = createHash('sha256');
  const other = expected && expected.algorithm !== 'sha256' ? createHash(expected.algorithm) : undefined;
  const buffer = Buffer.allocUnsafe(CHUNK);
  try {
    // A file may grow while it is read.
    for (let read = 0; read <= MAX_DIGESTED; read += CHUNK) {
      const part = await withinTime(async () =>
        buffer.subarray(0, (await file.read(buffer, 0, CHUNK)).bytesRead),
      );
      if (part === undefined) return unreadable(readAt);
      if (part.length === 0) break;
      sha256.update(part);
      other?.update(part);
    }
  } finally {
    void withinTime(() => file.close());
  }
  const digest = sha256.digest('hex');
  const lines = [{ label: 'sha256', text: digest, from: readAt }];
  if (expected === undefined || owner === undefined) return { lines, findings: [] };
  const isEqual = (other ? other.digest('hex') : digest) === expected.hex;
  return {
    lines,
    findings: [
      isEqual ? usual(`${label} is as in its package`) : unusual(`${label} DIFFERS from its package`),
    ],
  };
}
