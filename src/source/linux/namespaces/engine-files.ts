import type { ContainerKind } from './containers.ts';
import { field, listFolder, parseJson, readGuarded } from './guarded-file.ts';

/*
 * Where each container engine keeps the names of its containers.
 */

/** Data folders of Docker: of packages of distributions, of the snap package. */
const DOCKER_FOLDERS = ['var/lib/docker', 'var/snap/docker/common/var-lib-docker'];

/** Lists of containers: those that stay, and those that are removed when they end (`--rm`), as every Quadlet is. */
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
export interface User {
  readonly name: string;
  readonly home: string;
  /**
   * Returns true if a file with this owner is the user's: a folder in the home may be a link to another user's files.
   */
  readonly isOwner: (uid: number) => boolean;
}

/** Parameters of a search for the name of a container. */
export interface Search {
  readonly root: string;
  /** The user whose container engine made the container: only this user's files count. Undefined for root's engines. */
  readonly user: User | undefined;
  /** Id of the container; empty if only the pod is known. */
  readonly id: string;
  /** UID of the Kubernetes pod; undefined outside of pods. */
  readonly pod: string | undefined;
  /** Reads the names in a `containers.json`, by id. */
  readonly namesIn: (path: string) => ReadonlyMap<string, string>;
}

/** Looks up the name of a container in the files of one engine. */
type Place = (search: Search) => string | undefined;

const docker: Place = ({ root, user, id }) => {
  const folders = user
    ? [`${user.home}/.local/share/docker`]
    : DOCKER_FOLDERS.map((folder) => `${root}/${folder}`);
  return firstOf(folders, (folder) => {
    const path = `${folder}/containers/${id}/config.v2.json`;
    const name = field(parseJson(readGuarded(path, { isOwner: user?.isOwner })?.text), 'Name');
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
  const folder = listFolder(`${root}/var/log/pods`).find((it) => it.endsWith(`_${pod}`));
  const [namespace, name, uid] = folder?.split('_') ?? [];
  return uid === pod ? podName(namespace, name) : undefined;
};

/** File names `/var/log/containers/POD_NAMESPACE_CONTAINER-ID.log`. */
const containerLogs: Place = ({ root, id }) => {
  const file = listFolder(`${root}/var/log/containers`).find((it) => it.endsWith(`-${id}.log`));
  const [name, namespace, container] = file?.split('_') ?? [];
  return container === undefined ? undefined : podName(namespace, name);
};

const containerd: Place = ({ root, id }) =>
  firstOf(CONTAINERD_FOLDERS, (folder) => {
    const namespaces = listFolder(`${root}/${folder}`).slice(0, MAX_CONTAINERD_NAMESPACES);
    return firstOf(namespaces, (namespace) => {
      const config = parseJson(readGuarded(`${root}/${folder}/${namespace}/${id}/config.json`)?.text);
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

/** Returns the name of a container in the files of its engine; undefined if they have none. */
export function nameInFiles(kind: ContainerKind, search: Search): string | undefined {
  const places = search.id === '' ? [podLogs] : PLACES[kind];
  const allowed = search.user ? places.filter((it) => USER_PLACES.includes(it)) : places;
  return firstOf(allowed, (place) => place(search));
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
export function plainName(name: string): string | undefined {
  const [prefix, , pod, namespace, uid] = name.split('_');
  if (prefix === 'k8s' && uid !== undefined) return podName(namespace, pod);
  return name === '' ? undefined : name;
}

const podName = (namespace: unknown, name: unknown): string | undefined =>
  typeof namespace === 'string' && typeof name === 'string' && namespace !== '' && name !== ''
    ? `${namespace}/${name}`
    : undefined;
