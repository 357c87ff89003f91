import { sameSocket } from '../../../model/fields.ts';
import { portOrProtocol, type Owner, type Protocol, type Socket } from '../../../model/socket.ts';
import type { SocketLimiter } from '../../socket-limiter.ts';
import type { CountedTraffic } from './counted-traffic.ts';
import type { Attribution, Listeners } from '../owners/attribution.ts';
import type { OtherMessage } from '../netlink/others.ts';
import type { Network } from '../namespaces/network.ts';
import { parsePacketTable } from '../procnet/packet-table.ts';
import type { Proc } from '../proc/proc.ts';
import { parseTable, type Table, type TableItem } from '../procnet/table.ts';

/** A socket of the current poll and its namespace. */
interface Entry {
  readonly message: OtherMessage;
  readonly network: Network;
}

/** A table below /proc/net. */
interface OtherTable {
  readonly file: string;
  readonly protocol: Protocol;
  /** Returns the sockets in the table, and the number of malformed lines. */
  readonly parse: (text: string) => { readonly items: readonly OtherMessage[]; readonly problems: number };
}

function inetTable(table: Table): OtherTable {
  const messageOf = ({ sighting, recvQueue, sendQueue }: TableItem): OtherMessage => {
    const { protocol, family, local, inode } = sighting;
    const id = `${protocol}:${inode ?? `${family} ${local.address}:${portOrProtocol(local)}`}`;
    return { id, ...sighting, recvQueue, sendQueue };
  };
  const parse = (text: string) => {
    const { items, problems } = parseTable(text, table, () => false);
    return { items: items.map(messageOf), problems };
  };
  return { ...table, parse };
}

const bothFamilies = (protocol: Protocol, file: string): readonly OtherTable[] => [
  inetTable({ file, protocol, family: 'ipv4' }),
  inetTable({ file: `${file}6`, protocol, family: 'ipv6' }),
];

/**
 * Tables of protocols that sock_diag does not list: always ping sockets (net/ipv4/ping.c has no diag handler), the
 * others if the kernel lacks their diag module.
 */
const TABLES: Partial<Record<Protocol, readonly OtherTable[]>> = {
  icmp: bothFamilies('icmp', 'icmp'),
  raw: bothFamilies('raw', 'raw'),
  udp: bothFamilies('udp', 'udp'),
  udplite: bothFamilies('udplite', 'udplite'),
  packet: [{ file: 'packet', protocol: 'packet', parse: parsePacketTable }],
};

interface Change {
  readonly id: string;
  readonly socket: Socket | undefined;
  readonly ended?: Socket | undefined;
}

/**
 * Sockets of rare kinds, all decoded at each poll; an unchanged socket stays the same object. Each poll calls
 * `beginPoll`, then `add`, `keepPrevious` and `readTables`, then `added` and `removed`, then `buildSockets`.
 */
export class OtherSockets {
  readonly #proc: Proc;
  readonly #attribution: Attribution;
  readonly #limiter: SocketLimiter;
  readonly #counted: CountedTraffic;
  #entries = new Map<string, Entry>();
  #before = new Map<string, Entry>();
  #sockets = new Map<string, Socket>();

  /** @param limiter bounds the number of these sockets separately from those of `SockDiagSource` */
  constructor(proc: Proc, attribution: Attribution, limiter: SocketLimiter, counted: CountedTraffic) {
    this.#counted = counted;
    this.#limiter = limiter;
    this.#proc = proc;
    this.#attribution = attribution;
  }

  beginPoll(): void {
    this.#before = this.#entries;
    this.#entries = new Map();
  }

  add(message: OtherMessage, network: Network): void {
    if (!this.#limiter.hasRoom(this.#entries.size, 'connection') && !this.#before.has(message.id)) {
      this.#limiter.countOmitted('connection');
      return;
    }
    this.#entries.set(message.id, { message, network });
  }

  /** Keeps the sockets of a protocol from the last poll, because they could not be read. */
  keepPrevious(network: Network, protocol: Protocol): void {
    for (const [id, entry] of this.#before) {
      if (entry.network === network && entry.message.protocol === protocol && !this.#entries.has(id))
        this.#entries.set(id, entry);
    }
  }

  /**
   * Reads sockets that sock_diag does not list from /proc. Keeps the previous ones of a table that cannot be read.
   * @param folder folder below /proc of a process or thread in the namespace
   * @param withoutDiag protocols without a diag module in this kernel
   * @returns the number of malformed lines, and the protocols that could not be read
   */
  readTables(
    network: Network,
    folder: string,
    withoutDiag: Iterable<Protocol>,
  ): { problems: number; unread: ReadonlySet<Protocol> } {
    let malformed = 0;
    let count = 0;
    const unread = new Set<Protocol>();
    const tables = [...new Set<Protocol>(['icmp', ...withoutDiag])].flatMap(
      (protocol) => TABLES[protocol] ?? [],
    );
    for (const table of tables) {
      const text = this.#proc.table(`${folder}/net/${table.file}`);
      if (!('value' in text)) {
        // A missing table means a kernel without such sockets, but only if /proc/net itself exists.
        if (text.failed !== 'gone' || !('value' in this.#proc.stat(`${folder}/net`)))
          unread.add(table.protocol);
        continue;
      }
      const { items, problems } = table.parse(text.value);
      malformed += problems;
      count += items.length;
      for (const item of items) this.add(item, network);
    }
    for (const protocol of unread) this.keepPrevious(network, protocol);
    if (count === 0 && malformed === 0 && unread.size === 0) network.noteEmptyTables();
    return { problems: malformed, unread };
  }

  /** Returns the inodes of the sockets of this poll. */
  *inodes(): Generator<number> {
    for (const { message } of this.#entries.values()) if (message.inode !== undefined) yield message.inode;
  }

  /** Returns the socket with this id as of the last `buildSockets`. */
  get(id: string): Socket | undefined {
    return this.#sockets.get(id);
  }

  /** Inodes that the last poll did not have. */
  get added(): number[] {
    return [...differing(this.#entries, this.#before)];
  }

  /** Returns inodes that the last poll had and this one does not. */
  removed(): number[] {
    return [...differing(this.#before, this.#entries)];
  }

  /** Builds the sockets of this poll. @returns those that changed; a closed one has no socket, see `Snapshot` for `ended` */
  buildSockets(listeners: () => Listeners): Change[] {
    const before = this.#sockets;
    const names = this.#unixNames();
    const changes: Change[] = [];
    const sockets = new Map<string, Socket>();
    for (const [id, entry] of this.#entries) {
      const previous = before.get(id);
      const owners = this.#attribution.ownersOf(
        { ...entry.message, netns: entry.network.inode },
        previous?.owners,
        listeners,
      );
      const peer =
        entry.message.peerInode === undefined ? undefined : (names.get(entry.message.peerInode) ?? '');
      const { protocol, inode } = entry.message;
      const counted = this.#counted.ofListed(protocol, inode);
      const socket = makeSocket(entry, peer, owners, this.#attribution, counted);
      const isSame = previous !== undefined && sameSocket(previous, socket);
      if (!isSame) changes.push({ id, socket });
      sockets.set(id, isSame ? previous : socket);
    }
    for (const [id, socket] of before)
      if (!sockets.has(id)) changes.push({ id, socket: undefined, ended: this.#counted.ended(socket) });
    this.#sockets = sockets;
    return changes;
  }

  /** Returns the names of Unix sockets by inode. */
  #unixNames(): Map<number, string> {
    const names = new Map<number, string>();
    for (const { message } of this.#entries.values()) {
      if (message.protocol === 'unix' && message.inode !== undefined)
        names.set(message.inode, message.local.address);
    }
    return names;
  }
}

/** Yields inodes of entries whose inode differs from that of the other entry with their id. */
function* differing(
  entries: ReadonlyMap<string, Entry>,
  others: ReadonlyMap<string, Entry>,
): Generator<number> {
  for (const [id, { message }] of entries) {
    if (message.inode !== undefined && others.get(id)?.message.inode !== message.inode) yield message.inode;
  }
}

function makeSocket(
  { message, network }: Entry,
  peer: string | undefined,
  owners: readonly Owner[],
  attribution: Attribution,
  counted: Pick<Socket, 'traffic' | 'peers'>,
): Socket {
  const { id, protocol, family, state, inode, uid, recvQueue, sendQueue, interfaceIndex } = message;
  const user = uid === undefined ? undefined : attribution.userOf(uid);
  const name =
    interfaceIndex === undefined
      ? family === 'ipv4' || family === 'ipv6'
        ? network.interfaces.nameOfAddress(message.local.address)
        : undefined
      : network.interfaces.nameOf(interfaceIndex);
  const local =
    protocol === 'packet' && name !== undefined ? { ...message.local, address: name } : message.local;
  return {
    id,
    protocol,
    family,
    local,
    remote: peer === undefined ? message.remote : { address: peer, port: 0 },
    ...(state !== undefined && { state }),
    ...(inode !== undefined && { inode }),
    ...(uid !== undefined && { uid }),
    ...(user !== undefined && { user }),
    ...(name !== undefined && { interface: name }),
    ...(network.netns && { netns: network.netns }),
    ...(recvQueue !== undefined && {
      traffic: { recvQueue, ...(sendQueue !== undefined && { sendQueue }), ...counted.traffic },
    }),
    ...(counted.peers && { peers: counted.peers }),
    owners,
  };
}
