import { hasPorts, type Protocol } from './socket.ts';

/**
 * Well-known ports with the service names of the IANA registry (RFC 6335), or the everyday name if few people know the
 * registered one. Format: `name port[/protocol]`; without a protocol the name is for TCP and UDP.
 */
const EVERYDAY_LIST = `
ftp-data 20/tcp, ftp 21/tcp, ssh 22/tcp, telnet 23/tcp, smtp 25/tcp, time 37, whois 43/tcp, tacacs 49, domain 53,
dhcp-server 67/udp, dhcp-client 68/udp, tftp 69/udp, gopher 70/tcp, finger 79/tcp, http 80, kerberos 88, pop3 110/tcp,
sunrpc 111, ident 113/tcp, nntp 119/tcp, ntp 123/udp, msrpc 135/tcp, netbios-ns 137, netbios-dgm 138/udp,
netbios-ssn 139/tcp, imap 143/tcp, snmp 161/udp, snmptrap 162, bgp 179/tcp, irc 194/tcp, ldap 389, https 443, smb 445/tcp,
kpasswd 464, submissions 465/tcp, isakmp 500/udp, login 513/tcp, shell 514/tcp, syslog 514/udp, printer 515/tcp,
rip 520/udp, dhcpv6-client 546/udp, dhcpv6-server 547/udp, afp 548/tcp, rtsp 554, submission 587/tcp, ipp 631,
ldaps 636/tcp, iscsi 860/tcp, rsync 873/tcp, dns-tls 853/tcp, dns-quic 853/udp, ftps 990/tcp, imaps 993/tcp,
pop3s 995/tcp, socks 1080/tcp, openvpn 1194, mssql 1433/tcp, mssql-m 1434/udp, oracle 1521/tcp, radius 1812/udp,
radius-acct 1813/udp, mqtt 1883/tcp, ssdp 1900/udp, nfs 2049, etcd 2379/tcp, etcd-peer 2380/tcp, docker 2375/tcp,
docker-tls 2376/tcp, zookeeper 2181/tcp, squid 3128/tcp, ldap-gc 3268/tcp, mysql 3306/tcp, rdp 3389, stun 3478,
svn 3690/tcp, epmd 4369/tcp, ipsec-nat-t 4500/udp, vxlan 4789/udp, sip 5060, sips 5061/tcp, xmpp-client 5222/tcp,
xmpp-server 5269/tcp, mdns 5353/udp, llmnr 5355, postgresql 5432/tcp, amqps 5671/tcp, amqp 5672/tcp, vnc 5900/tcp,
winrm 5985/tcp, winrm-tls 5986/tcp, x11 6000/tcp, redis 6379/tcp, kubernetes 6443/tcp, ircd 6667/tcp, ircs 6697/tcp,
bittorrent 6881, cassandra 9042/tcp, http-alt 8080/tcp, https-alt 8443/tcp, mqtts 8883/tcp, consul 8500/tcp,
vault 8200/tcp, prometheus 9090/tcp, node-exporter 9100/tcp, jetdirect 9100/udp, elasticsearch 9200/tcp, git 9418/tcp,
kafka 9092/tcp, kubelet 10250/tcp, memcached 11211, mongodb 27017/tcp, wireguard 51820/udp
`;

/** Services of one transport protocol: name to show by port, ports by name. */
interface Services {
  readonly names: Map<number, string>;
  readonly ports: Map<string, Set<number>>;
}

type Transport = 'tcp' | 'udp';

/** The services of one list, such as /etc/services, by transport protocol. */
class ServiceList {
  readonly tcp: Services = { names: new Map(), ports: new Map() };
  readonly udp: Services = { names: new Map(), ports: new Map() };

  /** Adds a name of a port. The first name of a port is shown; a search finds the port by any of its names. */
  add(transport: Transport, port: number, name: string): void {
    const { names, ports } = this[transport];
    if (!names.has(port)) names.set(port, name);
    const portsOfName = ports.get(name);
    if (portsOfName) portsOfName.add(port);
    else ports.set(name, new Set([port]));
  }
}

function everydayNames(): ServiceList {
  const list = new ServiceList();
  for (const entry of EVERYDAY_LIST.trim().split(/,\s*/)) {
    const [, name = '', port = '', only] = /^(\S+) (\d+)(?:\/(tcp|udp))?$/.exec(entry) ?? [];
    if (only !== 'udp') list.add('tcp', Number(port), name);
    if (only !== 'tcp') list.add('udp', Number(port), name);
  }
  return list;
}

/** Maximum length of a service name. RFC 6335 allows 15 characters; older lists have longer ones. */
const MAX_NAME_LENGTH = 24;

/** Matches a name that is safe to show in the table and to use in a query. */
const NAME = /^[a-z0-9][a-z0-9._+-]*$/i;

/** Parses a file in the format of services(5): `name port/protocol alias … # comment`. */
function parseServices(text: string): ServiceList {
  const list = new ServiceList();
  for (const line of text.split('\n')) {
    const [name, where, ...aliases] = line.split('#', 1)[0]?.trim().split(/\s+/) ?? [];
    const [port, transport] = where?.split('/') ?? [];
    if (name === undefined || !/^\d{1,5}$/.test(port ?? '') || (transport !== 'tcp' && transport !== 'udp'))
      continue;
    for (const each of [name, ...aliases])
      if (each.length <= MAX_NAME_LENGTH && NAME.test(each))
        list.add(transport, Number(port), each.toLowerCase());
  }
  return list;
}

/** Readers of service lists in the format of services(5). They are called when a name is first needed. */
export interface ServiceTexts {
  /** Returns the list of this machine, /etc/services; undefined if there is none. */
  readonly system: () => string | undefined;
  /** Returns the IANA list that comes with netpane; undefined if there is none. */
  readonly registry: () => string | undefined;
}

const EVERYDAY = everydayNames();
let texts: ServiceTexts = { system: () => undefined, registry: () => undefined };
let system: ServiceList | undefined;
let registry: ServiceList | undefined;

/** Sets the service lists used in addition to the everyday names. */
export function setServiceTexts(from: ServiceTexts): void {
  texts = from;
  system = undefined;
  registry = undefined;
}

const systemList = (): ServiceList => {
  if (system) return system;
  const text = texts.system();
  // The IANA list replaces an empty or missing system list.
  return (system = text?.trim() ? parseServices(text) : registryList());
};

const registryList = (): ServiceList => (registry ??= parseServices(texts.registry() ?? ''));

const TRANSPORTS: Readonly<Partial<Record<Protocol, Transport>>> = {
  tcp: 'tcp',
  mptcp: 'tcp',
  sctp: 'tcp',
  udp: 'udp',
  udplite: 'udp',
};

/** Short names of the IP protocols that raw sockets receive, by number (IANA, Protocol Numbers). */
const IP_PROTOCOLS = new Map([
  [1, 'icmp'],
  [2, 'igmp'],
  [6, 'tcp'],
  [17, 'udp'],
  [41, 'ipv6'],
  [47, 'gre'],
  [50, 'esp'],
  [51, 'ah'],
  [58, 'icmp6'],
  [89, 'ospf'],
  [103, 'pim'],
  [112, 'vrrp'],
  [132, 'sctp'],
  [255, 'raw'],
]);

/** Short names of the Ethernet protocols that packet sockets receive, by number (include/uapi/linux/if_ether.h). */
const ETHERNET_PROTOCOLS = new Map([
  [0x0003, 'all'],
  [0x0800, 'ip'],
  [0x0806, 'arp'],
  [0x8035, 'rarp'],
  [0x8100, 'vlan'],
  [0x86dd, 'ipv6'],
  [0x8863, 'pppoe-d'],
  [0x8864, 'pppoe'],
  [0x888e, 'eapol'],
  [0x88cc, 'lldp'],
  [0x88f7, 'ptp'],
]);

const NUMBERS: Readonly<Partial<Record<Protocol, ReadonlyMap<number, string>>>> = {
  raw: IP_PROTOCOLS,
  packet: ETHERNET_PROTOCOLS,
};

/**
 * Returns the service name of a port: the everyday name, else the name in /etc/services, or in the IANA list if the
 * machine has no list; undefined if there is none. For a raw or packet socket, returns the name of the protocol with
 * this number. A service name is that of the usual service, not of the program that really listens.
 */
export function serviceName(port: number, protocol: Protocol): string | undefined {
  const transport = TRANSPORTS[protocol];
  if (transport === undefined) return NUMBERS[protocol]?.get(port);
  return EVERYDAY[transport].names.get(port) ?? systemList()[transport].names.get(port);
}

/** Yields the lists in order of precedence. The IANA list, the longest, is read only if no other list has the name. */
function* lists(): Generator<ServiceList> {
  yield EVERYDAY;
  yield systemList();
  yield registryList();
}

/** Returns true if a port has this lower-case name in the first list that has the name for this protocol. */
export function isService(name: string, port: number, protocol: Protocol): boolean {
  const transport = TRANSPORTS[protocol];
  if (transport === undefined) return NUMBERS[protocol]?.get(port) === name;
  for (const list of lists()) {
    const ports = list[transport].ports.get(name);
    if (ports) return ports.has(port);
  }
  return false;
}

/** Returns the ports or protocols with this name in the first list that contains it, TCP first; empty if unknown. */
export function servicePorts(name: string): readonly number[] {
  for (const { tcp, udp } of lists()) {
    const ports = [...(tcp.ports.get(name) ?? []), ...(udp.ports.get(name) ?? [])];
    if (ports.length > 0) return ports;
  }
  return [IP_PROTOCOLS, ETHERNET_PROTOCOLS].flatMap((table) =>
    [...table].filter(([, it]) => it === name).map(([number]) => number),
  );
}

/** Returns the names of TCP and UDP services, aliases included, from the everyday list and the list of the machine. */
export function serviceNames(): readonly string[] {
  const all = [EVERYDAY, systemList()].flatMap(({ tcp, udp }) => [...tcp.ports.keys(), ...udp.ports.keys()]);
  return [...new Set(all)];
}

/** Returns the number of an Ethernet protocol in hexadecimal: `0x88b5`. */
const hexText = (etherType: number): string => `0x${etherType.toString(16).padStart(4, '0')}`;

/**
 * Returns the text after the colon of an endpoint: the port number, or the name or number of the protocol that a raw or
 * packet socket receives; empty if it has neither.
 * @param number See `portOrProtocol`.
 */
export function portOrProtocolText(number: number, protocol: Protocol): string {
  if (hasPorts(protocol)) return String(number);
  if (number === 0) return '';
  if (protocol === 'raw') return serviceName(number, protocol) ?? String(number);
  return protocol === 'packet' ? (serviceName(number, protocol) ?? hexText(number)) : '';
}
