import { type Connections, Herd, type HerdProcess, type HerdSocket } from '../helpers/herd.ts';

/** Connections of one pair of processes; what is above comes from further pairs. */
const MOST_OF_A_PAIR = 5_000;

/** A crowd of sockets on loopback, of which some can be replaced by others. */
export class Scene {
  readonly #server: HerdProcess;
  readonly #client: HerdProcess;
  readonly #listener: HerdSocket;
  readonly #connections: Connections;
  readonly #size: number;
  #opens = true;

  /** Opens about `size` sockets: connections, and a few listeners and others of each kind. */
  static async open(herd: Herd, size: number): Promise<Scene> {
    const [server, client] = await Promise.all([
      herd.spawn({ title: 'bench-server' }),
      herd.spawn({ title: 'bench-client' }),
    ]);
    const listener = await server.listen({ host: '127.70.0.1' });
    const others = await openOthers(server, client);
    const connections = Math.floor((size - others - 1) / 2);
    const own = Math.min(connections, MOST_OF_A_PAIR);
    const made = await client.connect(server, listener, { count: own, from: '127.70.0.2' });
    if (connections > own) await herd.crowd(connections - own);
    return new Scene(server, client, listener, made, size);
  }

  private constructor(
    server: HerdProcess,
    client: HerdProcess,
    listener: HerdSocket,
    connections: Connections,
    size: number,
  ) {
    this.#server = server;
    this.#client = client;
    this.#listener = listener;
    this.#connections = connections;
    this.#size = size;
  }

  /**
   * Replaces sockets so that 1 % of all change: half of these close, as many open. Where that is less than one
   * connection (it has two sockets), it opens one and closes one in turn. They belong to the largest processes,
   * whose descriptors take the longest to look through.
   */
  async change(): Promise<void> {
    const each = Math.floor(this.#size / 400);
    const opens = this.#opens ? Math.max(1, each) : each;
    const closes = this.#opens ? each : Math.max(1, each);
    this.#opens = !this.#opens;
    const { near, far } = this.#connections;
    if (closes > 0) {
      // A connection that is reset leaves no TIME_WAIT, which would make the crowd larger for a minute.
      await this.#client.close(near.splice(0, closes), { reset: true });
      far.splice(0, closes);
    }
    if (opens > 0) {
      const made = await this.#client.connect(this.#server, this.#listener, {
        count: opens,
        from: '127.70.0.2',
      });
      near.push(...made.near);
      far.push(...made.far);
    }
  }
}

/** Some sockets of every other kind. Gives their count. */
async function openOthers(server: HerdProcess, client: HerdProcess): Promise<number> {
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
