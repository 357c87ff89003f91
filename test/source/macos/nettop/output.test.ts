import { describe, expect, test } from 'vitest';
import { type Flow, type NettopOutput, parseNettop } from '../../../../src/source/macos/nettop/output.ts';
import {
  FEW_COLUMNS,
  flowRow,
  NETTOP_OUTPUT,
  nettopOutput,
  processRow,
} from '../../../helpers/macos/nettop.ts';

const parsed = (text: string): NettopOutput => {
  const output = parseNettop(text);
  if (output === undefined) throw new Error('the output has no header');
  return output;
};

/** Returns a flow as a line. */
const lineOf = ({ protocol, family, local, remote, state, process, ...rest }: Flow): string =>
  [
    protocol + (family === 'ipv6' ? '6' : ''),
    `${local.address} ${local.port}`,
    remote ? `${remote.address} ${remote.port}` : '-',
    state ?? '-',
    rest.interface ?? '-',
    JSON.stringify(rest.traffic ?? {}),
    process ? `${process.name} ${process.pid}` : '-',
  ].join(' | ');

const linesOf = (...rows: readonly string[]): string[] => parsed(nettopOutput(...rows)).flows.map(lineOf);

const A_FLOW = 'tcp4 192.0.2.5:50000<->198.51.100.7:443';
const A_LINE = 'tcp | 192.0.2.5 50000 | 198.51.100.7 443 | ESTABLISHED | - | {} |';
const aFlow = flowRow(A_FLOW, { state: 'Established' });

test('reads flows of every kind with the process before them, and bytes without repeated ones', () => {
  const { flows, unreadable, unknownStates } = parsed(NETTOP_OUTPUT);
  expect(flows.map(lineOf)).toEqual([
    'tcp6 | :: 22 | - | LISTEN | - | {} | launchd 1',
    'tcp | 0.0.0.0 22 | - | LISTEN | - | {} | launchd 1',
    'tcp | 192.0.2.5 50000 | 198.51.100.7 443 | ESTABLISHED | en0 | {"rxBytes":4900,"txBytes":2800,"rttMicros":18250} | com.example.pus 301',
    'tcp6 | fe80::1%utun4 50001 | fe80::2%utun4 443 | CLOSE_WAIT | utun4 | {"rxBytes":10,"txBytes":20} | com.example.pus 301',
    'udp6 | :: 5353 | - | - | - | {"rxBytes":700,"txBytes":60} | mDNSResponder 250',
    'udp | 0.0.0.0 0 | - | - | - | {} | mDNSResponder 250',
    'udp6 | 2001:db8::7 60979 | 2001:db8:1::9 443 | ESTABLISHED | en0 | {"rxBytes":400,"txBytes":300} | Browser Helper 900',
    'udp | 192.0.2.5 61000 | 203.0.113.9 53 | ESTABLISHED | en0 | {"rxBytes":80,"txBytes":40} | Browser Helper 900',
  ]);
  expect({ unreadable, unknownStates }).toEqual({ unreadable: 0, unknownStates: 0 });
});

test('finds columns by name: few of them, in another order, padded, with CR LF', () => {
  const few = [FEW_COLUMNS, 'curl.7,,,9,8,', `${A_FLOW},en0,Established,9,8,`].join('\n');
  expect(parsed(few).flows.map(lineOf)).toEqual([
    'tcp | 192.0.2.5 50000 | 198.51.100.7 443 | ESTABLISHED | en0 | {"rxBytes":9,"txBytes":8} | curl 7',
  ]);
  const other = ['bytes_out, ,state,bytes_in,', '8,curl.7,,9,', `8,   ${A_FLOW} ,Established,  9,`].join(
    '\r\n',
  );
  expect(parsed(other).flows.map(lineOf)).toEqual([
    'tcp | 192.0.2.5 50000 | 198.51.100.7 443 | ESTABLISHED | - | {"rxBytes":9,"txBytes":8} | curl 7',
  ]);
});

test.each(['', 'nettop: unknown option', 'time,interface,state', 'name,state,bytes_in,bytes_out,'])(
  'has no answer for an output without a header: %j',
  (text) => {
    expect(parseNettop(text)).toBeUndefined();
  },
);

test.each([
  ['Closed', 'CLOSE'],
  ['Listen', 'LISTEN'],
  ['SynSent', 'SYN_SENT'],
  ['SynReceived', 'SYN_RECV'],
  ['Established', 'ESTABLISHED'],
  ['CloseWait', 'CLOSE_WAIT'],
  ['FinWait1', 'FIN_WAIT1'],
  ['Closing', 'CLOSING'],
  ['LastAck', 'LAST_ACK'],
  ['FinWait2', 'FIN_WAIT2'],
  ['TimeWait', 'TIME_WAIT'],
])('the state %s is %s', (state, expected) => {
  expect(parsed(nettopOutput(flowRow(A_FLOW, { state }))).flows[0]?.state).toBe(expected);
});

test('counts an unknown state of TCP', () => {
  const { flows, unknownStates } = parsed(nettopOutput(flowRow(A_FLOW, { state: 'Dreaming' })));
  expect(flows.map(({ state }) => state)).toEqual([undefined]);
  expect(unknownStates).toBe(1);
});

test.each(['0 ms', '0.00 ms', '-', '1e9 ms', 'Infinity'])('%j is no round-trip time', (rtt) => {
  const [flow] = parsed(nettopOutput(flowRow(A_FLOW, { state: 'Established', rx: 1, tx: 2, rtt }))).flows;
  expect(flow?.traffic).toEqual({ rxBytes: 1, txBytes: 2 });
});

describe('hostile and truncated rows', () => {
  test.each([
    ['a dot and spaces', 'a.b. c.77', 'a.b. c 77'],
    ['commas', 'a,b,,c.77', 'a,b,,c 77'],
    ['an arrow', 'a<->b.77', 'a<->b 77'],
    ['a flow of TCP', 'tcp6 ::.1<->::2.77', 'tcp6 ::.1<->::2 77'],
    ['a flow of UDP', 'udp6 ::.1<->::2.77', 'udp6 ::.1<->::2 77'],
  ])('the name of a program with %s', (_, name, expected) => {
    expect(linesOf(processRow('sshd.5'), processRow(name), aFlow)).toEqual([`${A_LINE} ${expected}`]);
  });

  test.each(['x\nsshd.1', 'x\n10:15,sshd.1,', `x\nt,tcp4 *:1<->*:*,,,`, 'x\nt,udp4 *:1<->*:*,.1'])(
    'a name with a line end makes no socket, and gets none of another process: %j',
    (name) => {
      const lines = linesOf(processRow('sshd.5'), aFlow, processRow(`${name}.77`), aFlow);
      expect(lines).toHaveLength(2);
      expect(lines[0]).toBe(`${A_LINE} sshd 5`);
      expect(lines[1]).toMatch(/(-| 77)$/);
    },
  );

  test.each([
    'tcp4 192.0.2.5:50000',
    'tcp4 192.0.2.256:1<->192.0.2.1:1',
    'tcp4 192.0.2.5:65536<->192.0.2.1:1',
    'tcp4 host.example:1<->192.0.2.1:1',
    'tcp6 2001:db8::1<->2001:db8::2.443',
    'tcp6 2001:db8::1%a b.1<->2001:db8::2.443',
    'tcp7 *:1<->*:*',
    'no row at all',
    '.7',
    'curl.',
    'curl.77777777777',
  ])('counts %j, and the next flow has no process', (subject) => {
    const text = nettopOutput(processRow('sshd.5'), flowRow(subject, { state: 'Established' }), aFlow);
    expect(parsed(text).unreadable).toBe(1);
    expect(parsed(text).flows.map(lineOf)).toEqual([`${A_LINE} -`]);
  });

  test('counts a row that ends too early', () => {
    const cut = nettopOutput(processRow('sshd.5'), aFlow, aFlow).slice(0, -10);
    expect(parsed(cut).flows.map(lineOf)).toEqual([`${A_LINE} sshd 5`]);
    expect(parsed(cut).unreadable).toBe(1);
  });

  test('reads no number that is too large to be exact', () => {
    const row = flowRow(A_FLOW, { state: 'Established', rx: 1 }).replace(',1,', ',9999999999999999,');
    expect(parsed(nettopOutput(row)).flows[0]?.traffic).toBeUndefined();
  });
});
