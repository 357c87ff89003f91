import { execFile } from 'node:child_process';
import type { Files } from './files.ts';

/** The package that a file belongs to. */
export interface PackageOwner {
  /** Name and version. */
  readonly text: string;
  /** Package manager of the database: `dpkg`, `apk`, `pacman`, `rpm`. */
  readonly from: string;
  /** Digest of the file in the package; absent if the database has none. */
  readonly digest?: { readonly algorithm: 'md5' | 'sha1' | 'sha256'; readonly hex: string };
}

/** Result of a search: the package; `none` if no package has the file; `unknown` if a database cannot be read, or none is there. */
export type PackageResult = PackageOwner | 'none' | 'unknown';

/** Maximum number of bytes read of a database file: the list of the largest package has a few megabytes. */
const LIST_LIMIT = 16 * 2 ** 20;
/** Maximum number of lists that are read at once. */
const AT_ONCE = 16;

const DPKG = '/var/lib/dpkg';
const APK = '/lib/apk/db/installed';
const PACMAN = '/var/lib/pacman/local';

/** Folders in which packages have no files: databases are not searched for these (Filesystem Hierarchy Standard). */
const WITHOUT_PACKAGES = ['/tmp/', '/var/tmp/', '/dev/', '/proc/', '/run/', '/home/'];

/** Returns the paths that a file may have in a database: /bin, /sbin and /lib are links into /usr on many systems. */
export function aliasesOf(path: string): readonly string[] {
  const without = /^\/usr(\/(?:bin|sbin|lib|lib32|lib64)\/.*)$/.exec(path)?.[1];
  const within = /^\/(?:bin|sbin|lib|lib32|lib64)\//.test(path) ? `/usr${path}` : undefined;
  return [path, ...(without === undefined ? [] : [without]), ...(within === undefined ? [] : [within])];
}

/**
 * Runs a program without a shell. Resolves to its output, '' if its exit code is not 0; undefined if it cannot be
 * started, takes too long or prints too much.
 */
export type Run = (program: string, args: readonly string[]) => Promise<string | undefined>;

/** Maximum time for rpm, milliseconds. */
const RPM_MS = 3000;

const runProgram: Run = (program, args) =>
  new Promise((resolve) => {
    execFile(program, args, { timeout: RPM_MS, maxBuffer: LIST_LIMIT, encoding: 'utf8' }, (error, stdout) =>
      resolve(error === null ? stdout : typeof error.code === 'number' ? '' : undefined),
    );
  });

/** Returns true if a file is in a folder without files of packages. */
export const isWithoutPackage = (path: string): boolean =>
  WITHOUT_PACKAGES.some((folder) => path.startsWith(folder));

/** Finds the package of a file in the databases of dpkg, apk, pacman and rpm. A machine may have several. */
export async function packageOf(path: string, files: Files, run = runProgram): Promise<PackageResult> {
  // Databases have one path per line: a path that contains a line end would match two lines.
  if (isWithoutPackage(path) || path.includes('\n')) return 'none';
  const paths = aliasesOf(path);
  let result: 'none' | 'unknown' | undefined;
  for (const find of [dpkgOwner, apkOwner, pacmanOwner, rpmOwner]) {
    const found = await find(paths, files, run);
    if (found === undefined) continue;
    if (typeof found !== 'string') return found;
    result = result === 'unknown' ? result : found;
  }
  return result ?? 'unknown';
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

/** Returns true if one of the lines is a whole line of a text. */
const hasLine = (text: Buffer, lines: readonly Buffer[]): boolean =>
  lines.some((line) => {
    for (let at = text.indexOf(line); at >= 0; at = text.indexOf(line, at + 1)) {
      const end = at + line.length;
      if ((at === 0 || text[at - 1] === NEWLINE) && (end === text.length || text[end] === NEWLINE))
        return true;
    }
    return false;
  });

/**
 * Returns the first package whose list has one of the lines; reads several lists at once.
 * @param listOf returns the path of the list of a package
 * @returns `none` if no list has one; `unknown` if none has one and a list cannot be read
 */
async function packageWith(
  names: readonly string[],
  listOf: (name: string) => string,
  lines: readonly Buffer[],
  files: Files,
): Promise<{ readonly name: string } | 'none' | 'unknown'> {
  let isAllRead = true;
  for (let start = 0; start < names.length; start += AT_ONCE) {
    const some = names.slice(start, start + AT_ONCE);
    const texts = await Promise.all(some.map((name) => files.bytes(listOf(name), LIST_LIMIT)));
    const name = some[texts.findIndex((text) => text !== undefined && hasLine(text, lines))];
    if (name !== undefined) return { name };
    isAllRead &&= !texts.includes(undefined);
  }
  return isAllRead ? 'none' : 'unknown';
}

/**
 * Returns the package of a file in the database of dpkg (dpkg(1)): a list of files for each package, one path in a line;
 * digests and versions are in other files. Like the other `…Owner` functions, returns undefined without this database.
 */
async function dpkgOwner(paths: readonly string[], files: Files): Promise<PackageResult | undefined> {
  const names = await files.names(`${DPKG}/info`);
  if (names === undefined) return undefined;
  const packages = names.filter((it) => it.endsWith('.list')).map((it) => it.slice(0, -'.list'.length));
  // Packages whose name begins with that of the file are searched first: often a package has the name of its program.
  const base = paths[0]?.split('/').at(-1) ?? '';
  const likely = packages.toSorted((a, b) => Number(b.startsWith(base)) - Number(a.startsWith(base)));
  const lines = paths.map((path) => Buffer.from(path));
  const found = await packageWith(likely, (it) => `${DPKG}/info/${it}.list`, lines, files);
  if (typeof found === 'string') return found;
  const { name } = found;
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

/**
 * Returns the package of a file in the database of apk (apk(8)), one file with a block for each package. In a block P is the
 * name, V the version, F a folder, R a file, and Z its digest.
 */
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

/**
 * Returns the package of a file in the database of pacman: a folder for each package, with a list of its files (without the
 * first slash) below `%FILES%`.
 */
async function pacmanOwner(paths: readonly string[], files: Files): Promise<PackageResult | undefined> {
  const names = await files.names(PACMAN);
  if (names === undefined) return undefined;
  const lines = paths.map((path) => Buffer.from(path.slice(1)));
  // `name-version-release`; the file ALPM_DB_VERSION is no package.
  const packages = names.filter((it) => it.includes('-'));
  const found = await packageWith(packages, (it) => `${PACMAN}/${it}/files`, lines, files);
  if (typeof found === 'string') return found;
  const folder = found.name;
  const at = folder.lastIndexOf('-', folder.lastIndexOf('-') - 1);
  return { text: `${folder.slice(0, at)} ${folder.slice(at + 1)}`, from: 'pacman' };
}

/** Files of the databases of rpm. netpane only checks that one exists, and runs rpm to read it. */
const RPM_DATABASES = [
  '/var/lib/rpm/rpmdb.sqlite',
  '/usr/lib/sysimage/rpm/rpmdb.sqlite',
  '/var/lib/rpm/Packages.db',
  '/usr/lib/sysimage/rpm/Packages.db',
  '/var/lib/rpm/Packages',
];

/**
 * Returns the package of a file by the program rpm, which reads its own database. A line of its dump is
 * `path size mtime digest mode …` (rpm(8)).
 */
async function rpmOwner(
  paths: readonly string[],
  files: Files,
  run: Run,
): Promise<PackageResult | undefined> {
  const found = await Promise.all(RPM_DATABASES.map((path) => files.stat(path)));
  if (found.every((it) => it === undefined)) return undefined;
  for (const path of paths) {
    const name = await run('rpm', ['-qf', '--qf', '%{NAME} %{VERSION}-%{RELEASE}\n', '--', path]);
    if (name === undefined) return 'unknown';
    const text = name.split('\n')[0] ?? '';
    if (text === '') continue;
    const dump = await run('rpm', ['-qf', '--dump', '--', path]);
    const line = dump?.split('\n').find((it) => it.startsWith(`${path} `));
    const hex = /^ \d+ \d+ ([0-9a-f]{64}) /.exec(line?.slice(path.length) ?? '')?.[1];
    return { text, from: 'rpm', ...(hex !== undefined && { digest: { algorithm: 'sha256', hex } }) };
  }
  return 'none';
}
