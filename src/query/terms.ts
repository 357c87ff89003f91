import { FIELDS } from './fields.ts';
import { FLAGS } from './flags.ts';
import { QUANTITIES } from './quantities.ts';
import type { TermHelp } from './term-help.ts';

/** Help about every term of the query language. The help screen and the table in docs/query.md show it. */
export const TERMS: readonly TermHelp[] = [
  {
    syntax: 'WORD, "TEXT"',
    example: 'curl',
    about: 'part of anything shown: program, command line, address, port, service, user and so on',
  },
  { syntax: 'NUMBER', example: '3000', about: 'a whole port, local or remote, or a process id' },
  {
    syntax: '/REGEX/',
    example: '/^(ssh|sftp)/',
    about: 'a regex (RE2) for any text that a word finds, ignoring case',
  },
  ...Object.values(FIELDS).map(({ syntax, example, about }) => ({ syntax, example, about })),
  {
    syntax: '@HOST, @HOST:PORTS',
    example: '@192.0.2.1:443',
    about: 'local or remote address in any spelling, or a host name',
  },
  {
    syntax: 'local:HOST, remote:HOST:PORTS',
    example: 'remote:192.0.2.1',
    about: 'host of one side; a network or ports too',
  },
  ...Object.entries(FLAGS).map(([flag, { about }]) => ({ syntax: flag, example: flag, about })),
  ...Object.entries(QUANTITIES).map(([name, { example, about }]) => ({
    syntax: `${name}>N`,
    example,
    about,
  })),
  { syntax: '> >= < <= =', example: 'rtt<=1ms', about: 'comparisons; an unknown value matches none' },
  { syntax: 'A B, A and B', example: 'curl and :443', about: 'both' },
  { syntax: 'A or B', example: ':80 or :443', about: 'either or both; and binds tighter' },
  { syntax: '!A, not A', example: '!loopback', about: 'not A' },
  { syntax: '( )', example: '(:80 or :443) !curl', about: 'grouping' },
  {
    syntax: '-i FORM',
    example: '-i tcp@192.0.2.1:22',
    about: 'as lsof -i: [46][tcp|udp][@host][:ports]; if repeated, any may match',
  },
  {
    syntax: '-s TCP:STATES',
    example: '-s TCP:^LISTEN',
    about: 'as lsof -s: these states, or with ^ all but these',
  },
  {
    syntax: 'sport: dport: src: dst: name: …',
    example: 'sport:ssh',
    about: 'the words of ss and others mean the same (also program: command: peer: addr: listening estab)',
  },
];
