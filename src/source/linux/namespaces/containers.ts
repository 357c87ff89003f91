/** Engine that made a container; `container` if its cgroup does not show it. */
export type ContainerKind =
  | 'docker'
  | 'podman'
  | 'kubernetes'
  | 'containerd'
  | 'lxc'
  | 'nspawn'
  | 'container';

/** A container, parsed from a cgroup path. Names are untrusted text. */
export interface Container {
  readonly kind: ContainerKind;
  /** 64 hexadecimal digits. */
  readonly id?: string;
  /** Name, if the path contains it; other names are in files (`ContainerNames`). */
  readonly name?: string;
  /** Uid of the Kubernetes pod: 32 digits, with or without dashes. */
  readonly pod?: string;
  /** Uid of the user in whose slice the container runs: a rootless container. */
  readonly user?: number;
  /** The outermost container around a nested one. The files of a nested container are not among those of the host. */
  readonly within?: Container;
}

interface Form {
  readonly kind: ContainerKind;
  /** Matches the name of a cgroup folder; the capture group is `id` or `name`. */
  readonly pattern: RegExp;
}

/** Folder names that identify a container. fixtures/linux/containers/README.md lists the source of each form. */
const FORMS: readonly Form[] = [
  { kind: 'docker', pattern: /(?:^|:)docker[-:](?<id>[0-9a-f]{64})(?:\.scope)?$/ },
  { kind: 'podman', pattern: /^libpod-(?:payload-)?(?<id>[0-9a-f]{64})(?:\.scope)?$/ },
  { kind: 'kubernetes', pattern: /(?:^|:)(?:crio|cri-containerd)[-:](?<id>[0-9a-f]{64})(?:\.scope)?$/ },
  { kind: 'containerd', pattern: /^nerdctl-(?<id>[0-9a-f]{64})\.scope$/ },
  { kind: 'lxc', pattern: /^lxc\.payload\.(?<name>.+)$/ },
  // LXC driver of libvirt. Its virtual machines (`machine-qemu…`) have their own kernel and sockets.
  { kind: 'lxc', pattern: /^machine-lxc\\x2d\d+\\x2d(?<name>.+)\.scope$/ },
  { kind: 'nspawn', pattern: /^machine-(?!qemu\\x2d)(?<name>.+)\.scope$/ },
  { kind: 'nspawn', pattern: /^systemd-nspawn@(?<name>.+)\.service$/ },
];

/** Folder names that identify a container only below a certain parent folder; FORMS is tried first. */
const FORMS_BY_PARENT: readonly (Form & { readonly parent: RegExp })[] = [
  { kind: 'docker', parent: /^docker$/, pattern: /^(?<id>[0-9a-f]{64})$/ },
  { kind: 'lxc', parent: /^lxc(?:\.payload)?$/, pattern: /^(?<name>(?!\.\.$).+)$/ },
  // The folder of a podman pod, which contains those of its containers, has an id too.
  { kind: 'container', parent: /^(?!libpod_parent$)/, pattern: /^(?<id>[0-9a-f]{64})$/ },
];

/** A pod: `pod<uid>`, or a systemd slice, where dashes separate slices and those of the uid become underscores. */
const POD = /(?:^|kubepods-(?:\w+-)?)pod(?<uid>[0-9a-f](?:[0-9a-f_-]{30,34})[0-9a-f])(?:\.slice)?(?:$|:)/;

/** Slice of a user session: user@.service(5). */
const USER_SLICE = /^user-(\d+)\.slice$/;

/** Process that monitors a container, outside of it. */
const MONITOR = /^(?:crio|libpod)-conmon-/;

/** Cgroup of systemd-nspawn(1) itself, next to `payload`. */
const SUPERVISOR = 'supervisor';

/** The kernel appends this to the path of a cgroup that was removed while it had a process. */
const DELETED = / \(deleted\)$/;

/** Maximum length of a name: NAME_MAX for cgroups; longer names from files are truncated. */
const NAME_LIMIT = 255;

/** Digits of an id in a label, as `docker ps` shows them. */
const SHORT_ID_LENGTH = 12;

/**
 * Returns the container of a process from the text of /proc/PID/cgroup: lines `hierarchy:controllers:path` for each
 * hierarchy of version 1, and `0::path` for version 2 (cgroups(7)).
 * @returns The innermost of nested containers; undefined for a process outside of containers.
 */
export function containerOf(cgroupText: string): Container | undefined {
  for (const line of cgroupText.split('\n')) {
    const found = containerOfPath(pathOf(line));
    if (found) return found;
  }
  return undefined;
}

/**
 * Returns the systemd service of a process from the text of /proc/PID/cgroup. A service with PrivateNetwork= has a network
 * namespace of its own.
 * @returns `NAME.service`; undefined without one. The service of a user session does not count.
 */
export function serviceOf(cgroupText: string): string | undefined {
  for (const line of cgroupText.split('\n')) {
    const unit = pathOf(line)
      .split('/')
      .findLast((it) => it.endsWith('.service') && !it.startsWith('user@'));
    if (unit !== undefined) return unescapeUnit(unit).slice(0, NAME_LIMIT);
  }
  return undefined;
}

/** Returns the name of a container, or a label if the path has none: `docker:3f9a0c6be1d2`. */
export function labelOf({ kind, id, name, pod }: Container): string {
  if (name !== undefined) return name;
  const idOrPod = id ?? pod;
  return idOrPod === undefined ? kind : `${kind}:${idOrPod.slice(0, SHORT_ID_LENGTH)}`;
}

/** Returns the path in a line. The name of a controller contains no colon, the path may. */
function pathOf(line: string): string {
  const first = line.indexOf(':');
  const second = first < 0 ? -1 : line.indexOf(':', first + 1);
  return second < 0 ? '' : line.slice(second + 1).replace(DELETED, '');
}

function containerOfPath(path: string): Container | undefined {
  let outermost: Container | undefined;
  let innermost: Container | undefined;
  let pod: string | undefined;
  let user: number | undefined;
  let parent = '';
  const enter = (container: Container): void => {
    outermost ??= container;
    innermost = container;
    pod = undefined;
  };
  for (const folder of path.split('/')) {
    const uid = USER_SLICE.exec(folder)?.[1];
    if (uid !== undefined && outermost === undefined) user = Number(uid);
    pod = POD.exec(folder)?.groups?.['uid']?.replaceAll('_', '-') ?? pod;
    const form = formOf(folder, parent);
    if (form) {
      enter({
        ...form,
        ...(pod !== undefined && { kind: 'kubernetes', pod }),
        ...(user !== undefined && outermost === undefined && { user }),
      });
    } else if (MONITOR.test(folder) || (folder === SUPERVISOR && formOf(parent, '')?.kind === 'nspawn')) {
      return undefined;
    }
    parent = folder;
  }
  // A pod in a virtual machine (Kata) has no folders for its containers.
  if (pod !== undefined) enter({ kind: 'kubernetes', pod });
  if (innermost === outermost || !innermost || !outermost) return innermost;
  return { ...innermost, within: outermost };
}

function formOf(folder: string, parent: string): Pick<Container, 'kind' | 'id' | 'name'> | undefined {
  for (const { kind, pattern } of FORMS) {
    const groups = pattern.exec(folder)?.groups;
    if (groups) return { kind, ...partsOf(groups) };
  }
  for (const { kind, parent: above, pattern } of FORMS_BY_PARENT) {
    const groups = above.test(parent) ? pattern.exec(folder)?.groups : undefined;
    if (groups) return { kind, ...partsOf(groups) };
  }
  return undefined;
}

const partsOf = ({ id, name }: Record<string, string | undefined>): Pick<Container, 'id' | 'name'> => ({
  ...(id !== undefined && { id }),
  ...(name !== undefined && { name: unescapeUnit(name).slice(0, NAME_LIMIT) }),
});

/** Decodes bytes that unit names must not contain, written as `\x2d` (systemd-escape(1)). */
const unescapeUnit = (text: string): string =>
  text.replace(/(?:\\x[0-9a-f]{2})+/g, (bytes) => Buffer.from(bytes.replaceAll('\\x', ''), 'hex').toString());
