import { portOrProtocol, type Owner, type Protocol, sameEndpoint, type Socket } from '../../model/socket.ts';
import type { SocketLimiter } from '../socket-limiter.ts';
import type { Attribution, Listeners } from './attribution.ts';
import type { OtherMessage } from './netlink/others.ts';
import type { Network } from './network.ts';
import { parsePacketTable } from './packet-table.ts';
import { LIMIT, type Proc } from './proc.ts';
import { parseTable, type Table, type TableItem } from './table.ts';

/** A socket as it was read, and where. */
interface Entry {
  readonly message: OtherMessage;
  readonly network: Network;
}

/** A table below /proc/net. */
interface OtherTable {
  readonly file: string;
  readonly protocol: Protocol;
  /** The sockets in it, and how many lines could not be read. */
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
 * Where the kernel tells of protocols that sock_diag does not know: ping sockets never (net/ipv4/ping.c has no diag
 * handler), the others where their module is missing.
 */
const TABLES: Partial<Record<Protocol, readonly OtherTable[]>> = {
  icmp: bothFamilies('icmp', 'icmp'),
  raw: bothFamilies('raw', 'raw'),
  udp: bothFamilies('udp', 'udp'),
  udplite: bothFamilies('udplite', 'udplite'),
  packet: [{ file: 'packet', protocol: 'packet', parse: parsePacketTable }],
};

/**
 * Sockets of the kinds of which there are few, decoded whole at each reading; an unchanged one stays the same object.
 * A reading is `beginPoll`, `add`, `keep` and `readTables`, then `removed`, then `buildSockets`.
 */
export class OtherSockets {
  readonly #proc: Proc;
  readonly #attribution: Attribution;
  readonly #limiter: SocketLimiter;
  #entries = new Map<string, Entry>();
  #before = new Map<string, Entry>();
  #sockets = new Map<string, Socket>();

  /** @param limiter has as much room for these as for the sockets of other kinds */
  constructor(proc: Proc, attribution: Attribution, limiter: SocketLimiter) {
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

  /** Takes the sockets of a protocol that were there at the last reading to be there still: they could not be read. */
  keepPrevious(network: Network, protocol: Protocol): void {
    for (const [id, entry] of this.#before) {
      if (entry.network === network && entry.message.protocol === protocol && !this.#entries.has(id))
        this.#entries.set(id, entry);
    }
  }

  /**
   * Reads from /proc what sock_diag does not tell of a namespace; what cannot be read stays as it was.
   * @param folder below /proc: a process or thread that is in the namespace
   * @param withoutDiag protocols that this kernel has no diag for
   * @returns the count of lines that made no sense, and the protocols that could not be read
   */
  readTables(
    network: Network,
    folder: string,
    withoutDiag: Iterable<Protocol>,
  ): { problems: number; unread: ReadonlySet<Protocol> } {
    let unreadable = 0;
    const unread = new Set<Protocol>();
    const tables = [...new Set<Protocol>(['icmp', ...withoutDiag])].flatMap((protocol) => TABLES[protocol] ?? []);
    for (const table of tables) {
      const text = this.#proc.latin1(`${folder}/net/${table.file}`, LIMIT.table);
      if (!('value' in text)) {
        // A kernel without such sockets has no such table; where there is no table of any kind it cannot be told.
        if (text.failed !== 'gone' || !('value' in this.#proc.stat(`${folder}/net`)))
          unread.add(table.protocol);
        continue;
      }
      const { items, problems } = table.parse(text.value);
      unreadable += problems;
      for (const item of items) this.add(item, network);
    }
    for (const protocol of unread) this.keepPrevious(network, protocol);
    return { problems: unreadable, unread };
  }

  /** Inodes of the sockets of this reading. */
  *inodes(): Generator<number> {
    for (const { message } of this.#entries.values()) if (message.inode !== undefined) yield message.inode;
  }

  /** A socket as the last reading had it. */
  get(id: string): Socket | undefined {
    return this.#sockets.get(id);
  }

  /** Inodes that were not there at the last reading. */
  get added(): number[] {
    return [...differing(this.#entries, this.#before)];
  }

  /** Inodes that were there at the last reading and are not now. */
  removed(): number[] {
    return [...differing(this.#before, this.#entries)];
  }

  /** Makes the sockets of this reading. @returns others that differ from before, without a socket others that are gone */
  buildSockets(listeners: () => Listeners): { id: string; socket: Socket | undefined }[] {
    const before = this.#sockets;
    const names = this.#unixNames();
    const changes: { id: string; socket: Socket | undefined }[] = [];
    const sockets = new Map<string, Socket>();
    for (const [id, entry] of this.#entries) {
      const was = before.get(id);
      const owners = this.#attribution.ownersOf(
        { ...entry.message, netns: entry.network.inode },
        was?.owners,
        listeners,
      );
      const peer =
        entry.message.peerInode === undefined ? undefined : (names.get(entry.message.peerInode) ?? '');
      const socket = makeSocket(entry, peer, owners, this.#attribution);
      const isSame = was !== undefined && sameSocket(was, socket);
      if (!isSame) changes.push({ id, socket });
      sockets.set(id, isSame ? was : socket);
    }
    for (const id of before.keys()) if (!sockets.has(id)) changes.push({ id, socket: undefined });
    this.#sockets = sockets;
    return changes;
  }

  /** Names of Unix sockets by inode. */
  #unixNames(): Map<number, string> {
    const names = new Map<number, string>();
    for (const { message } of this.#entries.values()) {
      if (message.protocol === 'unix' && message.inode !== undefined)
        names.set(message.inode, message.local.address);
    }
    return names;
  }
}

function* differing(entries: ReadonlyMap<string, Entry>, others: ReadonlyMap<string, Entry>): Generator<number> {
  for (const [id, { message }] of entries) {
    if (message.inode !== undefined && others.get(id)?.message.inode !== message.inode) yield message.inode;
  }
}

function makeSocket(
  { message, network }: Entry,
  peer: string | undefined,
  owners: readonly Owner[],
  attribution: Attribution,
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
      traffic: { recvQueue, ...(sendQueue !== undefined && { sendQueue }) },
    }),
    owners,
  };
}

const sameSocket = (a: Socket, b: Socket): boolean =>
  a.state === b.state &&
  a.inode === b.inode &&
  a.uid === b.uid &&
  a.user === b.user &&
  a.interface === b.interface &&
  a.netns === b.netns &&
  a.owners === b.owners &&
  sameEndpoint(a.local, b.local) &&
  sameEndpoint(a.remote, b.remote) &&
  a.traffic?.recvQueue === b.traffic?.recvQueue &&
  a.traffic?.sendQueue === b.traffic?.sendQueue;
