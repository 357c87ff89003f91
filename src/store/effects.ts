import type { SocketToClose } from '../model/close.ts';
import type { FirewallTarget } from '../model/firewall.ts';
import type { ProcessFacts, ProcessTarget, Scope, SignalName } from '../model/process.ts';
import type { Socket } from '../model/socket.ts';
import type { State } from './state.ts';

/** Name of a timer. A timer sends one action when it expires. A `wake` for a running timer restarts it. */
export type TimerName =
  /** The next mark expires. Sends `time`. */
  | 'fade'
  /** No batch has come for several intervals. Sends `silence`. */
  | 'silence'
  /** The selection has not moved for a while, so usage can be read. Sends `settled`. */
  | 'usage'
  /** The typed query has not changed for a while, so its host names can be looked up. Sends `resolve-typed`. */
  | 'typing';

/**
 * Something to do outside the state. `update` returns effects as data; `cli/effects.ts` carries them out. If an effect
 * has a result, it is sent back as an action.
 */
export type Effect =
  /** Restores the terminal and ends netpane. */
  | { readonly type: 'quit' }
  /** Restores the terminal and stops the process, as ctrl-z does. */
  | { readonly type: 'suspend' }
  /** Makes the next paint write every cell, even those that have not changed. */
  | { readonly type: 'redraw' }
  /** Rings the bell of the terminal. */
  | { readonly type: 'bell' }
  /** Sets the poll interval of the sampler. */
  | { readonly type: 'set-interval'; readonly intervalMs: number }
  /** Starts a timer. If `afterMs` is undefined, stops it. */
  | { readonly type: 'wake'; readonly timer: TimerName; readonly afterMs: number | undefined }
  /** Reads CPU and memory of a process. Sends `usage`. */
  | { readonly type: 'ask-usage'; readonly pid: number }
  /** Reads what is known of a process besides its sockets. Sends `evidence`, several times. */
  | { readonly type: 'ask-evidence'; readonly target: ProcessTarget }
  /** Opens a process. Sends `process-opened`, or `message`. */
  | { readonly type: 'open-process'; readonly target: ProcessTarget }
  /** Sends a signal to the open process with these facts. Sends `signalled`, and `waited` if such a signal ends processes. */
  | {
      readonly type: 'signal';
      readonly facts: ProcessFacts;
      readonly signal: SignalName;
      readonly scope: Scope;
    }
  /** Releases the open process with these facts. */
  | { readonly type: 'release-process'; readonly facts: ProcessFacts }
  /** Lists the firewall's rules about a listener, as root. Sends `firewall`. */
  | { readonly type: 'ask-firewall'; readonly target: FirewallTarget }
  /** Ends the reading of evidence. */
  | { readonly type: 'stop-evidence' }
  /** Closes sockets of other programs; `what` names them. Sends `sockets-closed`. */
  | { readonly type: 'close-sockets'; readonly sockets: readonly SocketToClose[]; readonly what: string }
  /** Looks up the addresses of a host name. Sends `host`. */
  | { readonly type: 'resolve'; readonly name: string }
  /**
   * Asks for the names of these addresses, soon and not all at once. Those of an earlier effect that were not asked yet
   * are dropped. Sends `names`, several times.
   */
  | { readonly type: 'ask-names'; readonly addresses: readonly string[] }
  /** Reads the files that know where peers are, and reads them again when they are replaced. Sends `locations`, several times. */
  | { readonly type: 'read-locations' }
  /** Asks whois servers about an address. Sends `whois-answer`, several times. */
  | { readonly type: 'ask-whois'; readonly address: string }
  /** Copies a text to the clipboard of the terminal; `what` names it in the message. Sends `message`. */
  | { readonly type: 'copy'; readonly text: string; readonly what: string }
  /** Writes sockets to a file. Sends `message`, or `save-failed`. */
  | { readonly type: 'save'; readonly path: string; readonly sockets: readonly Socket[] }
  /** Saves the part of the state that the next start restores. */
  | { readonly type: 'save-state'; readonly state: State };
