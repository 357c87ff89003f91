import { statSync } from 'node:fs';
import { LIMIT, type Proc } from './proc.ts';

/** A cgroup path as far as root made it, and the user who may have made the rest. */
export interface Trusted {
  /** As /proc/PID/cgroup, with each path cut behind the first folder that another user owns. */
  readonly text: string;
  /** Uid of that user; undefined where root made all of it. */
  readonly claimant: number | undefined;
}

/** A folder that systemd hands to its user: user@.service(5). */
const USER_MANAGER = /^user@(\d+)\.service$/;

/** Fields of /proc/PID/mountinfo: a file system of cgroups that is mounted whole, and its options. */
const MOUNT = /^\d+ \d+ \d+:\d+ \/ (\S+) .* - (cgroup2?) \S+ (\S+)$/gm;

/** A hierarchy of cgroups and where it is mounted. */
interface CgroupMount {
  readonly path: string;
  readonly type: string;
  readonly options: ReadonlySet<string>;
}

/**
 * Tells which cgroups of a path only root can have made. A user to whom a folder of cgroups was handed makes others in it and
 * calls them as it likes (cgroups(7), delegation), and so can pass for any container.
 */
export class CgroupTrust {
  readonly #proc: Proc;
  readonly #ownerOf: (path: string) => number | undefined;
  #mounts: readonly CgroupMount[] | undefined;

  /** @param ownerOf uid of the owner of a folder; undefined where that cannot be seen */
  constructor(proc: Proc, ownerOf: (path: string) => number | undefined = ownerOfFolder) {
    this.#proc = proc;
    this.#ownerOf = ownerOf;
  }

  /** @param cgroupText of /proc/PID/cgroup */
  of(cgroupText: string): Trusted {
    let claimant: number | undefined;
    const lines = cgroupText.split('\n').map((line) => {
      const [, hierarchy, controllers, path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
      if (hierarchy === undefined || controllers === undefined || path === undefined) return line;
      const cut = this.#cut(this.#mountOf(controllers), path);
      claimant ??= cut.claimant;
      return `${hierarchy}:${controllers}:${cut.path}`;
    });
    return { text: lines.join('\n'), claimant };
  }

  #cut(mount: string | undefined, path: string): { path: string; claimant: number | undefined } {
    let trusted = '';
    for (const folder of path.split('/').slice(1)) {
      trusted += `/${folder}`;
      const manager = USER_MANAGER.exec(folder)?.[1];
      const owner =
        (mount === undefined ? undefined : this.#ownerOf(mount + trusted)) ??
        (manager === undefined ? 0 : Number(manager));
      if (owner !== 0) return { path: trusted, claimant: owner };
    }
    return { path: trusted, claimant: undefined };
  }

  /** Where the hierarchy of these controllers is mounted; that of version 2 has none. */
  #mountOf(controllers: string): string | undefined {
    this.#mounts ??= this.#readMounts();
    const wanted = controllers.split(',');
    return this.#mounts.find(({ type, options }) =>
      controllers === '' ? type === 'cgroup2' : type === 'cgroup' && wanted.every((it) => options.has(it)),
    )?.path;
  }

  #readMounts(): CgroupMount[] {
    const text = this.#proc.text('self/mountinfo', LIMIT.machine);
    return [...('value' in text ? text.value : '').matchAll(MOUNT)].map(
      ([, path = '', type = '', options = '']) => ({
        path,
        type,
        options: new Set(options.split(',')),
      }),
    );
  }
}

function ownerOfFolder(path: string): number | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.uid;
  } catch {
    return undefined;
  }
}
