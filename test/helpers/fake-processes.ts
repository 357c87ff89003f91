import type { World } from '../../src/cli/effects.ts';
import type { SocketToClose } from '../../src/model/close.ts';
import type { Evidence } from '../../src/model/evidence.ts';
import type { Firewall, FirewallTarget } from '../../src/model/firewall.ts';
import type {
  ProcessFacts,
  ProcessTarget,
  Scope,
  SignalName,
  SignalResult,
} from '../../src/model/process.ts';

/** The processes and sockets that a fake app acts on. */
export class FakeProcesses {
  readonly asked: ProcessTarget[] = [];
  /** The evidence about any process; undefined for no answer. */
  evidence: Omit<Evidence, 'pid'> | undefined = {
    verdict: [{ text: 'program is as in its package', isUnusual: false }],
    lines: [{ label: 'why', text: 'systemd service app.service', from: '/proc/PID/cgroup' }],
    isComplete: true,
  };
  readonly askedFirewall: FirewallTarget[] = [];
  /** Answer about the rules of the firewall, for any listener. */
  firewall: Firewall['lines'] = [];
  readonly opened: ProcessTarget[] = [];
  /** The process that is opened, or why it cannot be opened. */
  process: ProcessFacts | string = 'process 1 has ended';
  readonly signals: { readonly name: SignalName; readonly scope: Scope }[] = [];
  signalResult: SignalResult = { reached: 1 };
  readonly released: ProcessFacts[] = [];
  readonly closedSockets: SocketToClose[] = [];

  readonly world: Pick<
    World,
    | 'readEvidence'
    | 'readFirewall'
    | 'openProcess'
    | 'signal'
    | 'waitForEnd'
    | 'releaseProcess'
    | 'closeSockets'
  > = {
    readEvidence: (target, onEvidence) => {
      this.asked.push(target);
      if (this.evidence) onEvidence({ ...this.evidence, ...target });
    },
    readFirewall: (target) => {
      this.askedFirewall.push(target);
      return Promise.resolve(this.firewall);
    },
    openProcess: (target) => {
      this.opened.push(target);
      return Promise.resolve(this.process);
    },
    signal: (_, name, scope) => {
      this.signals.push({ name, scope });
      return this.signalResult;
    },
    waitForEnd: () => Promise.resolve({ hasEnded: true, afterMs: 300 }),
    releaseProcess: (facts) => void this.released.push(facts),
    closeSockets: (sockets) => {
      this.closedSockets.push(...sockets);
      return Promise.resolve({ closed: sockets.length, refusals: [] });
    },
  };
}
