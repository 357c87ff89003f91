import { setTimeout as sleep } from 'node:timers/promises';
import { Herd } from '../helpers/herd.ts';
import { Crowd } from './crowd.ts';

/** The last acknowledgement of a connection is delayed by up to 200 ms, and its timer runs until then. */
const SETTLE_MS = 1000;

/** A crowd of sockets on loopback, of which some can be replaced by others. */
export class Scene {
  readonly #herd = new Herd();
  readonly #crowd = new Crowd();
  readonly #size: number;
  #opens = true;

  constructor(size: number) {
    this.#size = size;
  }

  /** Opens about so many sockets: connections, and a few listeners and others of each kind. */
  async open(): Promise<void> {
    const others = await openOthers(this.#herd);
    const most = Math.floor((this.#size - others) / 2);
    const connections = Math.floor((this.#size - others - Crowd.listeners(most)) / 2);
    await this.#crowd.open(connections);
    await sleep(SETTLE_MS);
  }

  /**
   * Replaces sockets so that 1 % of all change: half of these close, as many open. Where that is less than one
   * connection (it has two sockets), it opens one and closes one in turn.
   */
  async change(): Promise<void> {
    const each = Math.floor(this.#size / 400);
    const opens = this.#opens ? Math.max(1, each) : each;
    const closes = this.#opens ? each : Math.max(1, each);
    this.#opens = !this.#opens;
    await this.#crowd.replace(closes, opens);
  }

  /** Ends all its processes. May be called again. */
  async close(): Promise<void> {
    await Promise.all([this.#herd.close(), this.#crowd.close()]);
  }
}

/** Some sockets of every other kind. Gives their count. */
async function openOthers(herd: Herd): Promise<number> {
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
