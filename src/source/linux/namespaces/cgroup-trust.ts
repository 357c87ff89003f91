import { statSync } from 'node:fs';
import { LIMIT, type Proc } from '../proc/proc.ts';

/** Cgroup paths up to the part that root made, and the user who may have made the rest. */
export interface TrustedPaths {
  /** Text as in /proc/PID/cgroup, each path truncated after the first folder that an ordinary user owns. */
  readonly text: string;
  /** Uid of that user; undefined if root made all folders. */
  readonly claimant: number | undefined;
}

/** Folder that systemd delegates to a user: user@.service(5). */
const USER_MANAGER = /^user@(\d+)\.service$/;

/** Matches a line of /proc/PID/mountinfo: a cgroup file system mounted from its root, with its options. */
const MOUNT = /^\d+ \d+ \d+:\d+ \/ (\S+) .* - (cgroup2?) \S+ (\S+)$/gm;

/** A cgroup hierarchy and its mount point. */
interface CgroupMount {
  readonly path: string;
  readonly type: string;
  readonly options: ReadonlySet<string>;
}

/**
 * Determines which part of a cgroup path only root can have made. A user with a delegated folder (cgroups(7)) can
 * create cgroups with any name in it, and so imitate any container.
 */
export class CgroupTrust {
  readonly #proc: Proc;
  readonly #ownerOf: (path: string) => number | undefined;
  #mounts: readonly CgroupMount[] | undefined;

  /** @param ownerOf Returns the uid of the owner of a folder; undefined if it cannot be read. */
  constructor(proc: Proc, ownerOf: (path: string) => number | undefined = ownerOfFolder) {
    this.#proc = proc;
    this.#ownerOf = ownerOf;
  }

  /** Returns the trusted part of the paths. @param cgroupText text of /proc/PID/cgroup */
  trustedPathsOf(cgroupText: string): TrustedPaths {
    let claimant: number | undefined;
    const lines = cgroupText.split('\n').map((line) => {
      const [, hierarchy, controllers, path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
      if (hierarchy === undefined || controllers === undefined || path === undefined) return line;
      const trusted = this.#truncate(this.#mountOf(controllers), path);
      claimant ??= trusted.claimant;
      return `${hierarchy}:${controllers}:${trusted.path}`;
    });
    return { text: lines.join('\n'), claimant };
  }

  /** Truncates a path after the first folder that an ordinary user owns. */
  #truncate(mount: string | undefined, path: string): { path: string; claimant: number | undefined } {
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

  /** Returns the mount point of the hierarchy with these controllers; version 2 has no controllers here. */
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
