import { readFileSync } from 'node:fs';

/** An address as text, and a port. */
export interface Endpoint {
  address: string;
  port: number;
}

/** A socket as listed in /proc/net; `state` has the kernel's name. */
export interface KernelSocket {
  protocol: 'tcp' | 'tcp6' | 'udp' | 'udp6';
  local: Endpoint;
  remote: Endpoint;
  state: string;
  /** 0 if no process holds the socket: TIME_WAIT, and connections that are not accepted yet. */
  inode: number;
}

// include/net/tcp_states.h. UDP uses ESTABLISHED and CLOSE, which ss shows as UNCONN.
const states = [
  ...[
    '',
    'ESTABLISHED',
    'SYN_SENT',
    'SYN_RECV',
    'FIN_WAIT1',
    'FIN_WAIT2',
    'TIME_WAIT',
    'CLOSE',
    'CLOSE_WAIT',
  ],
  ...['LAST_ACK', 'LISTEN', 'CLOSING', 'NEW_SYN_RECV'],
];

/** Parses an endpoint of /proc/net. The address is in words of 32 bits, each in the byte order of the machine. */
function parseEndpoint(text: string): Endpoint {
  const [hex = '', port = ''] = text.split(':');
  const bytes = Buffer.from(hex, 'hex');
  if (new Uint8Array(new Uint32Array([1]).buffer)[0] === 1) bytes.swap32();
  return { address: formatAddress(bytes), port: Number.parseInt(port, 16) };
}

function formatAddress(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const isMapped = bytes.subarray(0, 12).equals(Buffer.from('00000000000000000000ffff', 'hex'));
  if (isMapped) return `::ffff:${bytes.subarray(12).join('.')}`;
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}

/**
 * Returns all TCP and UDP sockets of a network namespace, from /proc/net (proc_net(5)); netpane itself reads netlink if it
 * can. While sockets open and close, single ones may be missing: read again.
 * @param pid a process of the namespace
 */
export function kernelSockets(
  protocols: Iterable<KernelSocket['protocol']> = ['tcp', 'tcp6', 'udp', 'udp6'],
  pid: number | 'self' = 'self',
): KernelSocket[] {
  return [...protocols].flatMap((protocol) => {
    const lines = readFileSync(`/proc/${pid}/net/${protocol}`, 'utf8').trimEnd().split('\n').slice(1);
    return lines.map((line) => {
      const [, local = '', remote = '', state = '', , , , , , inode = ''] = line.trim().split(/\s+/);
      return {
        protocol,
        local: parseEndpoint(local),
        remote: parseEndpoint(remote),
        state: states[Number.parseInt(state, 16)] ?? state,
        inode: Number(inode),
      };
    });
  });
}
