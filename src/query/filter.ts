import { unmapped } from '../model/address.ts';
import { serviceName } from '../model/services.ts';
import {
  type Endpoint,
  isEstablished,
  isListening,
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
  /** Only TCP listeners and unconnected UDP sockets: what the machine is willing to talk to. */
  readonly listening?: boolean;
  readonly established?: boolean;
}

export const NO_FILTER: Filter = {};

const processMatches = (socket: Socket, name: string): boolean =>
  socket.owners.some((owner) => owner.process?.toLowerCase().includes(name));

const ownerTexts = new WeakMap<readonly Owner[], string>();

/**
 * All by which the owners can be found, in lower case, a line each: no word has a line break in it. Thousands of
 * sockets share the owners of one program, so their text is made once.
 */
function ownerText(owners: readonly Owner[]): string {
  const known = ownerTexts.get(owners);
  if (known !== undefined) return known;
  const parts = owners.flatMap(({ process, pid, command }) => [process, pid, command]);
  // An owner that has no name is shown by how it is known.
  if (owners[0]?.process === undefined) parts.push(owners[0]?.knowledge);
  const text = parts
    .filter((part) => part !== undefined)
    .join('\n')
    .toLowerCase();
  ownerTexts.set(owners, text);
  return text;
}

/** Compiles a word to the question whether it is part of anything the table shows of a socket. */
function compileWord(word: string): (socket: Socket) => boolean {
  const lower = word.toLowerCase();
  // States are spelled in capitals, protocols and services in small letters.
  const upper = word.toUpperCase();
  // Only a word with a colon can lie across address and port, and only digits can lie within a port.
  const asEndpoint = lower.includes(':');
  const asPort = /^\d+$/.test(lower);
  const inEndpoint = ({ address, port }: Endpoint, protocol: Protocol): boolean =>
    (asEndpoint ? `${unmapped(address)}:${port}`.includes(lower) : unmapped(address).includes(lower)) ||
    (asPort && String(port).includes(lower)) ||
    (serviceName(port, protocol)?.includes(lower) ?? false);
  return (socket) =>
    ownerText(socket.owners).includes(lower) ||
    (socket.user ?? String(socket.uid ?? '')).toLowerCase().includes(lower) ||
    protocolName(socket).includes(lower) ||
    inEndpoint(socket.local, socket.protocol) ||
    (socket.remote !== null && inEndpoint(socket.remote, socket.protocol)) ||
    (socket.state?.includes(upper) ?? false);
}

/** Compiles a filter to one predicate. */
export function compileFilter(filter: Filter): (socket: Socket) => boolean {
  const tests: ((socket: Socket) => boolean)[] = [];
  const { port, protocol } = filter;
  if (protocol !== undefined) tests.push((socket) => socket.protocol === protocol);
  if (filter.listening) tests.push(isListening);
  if (filter.established) tests.push(isEstablished);
  if (port !== undefined) tests.push(({ local, remote }) => local.port === port || remote?.port === port);
  if (filter.process !== undefined) {
    const name = filter.process.toLowerCase();
    tests.push((socket) => processMatches(socket, name));
  }
  for (const word of filter.text?.split(/\s+/) ?? []) if (word !== '') tests.push(compileWord(word));
  const [only] = tests;
  if (only === undefined) return () => true;
  return tests.length === 1 ? only : (socket) => tests.every((test) => test(socket));
}

/** The filter in words, as the screen shows it; empty when it does not restrict. */
export function describeFilter(filter: Filter): string {
  const terms = [
    filter.protocol,
    filter.listening && 'listening',
    filter.established && 'established',
    filter.port !== undefined && `port:${filter.port}`,
    filter.process !== undefined && `process:${filter.process}`,
    filter.text,
  ];
  return terms.filter(Boolean).join(' ');
}
