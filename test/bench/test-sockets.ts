import { setTimeout as sleep } from 'node:timers/promises';
import { Herd } from '../helpers/herd.ts';
import { OpenConnections } from './open-connections.ts';

/** The last acknowledgement of a connection is delayed by up to 200 ms, and its timer shows in the dump until then. */
const SETTLE_MS = 1000;

/** The loopback sockets of one benchmark size, a share of which can be replaced. */
export class TestSockets {
  readonly #herd = new Herd();
  readonly #connections = new OpenConnections();
  readonly #size: number;
  #isOpensTurn = true;

  /** @param size approximate number of sockets */
  constructor(size: number) {
    this.#size = size;
  }

  /** Opens the sockets: connections, and a few listeners and UDP sockets of each kind. */
  async open(): Promise<void> {
    const mixed = await openMixedSockets(this.#herd);
    const max = Math.floor((this.#size - mixed) / 2);
    const connections = Math.floor((this.#size - mixed - OpenConnections.listeners(max)) / 2);
    await this.#connections.open(connections);
    await sleep(SETTLE_MS);
  }

  /**
   * Replaces sockets so that 1 % of all change: half of that number closes, and as many open. Where that is less than
   * one connection (two sockets), calls alternate: one opens a connection, the next closes one.
   */
  async change(): Promise<void> {
    const each = Math.floor(this.#size / 400);
    const opens = this.#isOpensTurn ? Math.max(1, each) : each;
    const closes = this.#isOpensTurn ? each : Math.max(1, each);
    this.#isOpensTurn = !this.#isOpensTurn;
    await this.#connections.replace(closes, opens);
  }

  /** Ends all processes. May be called again. */
  async close(): Promise<void> {
    await Promise.all([this.#herd.close(), this.#connections.close()]);
  }
}

/** Opens a few sockets of every other kind. @returns their number */
async function openMixedSockets(herd: Herd): Promise<number> {
  const [server, client] = await Promise.all([
    herd.spawn({ title: 'bench-server' }),
    herd.spawn({ title: 'bench-client' }),
  ]);
  const v6 = await server.listen({ host: '::' });
  await server.listen({ host: '0.0.0.0' });
  await server.listen({ host: '::1', v6Only: true });
  await client.connect(server, v6, { count: 3 });
  const udp = await server.udp();
  await server.udp({ host: '::' });
  await client.udp({ to: udp.local });
  await client.udp({ host: '0.0.0.0' });
  return 3 + 2 * 3 + 4;
}
