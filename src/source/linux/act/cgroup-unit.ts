/** The line of systemd in /proc/PID/cgroup: of cgroup v2, or of its hierarchy in cgroup v1 (cgroups(7)). */
const SYSTEMD_LINE = /^(?:0:|\d+:name=systemd):(\/.*)$/m;

/** A systemd service: the name of its unit, and the path of its cgroup. */
export interface Unit {
  readonly name: string;
  readonly path: string;
}

/**
 * Returns the innermost systemd service of a process; undefined if it is in none. The manager of a user,
 * `user@1000.service`, does not count: it contains the services of that user. The name is untrusted, because users may name
 * cgroups below their own as they like.
 * @param cgroupText text of /proc/PID/cgroup
 */
export function unitOf(cgroupText: string): Unit | undefined {
  const path = SYSTEMD_LINE.exec(cgroupText)?.[1];
  if (path === undefined) return undefined;
  const folders = path.split('/');
  const at = folders.findLastIndex((it) => it.endsWith('.service') && !it.startsWith('user@'));
  const name = folders[at];
  return name === undefined ? undefined : { name, path: folders.slice(0, at + 1).join('/') };
}

/** Returns true if a process is in the cgroup of a service or in one below it. @param cgroupText as in `unitOf` */
export function isInUnit(cgroupText: string, { path }: Unit): boolean {
  const own = SYSTEMD_LINE.exec(cgroupText)?.[1];
  return own !== undefined && (own === path || own.startsWith(`${path}/`));
}
