import { describe, expect, test } from 'vitest';
import type { Socket } from '../../src/model/socket.ts';
import { compileForSubjects } from '../../src/query/compile.ts';
import { printQuery } from '../../src/query/print.ts';
import { parseQuery } from '../../src/query/query.ts';
import { listener, queryFrom, socket, udp } from '../helpers/fakes.ts';
import { subject } from '../helpers/queries.ts';

const INTERNET = 'proto:tcp,udp,udplite';

describe('parses a form of -i as lsof(8) does', () => {
  test.each([
    ['-i', INTERNET],
    ['-i4', `${INTERNET} ipv4`],
    ['-i 6', `${INTERNET} ipv6`],
    ['-iTCP', 'proto:tcp'],
    ['-i udp', 'proto:udp'],
    ['-i UdpLite', 'proto:udplite'],
    ['-i4tcp', 'proto:tcp net:0.0.0.0/0'],
    ['-i 6UDP', 'proto:udp net:::/0'],
    ['-i :22', `${INTERNET} :22`],
    ['-i:22,80,1000-1024', `${INTERNET} :22,80,1000-1024`],
    ['-i :ssh,http', `${INTERNET} :ssh,http`],
    ['-i :SMTP', `${INTERNET} :smtp`],
    ['-i :0-ssh', `${INTERNET} :0-22`],
    ['-i tcp:http-alt', 'proto:tcp :http-alt'],
    ['-i 6:53', `${INTERNET} net:::/0 :53`],
    ['-i @1.2.3.4', `${INTERNET} @1.2.3.4`],
    ['-i @[2001:DB8::0:1]', `${INTERNET} @[2001:db8::1]`],
    ['-i 4@1.2.3.4:22', `${INTERNET} net:0.0.0.0/0 @1.2.3.4:22`],
    ['-i 6@[::1]:ssh', `${INTERNET} net:::/0 @[::1]:ssh`],
    ['-i tcp@mail.example:25', 'proto:tcp @mail.example:25'],
    ['-i 6udp@mail.example:domain,5353', 'proto:udp net:::/0 @mail.example:domain,5353'],
    ['-i @Mail.Example', `${INTERNET} @mail.example`],
    // Host and port belong to the same endpoint.
    ['-i @1.2.3.4:22 :443', `${INTERNET} @1.2.3.4:22 :443`],
  ])('%s', (text, expected) => {
    expect(printQuery(queryFrom(text).expression)).toBe(expected);
  });
});

describe('rejects a form that lsof rejects too, with its column', () => {
  test.each<[string, number, number, string]>([
    ['-i TCPx', 3, 4, "unknown protocol 'TCPx' after -i; expected -i [46]"],
    ['-i sctp', 3, 4, "unknown protocol 'sctp' after -i"],
    ['-i ^tcp', 3, 4, "unknown protocol '^tcp' after -i"],
    ['-i 46', 4, 1, "unknown protocol '6' after -i"],
    ['-i4tcp6', 3, 4, "unknown protocol 'tcp6' after -i"],
    ['-i :', 4, 0, 'expected ports'],
    ['-i @', 4, 0, 'expected an address or a host name'],
    ['-i @1.2.3.4:', 12, 0, 'expected ports'],
    ['-i :22-20', 4, 5, 'the range is reversed; write 20-22'],
    ['-i :ssh-http', 4, 8, "unknown service 'ssh-http'; expected ports: 443"],
    ['-i tcp:nosuchsvc', 7, 9, "unknown service 'nosuchsvc'"],
    ['-i 6@1.2.3.4', 5, 7, 'expected an IPv6 address after -i 6, not IPv4'],
    ['-i 4@[::1]', 5, 5, 'expected an IPv4 address after -i 4, not IPv6'],
    ['-i @1.2.3.4,5.6.7.8', 4, 15, "bad address or host name '1.2.3.4,5.6.7.8'; expected @192.0.2.1"],
    ['-sTCP', 2, 3, 'expected states after -s: TCP:LISTEN'],
    ['-s TCP:', 3, 4, 'expected states after -s: TCP:LISTEN'],
    ['-s FOO:LISTEN', 3, 10, 'expected states after -s: TCP:LISTEN'],
    ['-s LISTEN', 3, 6, 'expected states after -s: TCP:LISTEN'],
    ['-s TCP:LISTEN,NOPE', 14, 4, "unknown state 'NOPE' (LISTEN, ESTABLISHED …)"],
    ['-s TCP:^', 7, 1, "unknown state ''"],
    ['-s TCP:LISTEN,,CLOSE', 14, 0, 'expected TCP:LISTEN or TCP:^CLOSE_WAIT'],
    ['-s udp:Idle', 3, 8, '-s does not support UDP; use proto:udp, listen, established'],
    ['-s TCP:LISTEN,^listen', 14, 7, 'LISTEN cannot be both included and excluded'],
  ])('%s', (text, at, length, message) => {
    const parsed = parseQuery(text);
    if ('query' in parsed) throw new Error(`parsed as ${printQuery(parsed.query.expression)}`);
    expect(parsed.problem).toEqual({ at, length, message: expect.stringContaining(message) as string });
  });
});

describe('accepts states after -s by the names of the manual page, in any case', () => {
  test.each([
    ['CLOSED', 'CLOSE'],
    ['LISTEN', 'LISTEN'],
    ['established', 'ESTABLISHED'],
    ['SYN_SENT', 'SYN_SENT'],
    ['SYN_RCDV', 'SYN_RECV'],
    ['CLOSE_WAIT', 'CLOSE_WAIT'],
    ['FIN_WAIT1', 'FIN_WAIT1'],
    ['FIN_WAIT_2', 'FIN_WAIT2'],
    ['Closing', 'CLOSING'],
    ['LAST_ACK', 'LAST_ACK'],
    ['TIME_WAIT', 'TIME_WAIT'],
  ])('%s', (name, state) => {
    expect(printQuery(queryFrom(`-s tcp:${name}`).expression)).toBe(`state:${state}`);
    expect(printQuery(queryFrom(`-sTCP:^${name}`).expression)).toBe(`!state:${state}`);
  });
});

describe('several forms together match what lsof 4.95 shows of the same sockets', () => {
  const sockets = new Map<string, Socket>([
    ['tcp4', listener({ local: '127.0.0.1:45001' })],
    ['tcp6', listener({ local: '[::1]:45002' })],
    ['udp4', udp({ local: '127.0.0.1:45003' })],
    ['udp6', udp({ local: '[::1]:45004' })],
    ['there', socket({ local: '127.0.0.1:45436', remote: '127.0.0.1:45001' })],
    ['back', socket({ local: '127.0.0.1:45001', remote: '127.0.0.1:45436' })],
    // Not Internet files to lsof.
    ['raw', udp({ protocol: 'raw', local: '*:1' })],
    ['unix', listener({ protocol: 'unix', family: 'unix', local: '/run/x:0' })],
  ]);
  const shown = (text: string): string => {
    const matches = compileForSubjects(queryFrom(text), {
      nowMs: 0,
      baselineMs: undefined,
      addressesOf: () => undefined,
    });
    return [...sockets].flatMap(([name, it]) => (matches(subject(it)) ? [name] : [])).join(' ');
  };

  test.each([
    ['-i', 'tcp4 tcp6 udp4 udp6 there back'],
    // Forms without an address: 4 and 6 select both; a later -i cancels one of them, an earlier -i does not.
    ['-i -i4', 'tcp4 udp4 there back'],
    ['-i4 -i', 'tcp4 tcp6 udp4 udp6 there back'],
    ['-i -i6', 'tcp6 udp6'],
    ['-i4 -i6', 'tcp4 tcp6 udp4 udp6 there back'],
    // Forms with an address: any of them, combined with the forms without.
    ['-i -i tcp', 'tcp4 tcp6 there back'],
    ['-i4 -i tcp', 'tcp4 there back'],
    ['-i4 -i 6tcp', ''],
    ['-i udp -i4', 'udp4'],
    ['-i4 -i :45002', ''],
    ['-i :45002 -i @127.0.0.1', 'tcp4 tcp6 udp4 there back'],
    // An included state shows no UDP sockets, an excluded one hides none.
    ['-i -s TCP:LISTEN', 'tcp4 tcp6'],
    ['-i -sTCP:^LISTEN', 'udp4 udp6 there back'],
    ['-i tcp -s TCP:LISTEN -s TCP:ESTABLISHED', 'tcp4 tcp6 there back'],
  ])('%s', (text, expected) => {
    expect(shown(text)).toBe(expected);
  });

  test('a word that cannot be a form belongs to the query', () => {
    expect(shown('-i (nginx)')).toBe('tcp4 tcp6');
    expect(shown('-i "nginx"')).toBe('tcp4 tcp6');
    expect(shown('-i !nginx')).toBe('udp4 udp6 there back');
    expect(shown('-i and nginx')).toBe('tcp4 tcp6');
    expect(shown('nginx -i')).toBe('tcp4 tcp6');
    expect(shown('!-i udp')).toBe('tcp4 tcp6 there back raw unix');
    expect(shown('-i udp or -s TCP:LISTEN')).toBe('tcp4 tcp6 udp4 udp6 unix');
  });
});
