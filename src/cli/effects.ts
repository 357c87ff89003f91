import type { CloseResult, SocketToClose } from '../model/close.ts';
import type { Evidence } from '../model/evidence.ts';
import type { Firewall, FirewallTarget } from '../model/firewall.ts';
import type { ProcessFacts, ProcessTarget, Scope, SignalName, SignalResult } from '../model/process.ts';
import type { Socket } from '../model/socket.ts';
import type { Whois } from '../model/whois.ts';
import type { Action } from '../store/actions.ts';
import type { Effect, TimerName } from '../store/effects.ts';
import type { HostAnswer } from '../store/lookups.ts';
import type { PeerNames } from '../store/peer-names.ts';
import type { Locations } from '../store/locations.ts';
import { endsProcess } from '../store/process-actions.ts';
import type { Message, State, Usage } from '../store/state.ts';
import { type StartTimer, startTimer } from '../tui/timer.ts';
import type { Waited } from './open-processes.ts';

/** Targets of the effects: the terminal, the sampler, files, other processes, the clock. */
export interface World {
  readonly quit: () => void;
  readonly suspend: () => void;
  readonly redraw: () => void;
  readonly bell: () => void;
  readonly setInterval: (intervalMs: number) => void;
  /** Resolves to CPU and memory of a process; undefined if they cannot be read. Never rejects. */
  readonly usageOf: (pid: number) => Promise<Usage | undefined>;
  /** Resolves to the addresses of a host name, or the reason why there are none. Never rejects. */
  readonly resolve: (name: string) => Promise<HostAnswer>;
  /**
   * Asks for the names of addresses. Those of an earlier call that were not asked yet are dropped. `onAnswers` is called
   * several times.
   */
  readonly askNames: (addresses: readonly string[], onAnswers: (answers: PeerNames) => void) => void;
  /** Reads the files with the locations of addresses. `onLocations` is called again when they were replaced. */
  readonly readLocations: (onLocations: (locations: Locations) => void) => void;
  /** Asks whois servers about an address. */
  readonly askWhois: (address: string, onAnswer: (whois: Whois) => void) => void;
  /** Reads what is known of a process. A new call ends the one before. */
  readonly readEvidence: (target: ProcessTarget, onEvidence: (evidence: Evidence) => void) => void;
  /** Resolves to the lines of the details about the firewall's rules for a listener. Never rejects. */
  readonly readFirewall: (target: FirewallTarget) => Promise<Firewall['lines']>;
  /** Ends `readEvidence`. */
  readonly stopEvidence: () => void;
  /**
   * Opens a process, so that a later signal cannot reach another one with its pid. Resolves to its facts, or to the reason
   * why it could not be opened. Never rejects.
   */
  readonly openProcess: (target: ProcessTarget) => Promise<ProcessFacts | string>;
  /** Sends a signal to an open process, its group or its service. */
  readonly signal: (facts: ProcessFacts, name: SignalName, scope: Scope) => SignalResult;
  /** Resolves when an open process has ended, or after a few seconds. Never rejects. */
  readonly waitForEnd: (facts: ProcessFacts) => Promise<Waited>;
  /** Closes an open process. */
  readonly releaseProcess: (facts: ProcessFacts) => void;
  /** Closes sockets of other programs. Never rejects. */
  readonly closeSockets: (sockets: readonly SocketToClose[]) => Promise<CloseResult>;
  /** Copies a text to the clipboard of the terminal. Resolves to a message. Never rejects. @param what names the text */
  readonly copy: (text: string, what: string) => Promise<Message>;
  /** Writes sockets to a file. Resolves to a message. Never rejects. */
  readonly save: (path: string, sockets: readonly Socket[]) => Promise<Message>;
  /** Saves the state that the next start restores. */
  readonly saveState: (state: State) => void;
  /** Milliseconds on a clock that never runs backwards. */
  readonly nowMs: () => number;
  /** Wall-clock time, milliseconds since 1970. */
  readonly wallMs: () => number;
  /** Returns a description of the current work of the sampler. */
  readonly samplerActivity: () => string;
}

/** Carries out effects, and dispatches their answers. On the live screen, only this class and rules act on the world. */
export class EffectRunner {
  readonly #world: World;
  readonly #dispatch: (action: Action) => void;
  readonly #startTimer: StartTimer;
  /** Functions that cancel the timers that were started. */
  readonly #cancels = new Map<TimerName, () => void>();

  constructor(world: World, dispatch: (action: Action) => void, start = startTimer) {
    this.#world = world;
    this.#dispatch = dispatch;
    this.#startTimer = start;
  }

  run(effect: Effect): void {
    const world = this.#world;
    const dispatch = this.#dispatch;
    switch (effect.type) {
      case 'quit':
        world.quit();
        return;
      case 'suspend':
        world.suspend();
        return;
      case 'redraw':
        world.redraw();
        return;
      case 'bell':
        world.bell();
        return;
      case 'set-interval':
        world.setInterval(effect.intervalMs);
        return;
      case 'wake':
        this.#setTimer(effect.timer, effect.afterMs);
        return;
      case 'ask-usage':
        void world.usageOf(effect.pid).then((usage) => dispatch({ type: 'usage', usage: usage ?? null }));
        return;
      case 'resolve': {
        const { name } = effect;
        void world.resolve(name).then((answer) => dispatch({ type: 'host', name, answer }));
        return;
      }
      case 'ask-names':
        world.askNames(effect.addresses, (answers) => dispatch({ type: 'names', answers }));
        return;
      case 'read-locations':
        world.readLocations((locations) => dispatch({ type: 'locations', locations }));
        return;
      case 'ask-whois':
        world.askWhois(effect.address, (whois) => dispatch({ type: 'whois-answer', whois }));
        return;
      case 'ask-evidence':
        world.readEvidence(effect.target, (evidence) => dispatch({ type: 'evidence', evidence }));
        return;
      case 'ask-firewall': {
        const { target } = effect;
        void world
          .readFirewall(target)
          .then((lines) => dispatch({ type: 'firewall', firewall: { target, lines } }));
        return;
      }
      case 'stop-evidence':
        world.stopEvidence();
        return;
      case 'open-process':
        void world
          .openProcess(effect.target)
          .then((opened) =>
            dispatch(
              typeof opened === 'string'
                ? { type: 'message', message: { text: opened, isError: true } }
                : { type: 'process-opened', facts: opened },
            ),
          );
        return;
      case 'signal':
        this.#signal(effect);
        return;
      case 'release-process':
        world.releaseProcess(effect.facts);
        return;
      case 'close-sockets': {
        const { sockets, what } = effect;
        void world
          .closeSockets(sockets)
          .then((result) => dispatch({ type: 'sockets-closed', what, result, wallMs: world.wallMs() }));
        return;
      }
      case 'copy':
        void world.copy(effect.text, effect.what).then((message) => dispatch({ type: 'message', message }));
        return;
      case 'save':
        void world
          .save(effect.path, effect.sockets)
          .then((message) =>
            dispatch(
              message.isError
                ? { type: 'save-failed', text: effect.path, why: message.text }
                : { type: 'message', message },
            ),
          );
        return;
      case 'save-state':
        world.saveState(effect.state);
        return;
    }
  }

  /** Sends a signal, and reports whether the process ended. */
  #signal({ facts, signal, scope }: Effect & { type: 'signal' }): void {
    const world = this.#world;
    const result = world.signal(facts, signal, scope);
    // The wait starts before the result is dispatched: that may release the process.
    const end = result.reached > 0 && endsProcess(signal) ? world.waitForEnd(facts) : undefined;
    this.#dispatch({ type: 'signalled', facts, scope, signal, result, wallMs: world.wallMs() });
    void end?.then((waited) =>
      this.#dispatch({ type: 'waited', facts, signal, ...waited, wallMs: world.wallMs() }),
    );
  }

  #setTimer(timer: TimerName, afterMs: number | undefined): void {
    this.#cancels.get(timer)?.();
    if (afterMs === undefined) return;
    const start = (then: () => void, ms: number) => this.#cancels.set(timer, this.#startTimer(then, ms));
    const wake = () => this.#dispatch(this.#wakeAction(timer));
    // If the process was stopped, a batch may have arrived meanwhile: its message is handled before a second timer.
    start(timer === 'silence' ? () => start(wake, 0) : wake, afterMs);
  }

  #wakeAction(timer: TimerName): Action {
    const atMs = this.#world.nowMs();
    switch (timer) {
      case 'fade':
        return { type: 'time', atMs };
      case 'silence':
        return { type: 'silence', atMs, doing: this.#world.samplerActivity() };
      case 'usage':
        return { type: 'settled' };
      case 'typing':
        return { type: 'resolve-typed' };
    }
  }
}
