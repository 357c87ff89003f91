// The layouts in layout.ts are those of the headers of mingw-w64: a C compiler checks them, where it is installed.
import { describe, expect, test } from 'vitest';
import {
  CONNECTIONS,
  DELETE_TCB,
  FIRST_ROW,
  millisecondsOf,
  PROCESS,
  type RowLayout,
  ROWS,
  SERVICE,
  STATISTICS,
  UNICODE_STRING,
} from '../../../src/source/windows/layout.ts';
import { type Claim, compileClaims, hasMingw, MINGW, offsets } from '../../helpers/mingw.ts';
import { fileTime } from '../../helpers/windows.ts';

const HEADERS = ['iphlpapi.h', 'tcpestats.h', 'winternl.h', 'winsvc.h'];

/** Returns the claims about a row. @param prefix of the address fields */
function rowClaims(name: string, layout: RowLayout, prefix: 'dw' | 'uc'): Claim[] {
  const row = `MIB_${name}ROW_OWNER_MODULE`;
  const { connection, scopes } = layout;
  return [
    [`sizeof(${row})`, layout.size],
    [`offsetof(MIB_${name}TABLE_OWNER_MODULE, table)`, FIRST_ROW],
    ...offsets(row, {
      [`${prefix}LocalAddr`]: layout.localAddress,
      dwLocalPort: layout.localPort,
      dwOwningPid: layout.pid,
      liCreateTimestamp: layout.created,
      OwningModuleInfo: layout.tag,
    }),
    ...(connection
      ? offsets(row, {
          [`${prefix}RemoteAddr`]: connection.remoteAddress,
          dwRemotePort: connection.remotePort,
          dwState: connection.state,
        })
      : []),
    ...(scopes ? offsets(row, { dwLocalScopeId: scopes.local }) : []),
    ...(scopes?.remote === undefined ? [] : offsets(row, { dwRemoteScopeId: scopes.remote })),
  ];
}

/** Returns the claims about MIB_TCPROW or MIB_TCP6ROW. @param prefix of the address fields */
function connectionClaims(type: string, family: 'ipv4' | 'ipv6', prefix: string): Claim[] {
  const layout = CONNECTIONS[family];
  return [
    [`sizeof(${type})`, layout.size],
    ...offsets(type, {
      [`${prefix}LocalAddr`]: layout.localAddress,
      dwLocalPort: layout.localPort,
      [`${prefix}RemoteAddr`]: layout.remoteAddress,
      dwRemotePort: layout.remotePort,
      [family === 'ipv4' ? 'dwState' : 'State']: layout.state,
    }),
    ...('scopes' in layout
      ? offsets(type, { dwLocalScopeId: layout.scopes.local, dwRemoteScopeId: layout.scopes.remote })
      : []),
  ];
}

/** Returns the claims about a kind of statistics. @param fields offsets by the names of the header */
const statisticsClaims = (
  name: string,
  type: string,
  kind: { readonly type: number; readonly size: number },
  fields: Readonly<Record<string, number>>,
): Claim[] => [
  [`TcpConnectionEstats${type}`, kind.type],
  [`sizeof(TCP_ESTATS_${name}_ROD_v0)`, kind.size],
  [`sizeof(TCP_ESTATS_${name}_RW_v0)`, 1],
  ...offsets(`TCP_ESTATS_${name}_ROD_v0`, fields),
];

const { data, path, congestion, sendBuffer, receiveBuffer } = STATISTICS;

const CLAIMS: readonly Claim[] = [
  ...connectionClaims('MIB_TCPROW', 'ipv4', 'dw'),
  ...connectionClaims('MIB_TCP6ROW', 'ipv6', ''),
  ['MIB_TCP_STATE_DELETE_TCB', DELETE_TCB],
  ...statisticsClaims('DATA', 'Data', data, {
    SegsOut: data.segmentsOut,
    SegsIn: data.segmentsIn,
    ThruBytesAcked: data.bytesAcked,
    ThruBytesReceived: data.bytesReceived,
  }),
  ...statisticsClaims('PATH', 'Path', path, {
    PktsRetrans: path.retransmits,
    SmoothedRtt: path.rttMs,
    RttVar: path.rttVarMs,
    CurMss: path.segmentBytes,
  }),
  ...statisticsClaims('SND_CONG', 'SndCong', congestion, { CurCwnd: congestion.window }),
  ...statisticsClaims('SEND_BUFF', 'SendBuff', sendBuffer, {
    CurRetxQueue: sendBuffer.unacknowledged,
    CurAppWQueue: sendBuffer.unsent,
  }),
  ...statisticsClaims('REC', 'Rec', receiveBuffer, { CurAppRQueue: receiveBuffer.unread }),
  ...rowClaims('TCP', ROWS.tcp4, 'dw'),
  ...rowClaims('TCP6', ROWS.tcp6, 'uc'),
  ...rowClaims('UDP', ROWS.udp4, 'dw'),
  ...rowClaims('UDP6', ROWS.udp6, 'uc'),
  ...offsets('SYSTEM_PROCESS_INFORMATION', {
    NextEntryOffset: PROCESS.next,
    CreateTime: PROCESS.created,
    'ImageName.Length': PROCESS.nameBytes,
    'ImageName.Buffer': PROCESS.nameAddress,
    UniqueProcessId: PROCESS.pid,
    InheritedFromUniqueProcessId: PROCESS.parent,
  }),
  ['sizeof(ENUM_SERVICE_STATUS_PROCESSW)', SERVICE.size],
  ...offsets('ENUM_SERVICE_STATUS_PROCESSW', {
    lpServiceName: SERVICE.name,
    'ServiceStatusProcess.dwProcessId': SERVICE.pid,
  }),
  ['sizeof(UNICODE_STRING)', UNICODE_STRING.size],
  ...offsets('UNICODE_STRING', { Length: UNICODE_STRING.bytes, Buffer: UNICODE_STRING.address }),
];

describe.skipIf(!hasMingw)(`with ${MINGW}, if it is installed`, () => {
  test('the layouts are those of the headers, and a wrong size is noticed', () => {
    const wrong = ['sizeof(MIB_TCPROW_OWNER_MODULE)', ROWS.tcp4.size + 1] as const;
    const errors = compileClaims(HEADERS, [...CLAIMS, wrong]).match(/error: .*/g);
    expect(errors).toEqual([`error: static assertion failed: "${wrong[0]}"`]);
  });
});

test('a FILETIME before 1970 is no time', () => {
  expect([0, 1, Number(fileTime(1)) - 20_000].map(millisecondsOf)).toEqual([undefined, undefined, undefined]);
  const now = Date.UTC(2026, 10, 30);
  expect(millisecondsOf(Number(fileTime(now)))).toBe(now);
});
