import { addressAt, AF_INET, AF_INET6 } from './inet.ts';
import { counterAt, dumpRequest, eachAttribute, LITTLE_ENDIAN, type NetlinkBuffer, textAt } from './wire.ts';

/** Message types of rtnetlink(7). */
export const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
export const RTM_NEWADDR = 20;
const RTM_GETADDR = 22;

/** Attributes, include/uapi/linux/if_link.h and if_addr.h. */
const IFLA_IFNAME = 3;
const IFLA_STATS = 7;
const IFLA_LINKINFO = 18;
const IFLA_STATS64 = 23;
const IFLA_LINK_NETNSID = 37;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;

/**
 * Attribute of IFLA_INFO_DATA that holds the UDP port of a tunnel, by kind of tunnel: IFLA_VXLAN_PORT,
 * IFLA_GENEVE_PORT, IFLA_BAREUDP_PORT (include/uapi/linux/if_link.h). The port is in network byte order.
 */
const TUNNEL_PORT: ReadonlyMap<string, number> = new Map([
  ['vxlan', 15],
  ['geneve', 5],
  ['bareudp', 1],
]);

const IFF_UP = 1;
const IFF_LOOPBACK = 8;

/** Returns a dump request for all interfaces with their counters: struct ifinfomsg. */
export const linksRequest = (): Uint8Array => dumpRequest(RTM_GETLINK, new Uint8Array(16));

/** Returns a dump request for all addresses: struct ifaddrmsg. */
export const addressesRequest = (): Uint8Array => dumpRequest(RTM_GETADDR, new Uint8Array(8));

/** A network interface, with its counters since it was created. */
export interface Link {
  readonly index: number;
  readonly name: string;
  readonly isUp: boolean;
  readonly isLoopback: boolean;
  readonly rxBytes: number;
  readonly txBytes: number;
  /**
   * UDP port that the kernel has open for this tunnel, in this namespace. Absent for other interfaces, while the tunnel
   * is down (the kernel opens the socket when it goes up), and if the socket is in the namespace the tunnel was moved
   * from.
   */
  readonly tunnelPort?: number;
}

/** Decodes struct ifinfomsg: family, padding, type, index, flags, change; attributes. Undefined without a name. */
export function decodeLink(buffer: NetlinkBuffer, start: number, end: number): Link | undefined {
  const { view } = buffer;
  if (end - start < 16) return undefined;
  let name: string | undefined;
  let counters: { rxBytes: number; txBytes: number } | undefined;
  let tunnelPort: number | undefined;
  /** True if the interface was moved here from another namespace, whose id the attribute has. */
  let isMoved = false as boolean;
  eachAttribute(buffer, start + 16, end, (type, from, to) => {
    if (type === IFLA_IFNAME) name = textAt(buffer, from, to);
    else if (type === IFLA_LINKINFO) tunnelPort = tunnelPortAt(buffer, from, to);
    else if (type === IFLA_LINK_NETNSID) isMoved = true;
    // struct rtnl_link_stats64: packets received and sent, bytes received and sent; the 32-bit struct has the same
    // order.
    else if (type === IFLA_STATS64 && to >= from + 32) {
      counters = {
        rxBytes: counterAt(buffer, from + 16, to) ?? 0,
        txBytes: counterAt(buffer, from + 24, to) ?? 0,
      };
    } else if (type === IFLA_STATS && to >= from + 16) {
      counters ??= {
        rxBytes: view.getUint32(from + 8, LITTLE_ENDIAN),
        txBytes: view.getUint32(from + 12, LITTLE_ENDIAN),
      };
    }
  });
  if (name === undefined || name === '') return undefined;
  const flags = view.getUint32(start + 8, LITTLE_ENDIAN);
  return {
    index: view.getInt32(start + 4, LITTLE_ENDIAN),
    name,
    isUp: (flags & IFF_UP) !== 0,
    isLoopback: (flags & IFF_LOOPBACK) !== 0,
    ...(counters ?? { rxBytes: 0, txBytes: 0 }),
    ...(tunnelPort !== undefined && (flags & IFF_UP) !== 0 && !isMoved && { tunnelPort }),
  };
}

/** Returns the UDP port in IFLA_LINKINFO, for kinds of tunnel that have one. The kind comes before the data. */
function tunnelPortAt(buffer: NetlinkBuffer, start: number, end: number): number | undefined {
  let kind = '';
  let port: number | undefined;
  eachAttribute(buffer, start, end, (type, from, to) => {
    if (type === IFLA_INFO_KIND) kind = textAt(buffer, from, to);
    if (type !== IFLA_INFO_DATA) return;
    eachAttribute(buffer, from, to, (inner, at, until) => {
      if (inner === TUNNEL_PORT.get(kind) && until - at >= 2) port = buffer.view.getUint16(at);
    });
  });
  return port;
}

/** An address and its interface. */
export interface InterfaceAddress {
  readonly interfaceIndex: number;
  readonly address: string;
}

/** Decodes struct ifaddrmsg: family, prefix length, flags, scope, index; attributes. */
export function decodeInterfaceAddress(
  buffer: NetlinkBuffer,
  start: number,
  end: number,
): InterfaceAddress | undefined {
  const { bytes, view } = buffer;
  if (end - start < 8) return undefined;
  const number = bytes[start];
  if (number !== AF_INET && number !== AF_INET6) return undefined;
  const family = number === AF_INET ? 'ipv4' : 'ipv6';
  const size = number === AF_INET ? 4 : 16;
  let local: string | undefined;
  let address: string | undefined;
  eachAttribute(buffer, start + 8, end, (type, from, to) => {
    if (to - from < size) return;
    // On a point-to-point link IFA_ADDRESS is the address of the peer and IFA_LOCAL the local one.
    if (type === IFA_LOCAL) local = addressAt(view, from, family);
    else if (type === IFA_ADDRESS) address = addressAt(view, from, family);
  });
  const text = local ?? address;
  return text === undefined
    ? undefined
    : { interfaceIndex: view.getUint32(start + 4, LITTLE_ENDIAN), address: text };
}
