import { closeSync, constants, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { type Container, type ContainerKind, labelOf } from './containers.ts';

/** Maximum size of a file, bytes. Docker's files have some kilobytes, a list of a thousand containers about 1 MB. */
const SIZE_LIMIT = 1024 * 1024;

/** Maximum length of a name, as for the name of a cgroup (NAME_MAX). */
const NAME_LIMIT = 255;

/** Data folders of Docker; the second one is of the snap package. */
const DOCKER_FOLDERS = ['var/lib/docker', 'var/snap/docker/common/var-lib-docker'];

/** The second list has the containers that are removed when they end (`--rm`), such as all containers of a Quadlet. */
const STORAGE_LISTS = ['containers.json', 'volatile-containers.json'];

/** State folders of containerd; k3s and MicroK8s have their own containerd. */
const CONTAINERD_FOLDERS = [
  'run/containerd',
  'run/k3s/containerd',
  'var/snap/microk8s/common/run/containerd',
].map((folder) => `${folder}/io.containerd.runtime.v2.task`);

/** Maximum number of containerd namespaces searched; each client has its own: `k8s.io`, `moby`, `default`. */
const MAX_CONTAINERD_NAMESPACES = 16;

/** A user of the machine. */
interface User {
  readonly name: string;
  readonly home: string;
  /**
   * Returns true if a file with this owner is the user's: a folder in the home may be a link to another user's files.
   */
  readonly isOwner: (uid: number) => boolean;
}

/** Parameters of a search for the name of a container. */
interface Search {
  readonly root: string;
  /** The user whose container engine made the container: only this user's files count. Undefined for root's engines. */
  readonly user: User | undefined;
  readonly id: string;
  readonly pod: string | undefined;
  /** Reads the names in a `containers.json`, by id. */
  readonly namesIn: (path: string) => ReadonlyMap<string, string>;
}

/** Looks up a name in the files of one container engine. */
type Place = (search: Search) => string | undefined;

const docker: Place = ({ root, user, id }) => {
  const folders = user
    ? [`${user.home}/.local/share/docker`]
    : DOCKER_FOLDERS.map((folder) => `${root}/${folder}`);
  return firstOf(folders, (folder) => {
    const path = `${folder}/containers/${id}/config.v2.json`;
    const name = field(parse(read(path, { isOwner: user?.isOwner })?.text), 'Name');
    return typeof name === 'string' ? plainName(name.replace(/^\//, '')) : undefined;
  });
};

/** Lists of the library containers/storage, which podman and CRI-O use. */
const storage: Place = ({ root, user, id, namesIn }) => {
  const folder = user ? `${user.home}/.local/share/containers/storage` : `${root}/var/lib/containers/storage`;
  return firstOf(STORAGE_LISTS, (list) => namesIn(`${folder}/overlay-containers/${list}`).get(id));
};

/** Folder names `/var/log/pods/NAMESPACE_POD_UID`; Kubernetes names contain no underscore. */
const podLogs: Place = ({ root, pod }) => {
  if (pod === undefined) return undefined;
  const folder = list(`${root}/var/log/pods`).find((it) => it.endsWith(`_${pod}`));
  const [namespace, name, uid] = folder?.split('_') ?? [];
  return uid === pod ? podName(namespace, name) : undefined;
};

/** File names `/var/log/containers/POD_NAMESPACE_CONTAINER-ID.log`. */
const containerLogs: Place = ({ root, id }) => {
  const file = list(`${root}/var/log/containers`).find((it) => it.endsWith(`-${id}.log`));
  const [name, namespace, container] = file?.split('_') ?? [];
  return container === undefined ? undefined : podName(namespace, name);
};

const containerd: Place = ({ root, id }) =>
  firstOf(CONTAINERD_FOLDERS, (folder) => {
    const namespaces = list(`${root}/${folder}`).slice(0, MAX_CONTAINERD_NAMESPACES);
    return firstOf(namespaces, (namespace) => {
      const config = parse(read(`${root}/${folder}/${namespace}/${id}/config.json`)?.text);
      const annotations = field(config, 'annotations');
      const name = field(annotations, 'nerdctl/name');
      return (
        podName(
          field(annotations, 'io.kubernetes.cri.sandbox-namespace'),
          field(annotations, 'io.kubernetes.cri.sandbox-name'),
        ) ?? (typeof name === 'string' ? plainName(name) : undefined)
      );
    });
  });

/** Engines that ordinary users run (rootless). */
const USER_PLACES: readonly Place[] = [docker, storage];

/** Where to look up the name of a container, in this order. */
const PLACES: Readonly<Record<ContainerKind, readonly Place[]>> = {
  docker: [docker],
  podman: [storage],
  // By pod first: the process that owns the network of a pod runs in a container without a log.
  kubernetes: [podLogs, containerLogs, containerd, storage, docker],
  containerd: [containerd],
  // The cgroup path contains the name.
  lxc: [],
  nspawn: [],
  container: [docker, storage, containerd],
};

/** Name of a container, or a label. */
export interface ContainerName {
  readonly text: string;
  /** False for a label such as `docker:3f9a0c6be1d2`; the name may be found later. */
  readonly isFound: boolean;
}

/** Looks up names of containers in the files of container engines. Never throws, whatever the files contain. */
export class ContainerNames {
  readonly #root: string;
  readonly #isOwnedBy: (owner: number, uid: number) => boolean;
  /** Cache of `containers.json` by path; one file names all containers. */
  readonly #lists = new Map<string, { version: Version; names: ReadonlyMap<string, string> }>();

  /**
   * @param root Root folder of the files: `/`, or a fixture.
   * @param isOwnedBy Compares the owner of a user's file with the user.
   */
  constructor(root: string, isOwnedBy = (owner: number, uid: number): boolean => owner === uid) {
    this.#root = root.replace(/\/$/, '');
    this.#isOwnedBy = isOwnedBy;
  }

  /**
   * Returns the name of a container, or a label if the name is not found. A pod is `namespace/pod`, a nested container
   * `outer/inner`. The inner one is never looked up: a process can create cgroups with any name below its own, and
   * would get the name of another container.
   */
  nameOf(container: Container): ContainerName {
    const { within, name } = container;
    if (within) {
      const outer = this.nameOf(within);
      return { text: `${outer.text}/${labelOf(container)}`.slice(0, NAME_LIMIT), isFound: outer.isFound };
    }
    const found = name ?? this.#lookUp(container);
    return { text: (found ?? labelOf(container)).slice(0, NAME_LIMIT), isFound: found !== undefined };
  }

  /** Returns a name that an ordinary user chose, as `~ana/web`. No container engine allows such a name. */
  claimedName(user: number, name: string): string {
    return `~${this.#userOf(user)?.name ?? user}/${name}`.slice(0, NAME_LIMIT);
  }

  #lookUp({ kind, id, pod, user: uid }: Container): string | undefined {
    const user = uid === undefined ? undefined : this.#userOf(uid);
    const search = {
      root: this.#root,
      user,
      id: id ?? '',
      pod,
      namesIn: (path: string) => this.#namesIn(path, user?.isOwner),
    };
    if (uid !== undefined && user === undefined) return undefined;
    const places = id === undefined ? [podLogs] : PLACES[kind];
    return firstOf(user ? places.filter((it) => USER_PLACES.includes(it)) : places, (place) => place(search));
  }

  /** Looks up a user in passwd(5): name, password, uid, gid, comment, home, shell. */
  #userOf(uid: number): User | undefined {
    for (const line of read(`${this.#root}/etc/passwd`)?.text?.split('\n') ?? []) {
      const [name, , number, , , home] = line.split(':');
      if (number === String(uid) && name !== undefined && home?.startsWith('/'))
        return { name, home: this.#root + home, isOwner: (owner) => this.#isOwnedBy(owner, uid) };
    }
    return undefined;
  }

  /** Returns the names in a `containers.json`, by id: `[{"id": "…", "names": ["web"]}]`. */
  #namesIn(path: string, isOwner: User['isOwner'] | undefined): ReadonlyMap<string, string> {
    const cached = this.#lists.get(path);
    const file = read(path, { cached: cached?.version, isOwner });
    if (file === undefined) return new Map();
    if (cached && file.text === undefined) return cached.names;
    const names = new Map<string, string>();
    const items = parse(file.text);
    for (const item of Array.isArray(items) ? (items as unknown[]) : []) {
      const id = field(item, 'id');
      const all = field(item, 'names');
      const name: unknown = Array.isArray(all) ? all[0] : undefined;
      const plain = typeof name === 'string' ? plainName(name) : undefined;
      if (typeof id === 'string' && plain !== undefined) names.set(id, plain);
    }
    this.#lists.set(path, { version: file.version, names });
    return names;
  }
}

function firstOf<T>(items: readonly T[], find: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * Returns `namespace/pod` for `k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT`, as CRI-O and Docker name containers of a pod.
 */
function plainName(name: string): string | undefined {
  const [prefix, , pod, namespace, uid] = name.split('_');
  if (prefix === 'k8s' && uid !== undefined) return podName(namespace, pod);
  return name === '' ? undefined : name;
}

const podName = (namespace: unknown, name: unknown): string | undefined =>
  typeof namespace === 'string' && typeof name === 'string' && namespace !== '' && name !== ''
    ? `${namespace}/${name}`
    : undefined;

const field = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;

function parse(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** Version of a file, to detect a change. */
interface Version {
  readonly mtimeMs: number;
  readonly size: number;
}

interface ReadOptions {
  /** The version that is cached; its text is not read again. */
  readonly cached?: Version | undefined;
  /** Returns false for an owner whose file must be ignored. */
  readonly isOwner?: ((uid: number) => boolean) | undefined;
}

/**
 * Reads a file that an ordinary user may control, because root reads in the homes of users. Does not follow a link, and
 * does not wait for the writer of a pipe.
 * @returns the version and the text; the text is undefined if the cached version is current; undefined on any error
 */
function read(
  path: string,
  { cached, isOwner }: ReadOptions = {},
): { version: Version; text: string | undefined } | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(
      path,
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY,
    );
    const stat = fstatSync(fd);
    const { mtimeMs, size } = stat;
    if (!stat.isFile() || size > SIZE_LIMIT || isOwner?.(stat.uid) === false) return undefined;
    const version = { mtimeMs, size };
    if (cached?.mtimeMs === mtimeMs && cached.size === size) {
      return { version, text: undefined };
    }
    const buffer = Buffer.allocUnsafe(size);
    let length = 0;
    for (let count = -1; count !== 0 && length < size; length += count) {
      count = readSync(fd, buffer, length, size - length, length);
    }
    return { version, text: buffer.toString('utf8', 0, length) };
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
