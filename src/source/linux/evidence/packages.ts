import { execFile } from 'node:child_process';
import type { Files } from './files.ts';

/** The package that a file belongs to. */
export interface PackageOwner {
  /** Name and version. */
  readonly text: string;
  /** The database. */
  readonly from: string;
  /** Digest of the file in the package; absent if the database has none. */
  readonly digest?: { readonly algorithm: 'md5' | 'sha1' | 'sha256'; readonly hex: string };
}

/** Result of a search: the package, `none` if the databases have none, `unknown` if there is no database. */
export type PackageResult = PackageOwner | 'none' | 'unknown';

/** Maximum size of a database file, bytes: the list of the largest packages has a few megabytes. */
const LIST_LIMIT = 16 * 2 ** 20;
/** Number of lists that are read at once. */
const AT_ONCE = 16;

const DPKG = '/var/lib/dpkg';
const APK = '/lib/apk/db/installed';
const PACMAN = '/var/lib/pacman/local';

/** Folders in which no package has files: nothing is searched for them (Filesystem Hierarchy Standard). */
const WITHOUT_PACKAGES = [
  '/tmp/',
  '/var/tmp/',
  '/dev/',
  '/proc/',
  '/run/',
  '/home/',
  '/root/',
  '/usr/local/',
];

/** Returns the names that a file may have in a database: /bin, /sbin and /lib are links into /usr on many systems. */
export function aliasesOf(path: string): readonly string[] {
  const without = /^\/usr(\/(?:bin|sbin|lib|lib32|lib64)\/.*)$/.exec(path)?.[1];
  const within = /^\/(?:bin|sbin|lib|lib32|lib64)\//.test(path) ? `/usr${path}` : undefined;
  return [path, ...(without === undefined ? [] : [without]), ...(within === undefined ? [] : [within])];
}

/** Runs a program without a shell. Resolves to its output; undefined if it fails or takes too long. */
export type Run = (program: string, args: readonly string[]) => Promise<string | undefined>;

/** Maximum time for rpm, milliseconds. */
const RPM_MS = 3000;

const runProgram: Run = (program, args) =>
  new Promise((resolve) => {
    execFile(program, args, { timeout: RPM_MS, maxBuffer: LIST_LIMIT, encoding: 'utf8' }, (error, stdout) =>
      resolve(error ? undefined : stdout),
    );
  });

/** Finds the package of a file in the databases of dpkg, apk, pacman and rpm. */
export async function packageOf(path: string, files: Files, run = runProgram): Promise<PackageResult> {
  if (WITHOUT_PACKAGES.some((folder) => path.startsWith(folder))) return 'none';
  const paths = aliasesOf(path);
  let hasDatabase = false;
  for (const find of [dpkgOwner, apkOwner, pacmanOwner, rpmOwner]) {
    const found = await find(paths, files, run);
    if (found === undefined) continue;
    if (found !== 'none') return found;
    hasDatabase = true;
  }
  return hasDatabase ? 'none' : 'unknown';
}

/** Returns the names of the package databases of this machine. */
export async function packageDatabases(files: Files): Promise<readonly string[]> {
  const paths = { dpkg: [`${DPKG}/info`], apk: [APK], pacman: [PACMAN], rpm: RPM_DATABASES };
  const found = await Promise.all(
    Object.entries(paths).map(async ([name, any]) => {
      const stats = await Promise.all(any.map((path) => files.stat(path)));
      return stats.some((it) => it !== undefined) ? [name] : [];
    }),
  );
  return found.flat();
}

const NEWLINE = 0x0a;

/** Returns true if a text has one of the lines. */
const hasLine = (text: Buffer, lines: readonly Buffer[]): boolean =>
  lines.some((line) => {
    for (let at = text.indexOf(line); at >= 0; at = text.indexOf(line, at + 1)) {
      const end = at + line.length;
      if ((at === 0 || text[at - 1] === NEWLINE) && (end === text.length || text[end] === NEWLINE))
        return true;
    }
    return false;
  });

/** Returns the first item that a check accepts; checks several at once. */
async function firstOf<T>(items: readonly T[], check: (item: T) => Promise<boolean>): Promise<T | undefined> {
  for (let start = 0; start < items.length; start += AT_ONCE) {
    const some = items.slice(start, start + AT_ONCE);
    const accepted = await Promise.all(some.map(check));
    const at = accepted.indexOf(true);
    if (at >= 0) return some[at];
  }
  return undefined;
}

/** dpkg: a list of files for each package, one path in a line; digests and versions in other files (dpkg(1)). */
async function dpkgOwner(paths: readonly string[], files: Files): Promise<PackageResult | undefined> {
  const names = await files.names(`${DPKG}/info`);
  if (names === undefined) return undefined;
  const lists = names.filter((name) => name.endsWith('.list'));
  // A package is often named as its program.
  const lines = paths.map((path) => Buffer.from(path));
  const base = paths[0]?.split('/').at(-1) ?? '';
  const likely = lists.toSorted((a, b) => Number(b.startsWith(base)) - Number(a.startsWith(base)));
  const list = await firstOf(likely, async (name) => {
    const text = await files.bytes(`${DPKG}/info/${name}`, LIST_LIMIT);
    return text !== undefined && hasLine(text, lines);
  });
  if (list === undefined) return 'none';
  const name = list.slice(0, -'.list'.length);
  const [sums, status] = await Promise.all([
    files.text(`${DPKG}/info/${name}.md5sums`, LIST_LIMIT),
    files.text(`${DPKG}/status`, LIST_LIMIT),
  ]);
  const hex = sums
    ?.split('\n')
    .find((line) => paths.includes(`/${line.slice(34)}`))
    ?.slice(0, 32);
  const version = status === undefined ? undefined : dpkgVersion(status, name);
  return {
    text: version === undefined ? name : `${name} ${version}`,
    from: 'dpkg',
    ...(hex !== undefined && { digest: { algorithm: 'md5', hex } }),
  };
}

/** Returns the version of a package in the status file. @param name with `:arch` if several are installed */
function dpkgVersion(status: string, name: string): string | undefined {
  const [plain = '', architecture] = name.split(':');
  for (const block of status.split('\n\n')) {
    if (!block.startsWith(`Package: ${plain}\n`)) continue;
    if (architecture !== undefined && !block.includes(`\nArchitecture: ${architecture}\n`)) continue;
    const line = block.split('\n').find((it) => it.startsWith('Version: '));
    if (line !== undefined) return line.slice('Version: '.length);
  }
  return undefined;
}

/** apk: one file with a block for each package: P name, V version, F folder, R file, Z digest (apk(8)). */
async function apkOwner(paths: readonly string[], files: Files): Promise<PackageResult | undefined> {
  const text = await files.text(APK, LIST_LIMIT);
  if (text === undefined) return undefined;
  let [name, version, folder, isIt] = ['', '', '', false];
  for (const line of text.split('\n')) {
    const value = line.slice(2);
    if (isIt) {
      const hex = line.startsWith('Z:Q1') ? Buffer.from(line.slice(4), 'base64').toString('hex') : undefined;
      if (hex !== undefined || !line.startsWith('a:'))
        return {
          text: `${name} ${version}`,
          from: 'apk',
          ...(hex !== undefined && { digest: { algorithm: 'sha1', hex } }),
        };
    } else if (line.startsWith('P:')) [name, folder] = [value, ''];
    else if (line.startsWith('V:')) version = value;
    else if (line.startsWith('F:')) folder = value;
    else if (line.startsWith('R:')) isIt = paths.includes(`/${folder === '' ? '' : `${folder}/`}${value}`);
  }
  return isIt ? { text: `${name} ${version}`, from: 'apk' } : 'none';
}

/** pacman: a folder for each package, with a list of its files (without the first slash) below `%FILES%`. */
async function pacmanOwner(paths: readonly string[], files: Files): Promise<PackageResult | undefined> {
  const names = await files.names(PACMAN);
  if (names === undefined) return undefined;
  const lines = paths.map((path) => Buffer.from(path.slice(1)));
  const folder = await firstOf(names, async (name) => {
    const text = await files.bytes(`${PACMAN}/${name}/files`, LIST_LIMIT);
    return text !== undefined && hasLine(text, lines);
  });
  if (folder === undefined) return 'none';
  // `name-version-release`
  const at = folder.lastIndexOf('-', folder.lastIndexOf('-') - 1);
  return { text: `${folder.slice(0, at)} ${folder.slice(at + 1)}`, from: 'pacman' };
}

/** Files of the databases of rpm: only rpm itself reads them. */
const RPM_DATABASES = [
  '/var/lib/rpm/rpmdb.sqlite',
  '/usr/lib/sysimage/rpm/rpmdb.sqlite',
  '/var/lib/rpm/Packages.db',
  '/usr/lib/sysimage/rpm/Packages.db',
  '/var/lib/rpm/Packages',
];

/** rpm: asks the program. A line of its dump is `path size mtime digest mode …` (rpm(8)). */
async function rpmOwner(
  paths: readonly string[],
  files: Files,
  run: Run,
): Promise<PackageResult | undefined> {
  const found = await Promise.all(RPM_DATABASES.map((path) => files.stat(path)));
  if (found.every((it) => it === undefined)) return undefined;
  for (const path of paths) {
    const name = await run('rpm', ['-qf', '--qf', '%{NAME} %{VERSION}-%{RELEASE}\n', '--', path]);
    const text = name?.split('\n')[0] ?? '';
    if (text === '') continue;
    const dump = await run('rpm', ['-qf', '--dump', '--', path]);
    const line = dump?.split('\n').find((it) => it.startsWith(`${path} `));
    const hex = /^ \d+ \d+ ([0-9a-f]{64}) /.exec(line?.slice(path.length) ?? '')?.[1];
    return { text, from: 'rpm', ...(hex !== undefined && { digest: { algorithm: 'sha256', hex } }) };
  }
  return 'none';
}
