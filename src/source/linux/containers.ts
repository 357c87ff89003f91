/** Who made a container; `container` where its cgroup does not say. */
export type ContainerKind =
  'docker' | 'podman' | 'kubernetes' | 'containerd' | 'lxc' | 'nspawn' | 'container';

/** A container as a cgroup path names it. Names are hostile text. */
export interface Container {
  readonly kind: ContainerKind;
  /** 64 hexadecimal digits. */
  readonly id?: string;
  /** Only where the path itself holds a name; others are in files (`ContainerNames`). */
  readonly name?: string;
  /** Uid of the Kubernetes pod: 32 digits, with or without dashes. */
  readonly pod?: string;
  /** Uid of the user below whose slice it runs: a rootless container. */
  readonly user?: number;
  /** The outermost container around it. The files of a container inside another are not where ours are. */
  readonly within?: Container;
}

interface Form {
  readonly kind: ContainerKind;
  /** Name of a folder of cgroups; its groups are `id` or `name`. */
  readonly pattern: RegExp;
}

/** A folder that says by itself what it holds. fixtures/linux/containers/README.md has where each form is from. */
const FORMS: readonly Form[] = [
  { kind: 'docker', pattern: /(?:^|:)docker[-:](?<id>[0-9a-f]{64})(?:\.scope)?$/ },
  { kind: 'podman', pattern: /^libpod-(?:payload-)?(?<id>[0-9a-f]{64})(?:\.scope)?$/ },
  { kind: 'kubernetes', pattern: /(?:^|:)(?:crio|cri-containerd)[-:](?<id>[0-9a-f]{64})(?:\.scope)?$/ },
  { kind: 'containerd', pattern: /^nerdctl-(?<id>[0-9a-f]{64})\.scope$/ },
  { kind: 'lxc', pattern: /^lxc\.payload\.(?<name>.+)$/ },
  // libvirt's LXC driver; its virtual machines (`machine-qemu…`) have a kernel, and sockets, of their own.
  { kind: 'lxc', pattern: /^machine-lxc\\x2d\d+\\x2d(?<name>.+)\.scope$/ },
  { kind: 'nspawn', pattern: /^machine-(?!qemu\\x2d)(?<name>.+)\.scope$/ },
  { kind: 'nspawn', pattern: /^systemd-nspawn@(?<name>.+)\.service$/ },
];

/** A folder that is a container for the folder it is in; the rest of FORMS is tried first. */
const FORMS_BELOW: readonly (Form & { readonly parent: RegExp })[] = [
  { kind: 'docker', parent: /^docker$/, pattern: /^(?<id>[0-9a-f]{64})$/ },
  { kind: 'lxc', parent: /^lxc(?:\.payload)?$/, pattern: /^(?<name>(?!\.\.$).+)$/ },
  // A podman pod, in which its containers are, has an id too.
  { kind: 'container', parent: /^(?!libpod_parent$)/, pattern: /^(?<id>[0-9a-f]{64})$/ },
];

/** A pod: `pod<uid>`, or as a slice of systemd, where dashes part slices and the uid's become underscores. */
const POD = /(?:^|kubepods-(?:\w+-)?)pod(?<uid>[0-9a-f](?:[0-9a-f_-]{30,34})[0-9a-f])(?:\.slice)?(?:$|:)/;

/** The slice of a user's session: user@.service(5). */
const USER_SLICE = /^user-(\d+)\.slice$/;

/** Who watches a container runs outside of it. */
const MONITOR = /^(?:crio|libpod)-conmon-/;

/** Where systemd-nspawn(1) itself runs, beside `payload`. */
const SUPERVISOR = 'supervisor';

/** The kernel's name of a cgroup that was removed under a process. */
const DELETED = / \(deleted\)$/;

/** A cgroup's name has no more than this (NAME_MAX); a name from a file is cut here. */
const NAME_LIMIT = 255;

const ID_LENGTH = 12;

/**
 * The container that a process is in, from the text of /proc/PID/cgroup: lines `hierarchy:controllers:path`, one of
 * each hierarchy of version 1, and `0::path` for version 2 (cgroups(7)).
 * @returns undefined for a process in none; of nested containers the innermost
 */
export function containerOf(cgroupText: string): Container | undefined {
  for (const line of cgroupText.split('\n')) {
    const found = containerOfPath(pathOf(line));
    if (found) return found;
  }
  return undefined;
}

/**
 * The systemd service a process belongs to, from the text of /proc/PID/cgroup: such as one with PrivateNetwork=.
 * @returns `NAME.service`; undefined where there is none, or only that of a user's session
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

/** What to call a container without a name: `docker:3f9a0c6be1d2`. */
export function labelOf({ kind, id, name, pod }: Container): string {
  if (name !== undefined) return name;
  const known = id ?? pod;
  return known === undefined ? kind : `${kind}:${known.slice(0, ID_LENGTH)}`;
}

/** Path of a line; a controller's name has no colon, the path may have some. */
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
  // A virtual machine as a pod (Kata) has no folder for each of its containers.
  if (pod !== undefined) enter({ kind: 'kubernetes', pod });
  if (innermost === outermost || !innermost || !outermost) return innermost;
  return { ...innermost, within: outermost };
}

function formOf(folder: string, parent: string): Pick<Container, 'kind' | 'id' | 'name'> | undefined {
  for (const { kind, pattern } of FORMS) {
    const groups = pattern.exec(folder)?.groups;
    if (groups) return { kind, ...partsOf(groups) };
  }
  for (const { kind, parent: above, pattern } of FORMS_BELOW) {
    const groups = above.test(parent) ? pattern.exec(folder)?.groups : undefined;
    if (groups) return { kind, ...partsOf(groups) };
  }
  return undefined;
}

const partsOf = ({ id, name }: Record<string, string | undefined>): Pick<Container, 'id' | 'name'> => ({
  ...(id !== undefined && { id }),
  ...(name !== undefined && { name: unescapeUnit(name).slice(0, NAME_LIMIT) }),
});

/** Bytes that may not be in the name of a unit are written `\x2d` (systemd-escape(1)). */
const unescapeUnit = (text: string): string =>
  text.replace(/(?:\\x[0-9a-f]{2})+/g, (bytes) => Buffer.from(bytes.replaceAll('\\x', ''), 'hex').toString());
