import { parseNetwork } from './addresses.ts';
import type { NetField, PortField, Term, TextField } from './expression.ts';
import { type Piece, refuse, quotePart } from './mistake.ts';
import { nearest } from './nearest.ts';
import { readProtocols, readStates } from './names.ts';
import { readPids, readPorts } from './ranges.ts';

/** Name of a field, written before `:` or `=`. */
export type Field = TextField | PortField | NetField | 'pid' | 'state' | 'proto' | 'ns';

/** How the value of a field is written and read. */
interface FieldSyntax {
  /** `word`: without quotes. `text`: also in quotes. `regex`: also in quotes or as `/REGEX/`. */
  readonly takes: 'text' | 'regex' | 'word';
  /** Description of the value with examples, for messages: "expected …". */
  readonly expected: string;
  /** Parses the value. @param whole true after `=`: the value must be the whole text of the socket, not a part */
  readonly read: (piece: Piece, whole: boolean) => Term;
}

const textSyntax = (field: TextField, takes: 'text' | 'regex', expected: string): FieldSyntax => ({
  takes,
  expected,
  read: ({ text }, whole) => ({ kind: 'text', field, whole, value: text }),
});

const portSyntax = (field: PortField): FieldSyntax => ({
  takes: 'word',
  expected: `ports: ${field}:443, ${field}:https, ${field}:8000-8100`,
  read: (piece) => ({ kind: 'ports', field, ports: readPorts(piece) }),
});

const netSyntax = (field: NetField): FieldSyntax => ({
  takes: 'word',
  expected: `a network: ${field}:10.0.0.0/8, ${field}:2001:db8::/32`,
  read: (piece) => {
    const network = parseNetwork(piece.text);
    if (!network)
      return refuse(
        piece,
        `bad network ${quotePart(piece.text)}; expected one such as 10.0.0.0/8 or 2001:db8::/32`,
      );
    return { kind: 'net', field, ...network };
  },
});

/** Syntax of each field. */
export const FIELDS = {
  port: portSyntax('port'),
  lport: portSyntax('lport'),
  rport: portSyntax('rport'),
  pid: {
    takes: 'word',
    expected: 'pids: pid:1, pid:1,100-200, pid>1000',
    read: (piece) => ({ kind: 'pids', ranges: readPids(piece) }),
  },
  process: textSyntax('process', 'regex', 'a name: process:curl, process=curl, process:/^ssh/'),
  cmd: textSyntax('cmd', 'regex', 'part of a command line: cmd:--verbose, cmd:/-v+/'),
  user: textSyntax('user', 'text', 'a user: user:root'),
  state: {
    takes: 'word',
    expected: 'states: state:LISTEN, state:close_wait,fin_wait2',
    read: (piece) => ({ kind: 'states', states: readStates(piece) }),
  },
  proto: {
    takes: 'word',
    expected: 'protocols: proto:tcp, proto:udp6,raw',
    read: (piece) => ({ kind: 'protocols', protocols: readProtocols(piece) }),
  },
  ns: {
    takes: 'text',
    expected: 'the name or inode of a namespace: ns:web, ns:4026531840',
    read: ({ text }) => ({ kind: 'ns', value: text }),
  },
  if: textSyntax('if', 'text', 'an interface: if:eth0'),
  net: netSyntax('net'),
  lnet: netSyntax('lnet'),
  rnet: netSyntax('rnet'),
} satisfies Record<Field, FieldSyntax>;

export const isField = (name: string): name is Field => Object.hasOwn(FIELDS, name);

/** Returns the syntax of a field. */
export const fieldSyntax = (field: Field): FieldSyntax => FIELDS[field];

/** Returns the misspelled field at the start of a word, and the field meant: `proces`, `process` for `proces:curl`. */
export function misspelledField(word: string): { readonly typed: string; readonly meant: Field } | undefined {
  // A word such as `http://…` has no field.
  const [, typed] = /^([a-z]+)[:=](?!\/\/)/i.exec(word) ?? [];
  const meant = typed === undefined ? undefined : nearest(typed, Object.keys(FIELDS));
  return typed !== undefined && meant !== undefined && isField(meant) ? { typed, meant } : undefined;
}
