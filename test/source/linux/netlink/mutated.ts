// Captured messages, and values for their mutation.
import { readFileSync } from 'node:fs';
import { captured } from '../../../helpers/netlink/captured.ts';
import {
  attribute,
  inetPayload,
  linkPayload,
  message,
  RAW_SOCK_DIAG,
  struct,
} from '../../../helpers/netlink/messages.ts';

/** Time limit of a test, milliseconds: on a busy machine the datagrams take a minute. */
export const timeout = 300_000;
/** Seed of all random mutations. */
export const SEED = 0x6e657470;

/** Names of the captures of each kind. */
export const NAMES = {
  tcp: ['tcp-old', 'tcp-old-details', 'tcp4', 'tcp6'],
  mptcp: ['mptcp4', 'mptcp6'],
  udp: ['udp4', 'udp6', 'udplite4'],
  unix: ['unix'],
  packet: ['packet'],
  vsock: ['vsock', 'raw4'],
  links: ['links'],
  addresses: ['addresses'],
} as const;

/** Kind of a message: which decoder it is for. */
export type Kind = keyof typeof NAMES | 'closed';

/** Each captured close message, with the answer to the lookup of its remnant. */
export const CLOSES: readonly { readonly message: Uint8Array; readonly answer: Uint8Array }[] = readFileSync(
  new URL('../../../../fixtures/linux/netlink/closes.b64', import.meta.url),
  'utf8',
)
  .trimEnd()
  .split('\n')
  .map((line) => new Uint8Array(Buffer.from(line, 'base64')))
  .flatMap((message, i, lines) =>
    i % 3 === 0 ? [{ message, answer: lines[i + 2] ?? new Uint8Array() }] : [],
  );

/** A message with its kind. */
interface KindMessage {
  readonly kind: Kind;
  readonly bytes: Uint8Array;
}

/** Messages with the attributes that no captured message has: BBR, DCTCP, a tunnel, an interface that was moved. */
const WRITTEN: readonly KindMessage[] = [
  ...[
    attribute(16, struct(20, [[0, 8, 5]])),
    attribute(9, struct(16, [[0, 2, 1]])),
    attribute(9, struct(16, [])),
  ].map((it) => ({
    kind: 'tcp' as const,
    bytes: message(RAW_SOCK_DIAG, inetPayload({ cookie: 1, info: { rttMicros: 9 }, attributes: [it] })),
  })),
  ...[{ tunnel: { kind: 'vxlan', attribute: 15, port: 4789 } }, { isFromElsewhere: true }].map((it) => ({
    kind: 'links' as const,
    bytes: message(16, linkPayload({ index: 2, name: 'eth0', ...it })),
  })),
];

/** All messages to mutate. */
export const MESSAGES: readonly KindMessage[] = [
  ...WRITTEN,
  // Close messages have the sequence number 0: here they get that of all other messages.
  ...CLOSES.map(({ message }) => ({ kind: 'closed' as const, bytes: renumbered(message, 7) })),
  ...messagesOf(Object.entries(NAMES) as [Kind, readonly string[]][]),
];

function messagesOf(captures: readonly (readonly [Kind, readonly string[]])[]) {
  return captures.flatMap(([kind, names]) =>
    names
      .flatMap((name) => captured(name).datagrams)
      .flatMap((datagram) => {
        const view = new DataView(datagram.buffer);
        const messages: { kind: Kind; bytes: Uint8Array }[] = [];
        for (let at = 0; at < datagram.length;) {
          const size = (view.getUint32(at, true) + 3) & ~3;
          messages.push({ kind, bytes: datagram.slice(at, at + size) });
          at += size;
        }
        return messages;
      }),
  );
}

/** Boundary values for lengths and numbers. */
export const EDGES = [
  0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 20, 71, 72, 73, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff,
];
/** The same with values of 32 bits. */
export const WIDE_EDGES = [...EDGES, 0x80000000, 0xfffffff0, 0xfffffffc, 0xffffffff];

export const NOW_MS = 1_700_000_000_000;

/** Returns a datagram with another sequence number in each of its messages. */
export function renumbered(datagram: Uint8Array, sequence: number): Uint8Array {
  const bytes = datagram.slice();
  const view = new DataView(bytes.buffer);
  for (let at = 0; at + 16 <= bytes.length; at += Math.max(16, (view.getUint32(at, true) + 3) & ~3)) {
    view.setUint32(at + 8, sequence, true);
  }
  return bytes;
}
