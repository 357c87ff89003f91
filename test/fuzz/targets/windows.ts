import { ROWS, TABLE_NAMES } from '../../../src/source/windows/layout.ts';
import { IphlpapiSource } from '../../../src/source/windows/iphlpapi.ts';
import { readProcessList, readServiceList } from '../../../src/source/windows/structures.ts';
import { type FakeRow, FakeWindows, processBytes, serviceBytes, tableBytes } from '../../helpers/windows.ts';
import { checkSockets } from '../checks.ts';
import { mutatedBytes } from '../mutate.ts';
import type { Target } from '../target.ts';

const ROW_COUNT = 6;

const rowsOf = (isIpv6: boolean): FakeRow[] =>
  Array.from({ length: ROW_COUNT }, (_, i) => ({
    local: isIpv6 ? `[fe80::1]:${i}` : `192.0.2.1:${i}`,
    remote: isIpv6 ? '[fe80::2]:443' : '198.51.100.7:443',
    state: i * 2,
    pid: i,
    scope: 3,
  }));

const TABLES = Object.fromEntries(
  TABLE_NAMES.map((name) => [name, tableBytes(name, rowsOf(ROWS[name].family === 'ipv6'))]),
);
const PROCESSES = [1, 2, 3, 4].map((pid) => ({ pid, name: `p${pid}.exe`, details: { exe: 'C:\\p.exe' } }));
const PROCESS_LIST = processBytes(PROCESSES);
const SERVICE_LIST = serviceBytes([
  ['one', 1],
  ['two', 2],
]);

/** Maximum number of rows in the memory that a table has at first. */
const MAX_ROWS = 4096;

export const windows: Target = {
  about: 'socket tables, process list and service list of Windows: the source iphlpapi',
  inputsPerSession: 10,
  suiteRuns: 1000,
  open: (random) => {
    const api = new FakeWindows();
    api.processes = PROCESSES;
    const source = new IphlpapiSource({
      api,
      session: undefined,
      nowMs: () => 0,
      wallMs: () => 0,
      ownerBudgetMs: Infinity,
      readAddresses: () => ({}),
    });
    let input: Uint8Array = new Uint8Array();
    return {
      input: () => input,
      next: async () => {
        const table = random.of(TABLE_NAMES);
        input = mutatedBytes(random, TABLES[table] ?? PROCESS_LIST);
        api.answers = { ...TABLES, [table]: input };
        const { sockets } = await source.read();
        if (sockets.size > MAX_ROWS) throw new Error(`${sockets.size} sockets`);
        if (random.oneIn(10)) checkSockets([...sockets.values()]);
        // The same answer again: nothing has changed.
        if ((await source.read()).sockets !== sockets) throw new Error('the same tables gave other sockets');
        checkLists(mutatedBytes(random, PROCESS_LIST), mutatedBytes(random, SERVICE_LIST), random.bits());
        return sockets.size > 0 ? 'accepted' : 'refused';
      },
    };
  },
};

/** Reads lists of processes and services; throws if there are more than their bytes can have. */
function checkLists(processes: Uint8Array, services: Uint8Array, count: number): void {
  const memoryOf = (bytes: Uint8Array) => ({ bytes, address: 0x10_0000n });
  let found = 0;
  readProcessList(memoryOf(processes), (_pid, _created, name) => {
    found++;
    name();
  });
  if (found > processes.length / 8) throw new Error(`${found} processes in ${processes.length} bytes`);
  const names = [...readServiceList(memoryOf(services), count).values()].flat();
  if (names.length > services.length / 8) throw new Error(`${names.length} services`);
}
