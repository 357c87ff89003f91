import { type HostId, LOCAL_HOST } from '../model/host.ts';
import { readEvidence } from '../source/evidence.ts';
import { readFirewall } from '../source/firewall.ts';
import type { HostAnswer } from '../store/lookups.ts';
import type { PeerNames } from '../store/peer-names.ts';
import type { Usage } from '../store/state.ts';
import type { Evidence } from '../model/evidence.ts';
import type { Firewall, FirewallTarget } from '../model/firewall.ts';
import type { ProcessFacts, ProcessTarget, Scope, SignalName, SignalResult } from '../model/process.ts';
import { AddressNames } from './address-names.ts';
import { nameLookup } from './name-lookup.ts';
import { resolveHost } from './hosts.ts';
import { OpenProcesses, type Waited } from './open-processes.ts';
import { usageOf } from './usage.ts';

/** The actions on the processes and sockets of a host. No promise rejects. */
export interface HostActions {
  /** Resolves to CPU and memory of a process; undefined if they cannot be read. */
  readonly usageOf: (pid: number) => Promise<Usage | undefined>;
  /** Resolves to the addresses that programs on the host get for a name, or to the reason why there are none. */
  readonly resolve: (name: string) => Promise<HostAnswer>;
  /** Asks for the names of addresses, see `AddressNames`. */
  readonly askNames: (addresses: readonly string[], onAnswers: (answers: PeerNames) => void) => void;
  /** Reads what is known of a process, see `readEvidence`. A new call ends the one before. */
  readonly readEvidence: (target: ProcessTarget, onEvidence: (evidence: Evidence) => void) => void;
  /** Resolves to what the firewall's rules say of a listener; empty if nothing can be said. */
  readonly readFirewall: (target: FirewallTarget) => Promise<Firewall['lines']>;
  /** Ends the reading of evidence. */
  readonly stopEvidence: () => void;
  /** Opens a process, see `OpenProcesses`. Resolves to its facts, or to the reason why it cannot be opened. */
  readonly openProcess: (target: ProcessTarget) => Promise<ProcessFacts | string>;
  /** Sends a signal to an open process, its group or its service. */
  readonly signal: (facts: ProcessFacts, name: SignalName, scope: Scope) => SignalResult;
  /** Resolves when an open process has ended, or after a few seconds. */
  readonly waitForEnd: (facts: ProcessFacts) => Promise<Waited>;
  /** Releases an open process. */
  readonly releaseProcess: (facts: ProcessFacts) => void;
}

/** Returns the actions that start and stop the reading of evidence on this machine. */
export function evidenceReader(read = readEvidence): Pick<HostActions, 'readEvidence' | 'stopEvidence'> {
  let latest: ProcessTarget | undefined;
  return {
    readEvidence: (target, onEvidence) => {
      latest = target;
      const isWanted = (): boolean => latest === target;
      const report = (evidence: Evidence): void => {
        if (isWanted()) onEvidence(evidence);
      };
      void read(target, report, isWanted);
    },
    stopEvidence: () => void (latest = undefined),
  };
}

/** Returns the actions on this machine. */
function localActions(): HostActions {
  const names = new AddressNames(nameLookup());
  const { open, signal, waitForEnd, release } = new OpenProcesses();
  return {
    usageOf,
    resolve: resolveHost,
    askNames: (addresses, onAnswers) => names.ask(addresses, onAnswers),
    ...evidenceReader(),
    readFirewall,
    openProcess: open,
    signal,
    waitForEnd,
    releaseProcess: release,
  };
}

const ACTIONS: ReadonlyMap<HostId, HostActions> = new Map([[LOCAL_HOST, localActions()]]);

/** Returns the actions of a host. @throws Error for a host that has none */
export function actionsOn(host: HostId): HostActions {
  const actions = ACTIONS.get(host);
  if (!actions) throw new Error(`no actions on host ${host}`);
  return actions;
}
