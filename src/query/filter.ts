import { unmapped } from '../model/address.ts';
import { hexText, serviceName } from '../model/services.ts';
import {
  type Endpoint,
  isEstablished,
  isListening,
  type NetworkNamespace,
  type Owner,
  type Protocol,
  protocolName,
  type Socket,
} from '../model/socket.ts';

/** Which sockets are wanted. All conditions hold together; an absent one does not restrict. */
export interface Filter {
  /** Words that must all be found, each in any of the fields that are shown; case does not matter. */
  readonly text?: string;
  /** Local or remote port. */
  readonly port?: number;
  /** Part of a program's name; case does not matter. */
  readonly process?: string;
  readonly protocol?: Protocol;
  /** Network namespace: its whole name, or its inode in digits. */
  readonly netns?: string;
  /** Only TCP listeners and unconnected UDP sockets: what the machine is willing to talk to. */
  readonly listening?: boolean;
  readonly established?: boolean;
}

export const NO_FILTER: Filter = {};

const processMatches = (socket: Socket, name: string): boolean =>
  socket.owners.some((owner) => owner.process?.toLowerCase().includes(name));

/** So many answers are remembered: commands come and go for months while a filter stays. */
const MOST_ANSWERS = 20_000;

/** Remembers the answer for each subject: thousands of sockets share a program, a user or a state. */
function remembered<T>(test: (subject: T) => boolean): (subject: T | undefined) => boolean {
  const answers = new Map<T, boolean>();
  let [last, lastAnswer]: [T | undefined, boolean] = [undefined, false];
  return (subject) => {
    if (subject === last) return lastAnswer;
    if (subject === undefined) return false;
    let answer = answers.get(subject);
    if (answer === undefined) {
      if (answers.size >= MOST_ANSWERS) answers.clear();
      answers.set(subject, (answer = test(subject)));
    }
    [last, lastAnswer] = [subject, answer];
    return answer;
  };
}

/** The same for ports, by protocol. VSOCK has ports beyond the 16 bits; they are looked at each time. */
function rememberedPorts(
  test: (port: number, protocol: Protocol) => boolean,
): (port: number, protocol: Protocol) => boolean {
  const [UNKNOWN, YES, NO] = [0, 1, 2];
  const answers = new Map<Protocol, Uint8Array>();
  return (port, protocol) => {
    if (port > 0xffff) return test(port, protocol);
    let ofProtocol = answers.get(protocol);
    if (ofProtocol === undefined) answers.set(protocol, (ofProtocol = new Uint8Array(0x10000)));
    if (ofProtocol[port] === UNKNOWN) ofProtocol[port] = test(port, protocol) ? YES : NO;
    return ofProtocol[port] === YES;
  };
}

/** Compiles a word to the question whether it is part of anything the table shows of a socket. */
function compileWord(word: string): (socket: Socket) => boolean {
  const lower = word.toLowerCase();
  const has = (text: string): boolean => text.toLowerCase().includes(lower);
  // Only a word with a colon can lie across address and port, and only digits can lie within a number.
  const asEndpoint = lower.includes(':');
  const asNumber = /^\d+$/.test(lower);
  // Each with a memory of its own: mostly the last answer is asked for again.
  const inUser = remembered(has);
  const inProtocol = remembered(has);
  const inState = remembered(has);
  const inName = remembered(has);
  const inNumber = (number: number): boolean => asNumber && String(number).includes(lower);
  const inPort = rememberedPorts(
    (port, protocol) =>
      inNumber(port) ||
      (serviceName(port, protocol)?.includes(lower) ?? false) ||
      (protocol === 'packet' && hexText(port).includes(lower)),
  );
  const inEndpoint = ({ address, port }: Endpoint, { family, protocol }: Socket): boolean => {
    if (inPort(port, protocol)) return true;
    if (asEndpoint) return has(`${unmapped(address)}:${port}`);
    // Digits and dots need no other case, and are the most of all.
    return family === 'ipv4' ? address.includes(lower) : has(unmapped(address));
  };
  const inOwner = remembered(
    ({ process = '', pid, command = '' }: Owner) =>
      has(process) || has(command) || (pid !== undefined && inNumber(pid)),
  );
  const inOwners = (owners: readonly Owner[]): boolean => {
    for (const owner of owners) if (inOwner(owner)) return true;
    return false;
  };
  return (socket) =>
    inOwners(socket.owners) ||
    // An owner that has no name is shown by how it is known.
    (socket.owners[0]?.process === undefined && inName(socket.owners[0]?.knowledge)) ||
    (socket.user === undefined ? socket.uid !== undefined && inNumber(socket.uid) : inUser(socket.user)) ||
    inProtocol(socket.protocol) ||
    (socket.family === 'ipv6' && protocolName(socket).includes(lower)) ||
    inState(socket.state) ||
    (socket.netns !== undefined && inNamespace(socket.netns)) ||
    inName(socket.interface) ||
    inEndpoint(socket.local, socket) ||
    (socket.remote !== null && inEndpoint(socket.remote, socket));

  function inNamespace({ name, inode }: NetworkNamespace): boolean {
    return name === undefined ? inNumber(inode) : inName(name);
  }
}

const isNamed = ({ name, inode }: NetworkNamespace, wanted: string): boolean =>
  name === wanted || String(inode) === wanted;

/** Compiles a filter to one predicate. */
export function compileFilter(filter: Filter): (socket: Socket) => boolean {
  const tests: ((socket: Socket) => boolean)[] = [];
  const { port, protocol, netns } = filter;
  if (protocol !== undefined) tests.push((socket) => socket.protocol === protocol);
  if (filter.listening) tests.push(isListening);
  if (filter.established) tests.push(isEstablished);
  if (port !== undefined) tests.push(({ local, remote }) => local.port === port || remote?.port === port);
  if (netns !== undefined) tests.push((socket) => socket.netns !== undefined && isNamed(socket.netns, netns));
  if (filter.process !== undefined) {
    const name = filter.process.toLowerCase();
    tests.push((socket) => processMatches(socket, name));
  }
  for (const word of filter.text?.split(/\s+/) ?? []) if (word !== '') tests.push(compileWord(word));
  const [only] = tests;
  if (only === undefined) return () => true;
  return tests.length === 1 ? only : (socket) => tests.every((test) => test(socket));
}

/**
 * True when `after` goes on where `before` was being typed: it lets through nothing that `before` does not.
 */
export function narrows(before: Filter, after: Filter): boolean {
  const { text: from = '', ...conditions } = before;
  const { text: to = '', ...others } = after;
  const names = Object.keys({ ...conditions, ...others }) as (keyof typeof conditions)[];
  return (
    to.toLowerCase().startsWith(from.toLowerCase()) &&
    names.every((name) => conditions[name] === others[name])
  );
}

/** The filter in words, as the screen shows it; empty when it does not restrict. */
export function describeFilter(filter: Filter): string {
  const terms = [
    filter.protocol,
    filter.listening && 'listening',
    filter.established && 'established',
    filter.port !== undefined && `port:${filter.port}`,
    filter.process !== undefined && `process:${filter.process}`,
    filter.netns !== undefined && `ns:${filter.netns}`,
    filter.text,
  ];
  return terms.filter(Boolean).join(' ');
}
