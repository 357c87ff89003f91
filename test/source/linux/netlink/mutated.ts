// Captured messages, and values for their mutation.
import { readFileSync } from 'node:fs';
import { captured } from '../../../helpers/netlink/captured.ts';

/** Time limit of a test, milliseconds: on a busy machine the million datagrams take minutes. */
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
export const CLOSES: readonly { readonly notification: Uint8Array; readonly answer: Uint8Array }[] =
  readFileSync(new URL('../../../../fixtures/linux/netlink/closes.b64', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => new Uint8Array(Buffer.from(line, 'base64')))
    .flatMap((notification, i, lines) =>
      i % 3 === 0 ? [{ notification, answer: lines[i + 2] ?? new Uint8Array() }] : [],
    );

/** All captured messages, with their kind. */
export const MESSAGES: readonly { readonly kind: Kind; readonly bytes: Uint8Array }[] = [
  // Notifications have the sequence number 0: here they get that of all other messages.
  ...CLOSES.map(({ notification }) => ({ kind: 'closed' as const, bytes: renumbered(notification, 7) })),
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
