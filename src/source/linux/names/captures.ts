import type { Degradation } from '../../../model/batch.ts';
import { counted } from '../../../model/text.ts';
import type { CaptureReceiver } from '../../types.ts';
import type { Network } from '../namespaces/network.ts';
import type { DescriptorBudget } from '../netlink/descriptors.ts';
import { isForbidden, isSystemError } from '../netlink/system.ts';
import { type Privileges, whyUnseen } from '../proc/privileges.ts';
import type { CaptureSockets } from './capture-socket.ts';

/** Share of the budget of descriptors up to which capture sockets are opened, 0 to 1; netlink sockets count too. */
const SHARE = 0.75;

/** A network namespace that this thread can enter to open a capture socket. */
export type CapturedNetwork = Pick<Network, 'inside'>;

/** Keeps a capture socket open in each network namespace, and hands it over to its receiver. */
export class Captures {
  readonly #sockets: Pick<CaptureSockets, 'open' | 'close'>;
  readonly #budget: Pick<DescriptorBudget, 'reserve' | 'release'>;
  readonly #receiver: CaptureReceiver;
  readonly #open = new Map<CapturedNetwork, number>();
  /** Error messages of namespaces without a socket; those that may not be captured are never tried again. */
  readonly #failed = new Map<CapturedNetwork, { readonly message: string; readonly isFinal: boolean }>();

  constructor(
    sockets: Pick<CaptureSockets, 'open' | 'close'>,
    budget: Pick<DescriptorBudget, 'reserve' | 'release'>,
    receiver: CaptureReceiver,
  ) {
    this.#sockets = sockets;
    this.#budget = budget;
    this.#receiver = receiver;
  }

  /**
   * Opens sockets in new namespaces, and ends those of namespaces that are not among these. Once the receiver has ended, it
   * closes all sockets: each would keep its namespace alive, and a buffer full of packets.
   */
  update(networks: Iterable<CapturedNetwork>): void {
    const { hasEnded } = this.#receiver;
    const present = new Set(hasEnded ? [] : networks);
    for (const network of this.#failed.keys()) if (!present.has(network)) this.#failed.delete(network);
    for (const [network, descriptor] of this.#open) {
      if (present.has(network)) continue;
      this.#open.delete(network);
      this.#budget.release(1);
      if (hasEnded) this.#sockets.close(descriptor);
      else this.#receiver.ended(descriptor);
    }
    for (const network of present)
      if (!this.#open.has(network) && this.#failed.get(network)?.isFinal !== true) this.#openIn(network);
  }

  #openIn(network: CapturedNetwork): void {
    try {
      this.#budget.reserve(1, SHARE);
      try {
        const descriptor = network.inside(() => this.#sockets.open());
        this.#open.set(network, descriptor);
        this.#failed.delete(network);
        this.#receiver.opened(descriptor);
      } catch (error) {
        this.#budget.release(1);
        throw error;
      }
    } catch (error) {
      if (!isSystemError(error)) throw error;
      this.#failed.set(network, { message: error.message, isFinal: isForbidden(error) });
    }
  }

  /** Returns the notice about namespaces without a socket. */
  notices(privileges: Privileges): readonly Degradation[] {
    const [first] = this.#failed.values();
    if (first === undefined) return [];
    const why = (first.isFinal ? whyUnseen(privileges, ['CAP_NET_RAW']) : undefined) ?? first.message;
    const where = this.#open.size === 0 ? '' : ` in ${counted(this.#failed.size, 'network namespace')}`;
    return [
      {
        code: 'names-uncaptured',
        text: `names that programs ask for are not seen${where}: ${why}`,
        short: this.#open.size === 0 ? 'no names' : 'some names unseen',
      },
    ];
  }
}
