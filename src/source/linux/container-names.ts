import { closeSync, constants, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { type Container, type ContainerKind, labelOf } from './containers.ts';

/** No more of a file is read, bytes: Docker's are of some kilobytes, a list of a thousand containers is of this size. */
const SIZE_LIMIT = 1024 * 1024;

/** As for a cgroup, whose names the rest of the program expects. */
const NAME_LIMIT = 255;

/** Where Docker keeps its containers; the second is its snap. */
const DOCKER_FOLDERS = ['var/lib/docker', 'var/snap/docker/common/var-lib-docker'];

/** The second holds containers that are removed when they end (`--rm`), as all of a Quadlet do. */
const STORAGE_LISTS = ['containers.json', 'volatile-containers.json'];

/** Where containerd keeps what runs; k3s and MicroK8s bring one of their own. */
const CONTAINERD_FOLDERS = [
  'run/containerd',
  'run/k3s/containerd',
  'var/snap/microk8s/common/run/containerd',
].map((folder) => `${folder}/io.containerd.runtime.v2.task`);

/** A client of containerd has its own namespace there: `k8s.io`, `moby`, `default`. More than these are not looked at. */
const CONTAINERD_NAMESPACES_LIMIT = 16;

/** A user of the machine. */
interface User {
  readonly name: string;
  readonly home: string;
  /** True for the uid of the owner of a file of its: a folder of its home may be a link to another's. */
  readonly isOwner: (uid: number) => boolean;
}

/** What is searched for a name. */
interface Search {
  readonly root: string;
  /** The user whose engine made the container: only its own files count. Undefined for the machine's engines. */
  readonly user: User | undefined;
  readonly id: string;
  readonly pod: string | undefined;
  /** Names by id from a `containers.json`. */
  readonly namesIn: (path: string) => ReadonlyMap<string, string>;
}

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

/** containers/storage, of podman and CRI-O. */
const storage: Place = ({ root, user, id, namesIn }) => {
  const folder = user ? `${user.home}/.local/share/containers/storage` : `${root}/var/lib/containers/storage`;
  return firstOf(STORAGE_LISTS, (list) => namesIn(`${folder}/overlay-containers/${list}`).get(id));
};

/** `/var/log/pods/NAMESPACE_POD_UID`: no name of Kubernetes has an underscore. */
const podLogs: Place = ({ root, pod }) => {
  if (pod === undefined) return undefined;
  const folder = list(`${root}/var/log/pods`).find((it) => it.endsWith(`_${pod}`));
  const [namespace, name, uid] = folder?.split('_') ?? [];
  return uid === pod ? podName(namespace, name) : undefined;
};

/** `/var/log/containers/POD_NAMESPACE_CONTAINER-ID.log` */
const containerLogs: Place = ({ root, id }) => {
  const file = list(`${root}/var/log/containers`).find((it) => it.endsWith(`-${id}.log`));
  const [name, namespace, container] = file?.split('_') ?? [];
  return container === undefined ? undefined : podName(namespace, name);
};

const containerd: Place = ({ root, id }) =>
  firstOf(CONTAINERD_FOLDERS, (folder) => {
    const namespaces = list(`${root}/${folder}`).slice(0, CONTAINERD_NAMESPACES_LIMIT);
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

/** Engines that users run for themselves. */
const USER_PLACES: readonly Place[] = [docker, storage];

/** Where the name of a container may be, in this order. */
const PLACES: Readonly<Record<ContainerKind, readonly Place[]>> = {
  docker: [docker],
  podman: [storage],
  // By pod first: the process that holds its network is in a container that writes no log.
  kubernetes: [podLogs, containerLogs, containerd, storage, docker],
  containerd: [containerd],
  // Their cgroup has it.
  lxc: [],
  nspawn: [],
  container: [docker, storage, containerd],
};

/** A container's name, and whether it is one: it may be found later where it is not. */
export interface ContainerName {
  readonly text: string;
  readonly isFound: boolean;
}

/** Names of containers from the files of those who run them. Whatever is in these files, nothing here throws. */
export class ContainerNames {
  readonly #root: string;
  readonly #isOwnedBy: (owner: number, uid: number) => boolean;
  /** Lists of containers by path, for one names all of them. */
  readonly #lists = new Map<string, { version: Version; names: ReadonlyMap<string, string> }>();

  /**
   * @param root the file system these files are in: `/`, or a fixture
   * @param isOwnedBy compares the owner of a user's file with the user
   */
  constructor(root: string, isOwnedBy = (owner: number, uid: number): boolean => owner === uid) {
    this.#root = root.replace(/\/$/, '');
    this.#isOwnedBy = isOwnedBy;
  }

  /**
   * What to call a container: its name, else what is known of it. A pod is `namespace/pod`, a container in another
   * `outer/inner`. A process may make cgroups below its own and call them as it likes, so one inside another is never
   * searched for here: it would get the name of a neighbour.
   */
  nameOf(container: Container): ContainerName {
    const { within, name } = container;
    if (within) {
      const outer = this.nameOf(within);
      return { text: `${outer.text}/${labelOf(container)}`.slice(0, NAME_LIMIT), isFound: outer.isFound };
    }
    const found = name ?? this.#search(container);
    return { text: (found ?? labelOf(container)).slice(0, NAME_LIMIT), isFound: found !== undefined };
  }

  /** Returns the name of a container or service that only a user vouches for: `~ana/web`. No engine allows such a name. */
  claimed(user: number, name: string): string {
    return `~${this.#userOf(user)?.name ?? user}/${name}`.slice(0, NAME_LIMIT);
  }

  #search({ kind, id, pod, user: uid }: Container): string | undefined {
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

  /** A user by passwd(5): name, password, uid, gid, comment, home, shell. */
  #userOf(uid: number): User | undefined {
    for (const line of read(`${this.#root}/etc/passwd`)?.text?.split('\n') ?? []) {
      const [name, , number, , , home] = line.split(':');
      if (number === String(uid) && name !== undefined && home?.startsWith('/'))
        return { name, home: this.#root + home, isOwner: (owner) => this.#isOwnedBy(owner, uid) };
    }
    return undefined;
  }

  /** Names by id from a `containers.json`: `[{"id": "…", "names": ["web"]}]`. */
  #namesIn(path: string, isOwner: User['isOwner'] | undefined): ReadonlyMap<string, string> {
    const known = this.#lists.get(path);
    const file = read(path, { known: known?.version, isOwner });
    if (file === undefined) return new Map();
    if (known && file.text === undefined) return known.names;
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

/** `k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT` is how CRI-O, and Docker below Kubernetes, call the containers of a pod. */
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

/** A file as it was when it was read. */
interface Version {
  readonly mtimeMs: number;
  readonly size: number;
}

interface Reading {
  /** The version known already, of which no text is wanted. */
  readonly known?: Version | undefined;
  /** False for the owner of a file that does not count. */
  readonly isOwner?: ((uid: number) => boolean) | undefined;
}

/**
 * A file that may be anybody's: root reads in users' homes here. Not through a link; a pipe, which would have us wait
 * for its writer, is opened without waiting and left.
 */
function read(
  path: string,
  { known, isOwner }: Reading = {},
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
    if (known?.mtimeMs === mtimeMs && known.size === size) {
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
