import type { Protocol, Socket } from '../model/socket.ts';
import { TextPool } from './texts.ts';
import {
  compileNamespace,
  compileProgram,
  compileWord,
  forget,
  PROTOCOLS,
  remember,
  type Searched,
} from './words.ts';

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

/** Compiles a filter to one predicate of what is remembered, in this pool, of a socket. */
export function compileSearch(filter: Filter, pool: TextPool): (it: Searched) => boolean {
  const tests: ((it: Searched) => boolean)[] = [];
  const { port, protocol, netns } = filter;
  if (protocol !== undefined) {
    const wanted = PROTOCOLS.indexOf(protocol);
    tests.push((it) => it.protocol === wanted);
  }
  if (filter.listening) tests.push(({ listening }) => listening);
  if (filter.established) tests.push(({ established }) => established);
  if (port !== undefined)
    tests.push(({ localPort, remotePort }) => localPort === port || remotePort === port);
  if (netns !== undefined) tests.push(compileNamespace(netns, pool));
  if (filter.process !== undefined) tests.push(compileProgram(filter.process, pool));
  for (const word of filter.text?.split(/\s+/) ?? []) if (word !== '') tests.push(compileWord(word, pool));
  const [only] = tests;
  if (only === undefined) return () => true;
  return tests.length === 1 ? only : (it) => tests.every((test) => test(it));
}

/** Compiles a filter to one predicate of sockets. */
export function compileFilter(filter: Filter): (socket: Socket) => boolean {
  if (describeFilter(filter) === '') return () => true;
  const pool = new TextPool();
  const search = compileSearch(filter, pool);
  return (socket) => {
    const it = remember(socket, pool);
    const answer = search(it);
    forget(it, pool);
    return answer;
  };
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
