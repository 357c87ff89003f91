import { unmapped } from '../model/address.ts';
import { serviceName } from '../model/services.ts';
import { isEstablished, isListening, type Protocol, protocolName, type Socket } from '../model/socket.ts';

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

/** The words by which an owner that has no name can be found. */
const knowledgeWord = (socket: Socket): string => {
  const owner = socket.owners[0];
  return owner?.process === undefined ? (owner?.knowledge ?? '') : '';
};

/** True when `word` (in lower case) is part of anything the table shows of the socket. */
const wordMatches = (socket: Socket, word: string): boolean => {
  const { local, remote } = socket;
  return (
    processMatches(socket, word) ||
    socket.owners.some((owner) => owner.pid !== undefined && String(owner.pid).includes(word)) ||
    knowledgeWord(socket).includes(word) ||
    (socket.user ?? String(socket.uid ?? '')).toLowerCase().includes(word) ||
    protocolName(socket).includes(word) ||
    endpointMatches(local.address, local.port, socket.protocol, word) ||
    (remote !== null && endpointMatches(remote.address, remote.port, socket.protocol, word)) ||
    (socket.state?.toLowerCase().includes(word) ?? false) ||
    socket.owners.some((owner) => owner.command?.toLowerCase().includes(word))
  );
};

const endpointMatches = (address: string, port: number, protocol: Protocol, word: string): boolean =>
  `${unmapped(address)}:${port}`.includes(word) || (serviceName(port, protocol)?.includes(word) ?? false);

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
  for (const word of filter.text?.toLowerCase().split(/\s+/) ?? []) {
    if (word !== '') tests.push((socket) => wordMatches(socket, word));
  }
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
