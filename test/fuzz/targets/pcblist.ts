import { readFileSync } from 'node:fs';
import { SocketLimiter } from '../../../src/source/socket-limiter.ts';
import { ABSENT, Rows } from '../../../src/source/macos/table/rows.ts';
import { TableSockets } from '../../../src/source/macos/table/table-sockets.ts';
import { pcbTable, wordsOf } from '../../helpers/macos/tables.ts';
import { bytesSession } from '../bytes-session.ts';
import type { Target } from '../target.ts';

const DUMP = readFileSync('fixtures/macos/tcp-pcblist_n-macos27-arm64.bin');

/** Bytes of one socket of TCP with its six records. */
const ROW_BYTES = 616;

const TABLES: readonly Buffer[] = [
  // Some sockets of the dump, so that an input costs little.
  Buffer.concat([DUMP.subarray(0, 24 + 4 * ROW_BYTES), DUMP.subarray(-24)]),
  readFileSync('fixtures/macos/tcp-pcblist_n-macos27-withheld.bin'),
  pcbTable(
    [
      { generation: 1, tcp: { state: 4 } },
      { generation: 2, local: ['fe80::1', 9], tcp: { state: 1 } },
    ],
    {
      isOld: true,
    },
  ),
  pcbTable([{ generation: 1 }, { family: 0, generation: 0, pcb: 0n, handle: 0n }], {
    hasUnknownRecords: true,
  }),
];

/** Throws if a record of the current row ends after the table. @returns where its last record begins */
function checkRow(rows: Rows, from: number): number {
  const { inpcb, socket, receiveBuffer, sendBuffer, stats, tcpcb, words } = rows;
  const records = [
    [inpcb, 20],
    [socket, 19],
    [receiveBuffer, 3],
    [sendBuffer, 3],
    [stats, 10],
    [tcpcb, 36],
  ] as const;
  for (const [at, count] of records)
    if (at !== ABSENT && (at < from || at + count > words.length))
      throw new Error(`a record at word ${at} of ${words.length}, after ${from}`);
  return Math.max(...records.map(([at]) => at));
}

export const pcblist: Target = {
  about: 'tables of sockets of macOS: decoder of net.inet.tcp.pcblist_n and net.inet.udp.pcblist_n',
  inputsPerSession: 50,
  suiteRuns: 4000,
  open: (random) => {
    const limiter = new SocketLimiter({ remnants: 50, sockets: 100 });
    const table: TableSockets = new TableSockets(random.oneIn(3) ? 'udp' : 'tcp', {
      interfaceName: () => undefined,
      userName: () => undefined,
      wallMsOf: () => undefined,
      limiter,
      omitsRemnants: false,
      keptSockets: () => table.size,
    });
    const rows = new Rows();
    return bytesSession(random, TABLES, (input) => {
      const words = wordsOf(input);
      rows.begin(words);
      let from = 0;
      for (; rows.next();) from = checkRow(rows, from);
      const { received } = table.read(words);
      for (const { values } of table.values()) {
        const { rxBytes = 0, txBytes = 0, recvQueue = 0, sendQueue = 0 } = values.traffic ?? {};
        if (![rxBytes, txBytes, recvQueue, sendQueue, values.local.port].every((it) => it >= 0))
          throw new Error(`wrong values: ${JSON.stringify(values)}`);
      }
      if (table.size > 110) throw new Error(`${table.size} sockets are kept`);
      return received > 0 ? 'accepted' : 'refused';
    });
  },
};
