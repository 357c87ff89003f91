import type { GapEvent, LearntBy, SocketEvent } from '../model/event.ts';
import type { NetworkNamespace, Owner, Socket, Timer, Traffic } from '../model/socket.ts';

/** Characters that JSON allows as they are and a terminal, or an eye, is misled by. */
const UNSAFE = /[\p{C}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]/gu;

/** Nearly every line: it needs no look at Unicode's tables. */
const PLAIN = /^[ -~]*$/;

const escape = (json: string): string =>
  PLAIN.test(json)
    ? json
    : json.replace(UNSAFE, (character) =>
        [...Array(character.length).keys()]
          .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`)
          .join(''),
      );

const ownerFields = ({ pid, process, command, startedAtMs, knowledge }: Owner) => ({
  pid,
  process,
  command,
  startedAtMs,
  knowledge,
});

/** What is told of traffic, beside the fields of the socket and in this order. */
const trafficFields = (traffic: Traffic = {}) => ({
  rxBytes: traffic.rxBytes,
  txBytes: traffic.txBytes,
  rxSegments: traffic.rxSegments,
  txSegments: traffic.txSegments,
  rttMicros: traffic.rttMicros,
  rttVarMicros: traffic.rttVarMicros,
  retransmits: traffic.retransmits,
  cwnd: traffic.cwnd,
  deliveryRate: traffic.deliveryRate,
  recvQueue: traffic.recvQueue,
  sendQueue: traffic.sendQueue,
  lastSentAtMs: traffic.lastSentAtMs,
  lastReceivedAtMs: traffic.lastReceivedAtMs,
});

const namespaceFields = ({ inode, name }: NetworkNamespace) => ({ inode, name });

const timerFields = ({ kind, dueAtMs, retransmits }: Timer) => ({ kind, dueAtMs, retransmits });

/** Without what is unknown, once it is JSON. */
const socketFields = ({ owners, ...socket }: Socket) => {
  const { id, protocol, family, local, remote, state, inode, uid, user, netns, timer, tcp } = socket;
  return {
    id,
    protocol,
    family,
    local,
    remote,
    state,
    inode,
    uid,
    user,
    interface: socket.interface,
    netns: netns && namespaceFields(netns),
    ...trafficFields(socket.traffic),
    timer: timer && timerFields(timer),
    tcp,
    owners: owners.map(ownerFields),
  };
};

/** One socket as a line of JSON; unknown fields are absent. Safe to print: what is not visible is escaped. */
export const socketJson = (socket: Socket): string => escape(JSON.stringify(socketFields(socket)));

/** An array of sockets, one a line. */
export const socketsJson = (sockets: readonly Socket[]): string =>
  sockets.length === 0 ? '[]\n' : `[\n${sockets.map(socketJson).join(',\n')}\n]\n`;

/** Clocks tell no more than microseconds; the digits after them are made of the arithmetic. */
const toThousandths = (ms: number): number => Math.round(ms * 1000) / 1000;

/** Something that was lost on the way here, whoever lost it. */
export type Gap = Omit<GapEvent, 'learntBy'> & { readonly learntBy: LearntBy };

const happeningFields = ({ socket, was, lifetimeMs, isAtLeast }: SocketEvent) => ({
  socket: socketFields(socket),
  was: was && { state: was },
  lifetimeMs: lifetimeMs === undefined ? undefined : toThousandths(lifetimeMs),
  isAtLeast,
});

/** One event as a line of JSON, its socket as in {@link socketJson}; as safe, and what is unknown is absent. */
export const eventJson = (event: SocketEvent | Gap): string =>
  escape(
    JSON.stringify({
      atMs: toThousandths(event.atMs),
      type: event.type,
      ...(event.type === 'gap' ? { missed: event.missed } : happeningFields(event)),
      learntBy: event.learntBy,
    }),
  );
