// Packages of Debian for arm64, for an emulated machine: fetched by apt, with folders of its own, from the archive that this
// machine uses. apt checks their signatures. The system's packages stay as they are.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The first release whose kernel has all that the ledger needs (Linux 6.10). */
const RELEASE = 'trixie';
const KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';
/** The newest kernel for machines in a cloud: the smallest one. It is a package that depends on the kernel's own. */
const KERNEL = 'linux-image-cloud-arm64';
const SHELL = 'busybox-static';

/** Returns the archive of Debian that apt uses on this machine; undefined without one. */
function debianArchive() {
  const format = ['indextargets', '--format', '$(ORIGIN)/$(LABEL) $(REPO_URI)'];
  const { stdout } = spawnSync('apt-get', format, { encoding: 'utf8' });
  return existsSync(KEYS) ? /^Debian\/Debian (\S+)$/m.exec(stdout ?? '')?.[1] : undefined;
}

/** Returns a folder with the unpacked kernel and shell. Fetches them if it is not there; returns undefined if they cannot be fetched. */
export function fetchedSystem(cache) {
  const folder = join(cache, `debian-${RELEASE}`);
  if (existsSync(folder)) return folder;
  const archive = debianArchive();
  if (archive === undefined) return undefined;
  const unfinished = `${folder}.part`;
  const apt = `${folder}.apt`;
  for (const it of [unfinished, apt]) rmSync(it, { recursive: true, force: true });
  for (const part of ['lists/partial', 'archives/partial', 'packages'])
    mkdirSync(join(apt, part), { recursive: true });
  const options = {
    cwd: join(apt, 'packages'),
    env: { ...process.env, APT_CONFIG: configured(apt, archive) },
  };
  const succeeds = (command, ...args) =>
    spawnSync(command, args, { ...options, stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;

  if (!succeeds('apt-get', '-qq', 'update')) return undefined;
  const { stdout } = spawnSync('apt-cache', ['depends', KERNEL], { ...options, encoding: 'utf8' });
  const kernel = /Depends: (linux-image-\S+)/.exec(stdout)?.[1];
  if (kernel === undefined || !succeeds('apt-get', '-qq', 'download', kernel, SHELL)) return undefined;
  if (!readdirSync(options.cwd).every((file) => succeeds('dpkg-deb', '-x', file, unfinished)))
    return undefined;
  rmSync(apt, { recursive: true });
  renameSync(unfinished, folder);
  return folder;
}

/** Writes a configuration of apt that keeps everything in a folder, and returns its path. */
function configured(folder, archive) {
  const sources = join(folder, 'sources.list');
  writeFileSync(sources, `deb [arch=arm64 signed-by=${KEYS}] ${archive} ${RELEASE} main\n`);
  const settings = {
    'APT::Architecture': 'arm64',
    'APT::Architectures::': 'arm64',
    'APT::Sandbox::User': 'root',
    'APT::Update::Error-Mode': 'any',
    'Dir::Cache': folder,
    'Dir::Etc::SourceList': sources,
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State': folder,
    'Dir::State::status': '/dev/null',
  };
  const config = join(folder, 'apt.conf');
  writeFileSync(
    config,
    Object.entries(settings)
      .map(([name, value]) => `${name} "${value}";\n`)
      .join(''),
  );
  return config;
}
