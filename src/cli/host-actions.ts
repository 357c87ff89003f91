import { type HostId, LOCAL_HOST } from '../model/host.ts';
import type { HostAnswer } from '../store/lookups.ts';
import type { Usage } from '../store/state.ts';
import { resolveHost } from './hosts.ts';
import { usageOf } from './usage.ts';

/** Actions of netpane on a host, for a process or a socket of it. No method rejects. */
export interface HostActions {
  /** Resolves to CPU and memory of a process; undefined if they cannot be read. */
  readonly usageOf: (pid: number) => Promise<Usage | undefined>;
  /** Resolves to the addresses of a name as programs of that host see it, or the reason why there are none. */
  readonly resolve: (name: string) => Promise<HostAnswer>;
}

const ACTIONS: ReadonlyMap<HostId, HostActions> = new Map([[LOCAL_HOST, { usageOf, resolve: resolveHost }]]);

/** Returns the actions of a host. @throws Error for a host that has none */
export function actionsOn(host: HostId): HostActions {
  const actions = ACTIONS.get(host);
  if (!actions) throw new Error(`no actions on host ${host}`);
  return actions;
}
