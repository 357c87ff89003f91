import type { CgroupTrust } from './cgroup-trust.ts';
import type { ContainerNames } from './container-names.ts';
import { type Container, containerOf, serviceOf } from './containers.ts';

/** The name of a container or a service. */
export interface CgroupName {
  readonly name: string;
  /** Uid of an ordinary user who may have chosen the name; absent if root chose it. */
  readonly claimedBy?: number;
}

/** Names of the container and the service that a process runs in. */
export interface NamesOfProcess {
  readonly container?: CgroupName;
  readonly service?: CgroupName;
  /** False if the container has only a label such as `docker:3f9a0c6be1d2`; its name may be found later. */
  readonly isFound: boolean;
}

/** Derives the names of containers and services from the cgroups of processes. */
export class CgroupNames {
  readonly #names: ContainerNames;
  readonly #trust: CgroupTrust;

  constructor(names: ContainerNames, trust: CgroupTrust) {
    this.#names = names;
    this.#trust = trust;
  }

  /**
   * Returns the names of the container and the service of a process. A name that an ordinary user may have chosen is
   * marked with `claimedBy`.
   * @param cgroupText text of /proc/PID/cgroup
   */
  namesOf(cgroupText: string): NamesOfProcess {
    const { text, claimant } = this.#trust.trustedPathsOf(cgroupText);
    const toName = (name: string, isTrusted: boolean): CgroupName =>
      isTrusted || claimant === undefined
        ? { name }
        : { name: this.#names.claimedName(claimant, name), claimedBy: claimant };
    // A cgroup made by root takes precedence over one that a user made in another hierarchy.
    const trustedLine = text.split('\n').findIndex((line) => containerOf(line) !== undefined);
    const isTrusted = trustedLine >= 0;
    const container = containerOf(isTrusted ? (cgroupText.split('\n')[trustedLine] ?? '') : cgroupText);
    const known =
      container && this.#names.nameOf(isTrusted ? container : asUserContainer(container, claimant));
    const trustedService = serviceOf(text);
    const service = trustedService ?? serviceOf(cgroupText);
    return {
      isFound: known?.isFound ?? false,
      ...(known && { container: toName(known.text, isTrusted) }),
      ...(service !== undefined && { service: toName(service, trustedService !== undefined) }),
    };
  }
}

/** Returns the container as one that a container engine of this user runs; unchanged if the user is undefined. */
function asUserContainer(container: Container, user: number | undefined): Container {
  if (user === undefined) return container;
  return container.within ? { ...container, within: { ...container.within, user } } : { ...container, user };
}
