import { type Container, labelOf } from './containers.ts';
import { nameInFiles, plainName, type User } from './engine-files.ts';
import { field, parseJson, readGuarded, type Version } from './guarded-file.ts';

/** Maximum length of a name, as for the name of a cgroup (NAME_MAX). */
const NAME_LIMIT = 255;

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
    if (uid !== undefined && user === undefined) return undefined;
    return nameInFiles(kind, {
      root: this.#root,
      user,
      id: id ?? '',
      pod,
      namesIn: (path) => this.#namesIn(path, user?.isOwner),
    });
  }

  /** Looks up a user in passwd(5): name, password, uid, gid, comment, home, shell. */
  #userOf(uid: number): User | undefined {
    for (const line of readGuarded(`${this.#root}/etc/passwd`)?.text?.split('\n') ?? []) {
      const [name, , number, , , home] = line.split(':');
      if (number === String(uid) && name !== undefined && home?.startsWith('/'))
        return { name, home: this.#root + home, isOwner: (owner) => this.#isOwnedBy(owner, uid) };
    }
    return undefined;
  }

  /** Returns the names in a `containers.json`, by id: `[{"id": "…", "names": ["web"]}]`. */
  #namesIn(path: string, isOwner: User['isOwner'] | undefined): ReadonlyMap<string, string> {
    const cached = this.#lists.get(path);
    const file = readGuarded(path, { cached: cached?.version, isOwner });
    if (file === undefined) return new Map();
    if (cached && file.text === undefined) return cached.names;
    const names = new Map<string, string>();
    const items = parseJson(file.text);
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
