import type { CgroupTrust } from './cgroup-trust.ts';
import type { ContainerNames } from './container-names.ts';
import { type Container, containerOf, serviceOf } from './containers.ts';

/** The name of a container or a service. */
export interface CgroupName {
  readonly name: string;
  /** Uid of the user who may have made it up. */
  readonly claimedBy?: number;
}

/** Names of the container and of the service that a process is in. */
export interface Names {
  readonly container?: CgroupName;
  readonly service?: CgroupName;
  /** False where the container goes by what is known of it, and its name may be found later. */
  readonly isFound: boolean;
}

/** Names of the containers and services that processes are in, from their cgroups. */
export class CgroupNames {
  readonly #names: ContainerNames;
  readonly #trust: CgroupTrust;

  constructor(names: ContainerNames, trust: CgroupTrust) {
    this.#names = names;
    this.#trust = trust;
  }

  /** Names of the container and of the service that a process is in; where a user may have made them up, as its claims. */
  of(cgroupText: string): Names {
    const { text, claimant } = this.#trust.of(cgroupText);
    const held = (name: string, isTrusted: boolean): CgroupName =>
      isTrusted || claimant === undefined
        ? { name }
        : { name: this.#names.claimed(claimant, name), claimedBy: claimant };
    // A cgroup that root made counts before one that a user made in another hierarchy.
    const trustedLine = text.split('\n').findIndex((line) => containerOf(line) !== undefined);
    const isTrusted = trustedLine >= 0;
    const container = containerOf(isTrusted ? (cgroupText.split('\n')[trustedLine] ?? '') : cgroupText);
    const known = container && this.#names.nameOf(isTrusted ? container : claimedBy(container, claimant));
    const trustedService = serviceOf(text);
    const service = trustedService ?? serviceOf(cgroupText);
    return {
      isFound: known?.isFound ?? false,
      ...(known && { container: held(known.text, isTrusted) }),
      ...(service !== undefined && { service: held(service, trustedService !== undefined) }),
    };
  }
}

/** The container as that of a user's engine. */
function claimedBy(container: Container, user: number | undefined): Container {
  if (user === undefined) return container;
  return container.within ? { ...container, within: { ...container.within, user } } : { ...container, user };
}
