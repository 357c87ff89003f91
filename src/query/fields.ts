import { parseNetwork } from './addresses.ts';
import type { NetField, PortField, Term, TextField } from './expression.ts';
import { type Piece, refuse, quotePart } from './mistake.ts';
import { nearest } from './nearest.ts';
import { readProtocols, readStates } from './names.ts';
import { readPids, readPorts } from './ranges.ts';

/** Names that can be written before a colon. */
export type Field = TextField | PortField | NetField | 'pid' | 'state' | 'proto' | 'ns';

interface FieldRow {
  /** Form of the value: a word, any text (also quoted), or any text or a regex. */
  readonly takes: 'text' | 'regex' | 'word';
  /** Description of the value, to complete "expected …". */
  readonly expected: string;
  /** Parses the value. @param whole the operator was `=`: the whole text must match */
  readonly read: (piece: Piece, whole: boolean) => Term;
}

const textRow = (field: TextField, takes: 'text' | 'regex', expected: string): FieldRow => ({
  takes,
  expected,
  read: ({ text }, whole) => ({ kind: 'text', field, whole, value: text }),
});

const portRow = (field: PortField): FieldRow => ({
  takes: 'word',
  expected: `ports: ${field}:443, ${field}:https, ${field}:8000-8100`,
  read: (piece) => ({ kind: 'ports', field, ports: readPorts(piece) }),
});

const netRow = (field: NetField): FieldRow => ({
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

export const FIELDS = {
  port: portRow('port'),
  lport: portRow('lport'),
  rport: portRow('rport'),
  pid: {
    takes: 'word',
    expected: 'pids: pid:1, pid:1,100-200, pid>1000',
    read: (piece) => ({ kind: 'pids', ranges: readPids(piece) }),
  },
  process: textRow('process', 'regex', 'a name: process:curl, process=curl, process:/^ssh/'),
  cmd: textRow('cmd', 'regex', 'part of a command line: cmd:--verbose, cmd:/-v+/'),
  user: textRow('user', 'text', 'a user: user:root'),
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
  if: textRow('if', 'text', 'an interface: if:eth0'),
  net: netRow('net'),
  lnet: netRow('lnet'),
  rnet: netRow('rnet'),
} satisfies Record<Field, FieldRow>;

export const isField = (name: string): name is Field => Object.hasOwn(FIELDS, name);

/** Returns the row of a field. */
export const fieldRow = (field: Field): FieldRow => FIELDS[field];

/** Returns the misspelled field at the start of a word, and the field it resembles: `proces` in `proces:curl`. */
export function misspelledField(word: string): { readonly typed: string; readonly meant: Field } | undefined {
  const [, typed] = /^([a-z]+)[:=](?!\/\/)/i.exec(word) ?? [];
  const meant = typed === undefined ? undefined : nearest(typed, Object.keys(FIELDS));
  return typed !== undefined && meant !== undefined && isField(meant) ? { typed, meant } : undefined;
}
