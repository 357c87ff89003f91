// A session of Event Tracing for Windows in a real node.exe: trace.ts runs in it and prints what it received. Wine lacks the
// calls about sessions: a library in C (trace.c) has them.
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const {
  NETPANE_WINE_NODE: NODE = '',
  NETPANE_WINE_APP: APP = '',
  NETPANE_WINE_TRACE: TRACE = '',
} = process.env;
const CONNECTIONS = 2000;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'netpane-wine-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('the events give bytes to closed connections and UDP sockets; the session ends, and so does one that an earlier netpane left', () => {
  const [out, err] = ['out', 'err'].map((name) => join(folder, name)) as [string, string];
  // Node under Wine cannot write to a pipe.
  const [stdout, stderr] = [openSync(out, 'w'), openSync(err, 'w')];
  const script = [join('dist', 'dev', 'trace.js'), TRACE, join('dist', 'consumer.js')];
  const eventsPerSecond = '20000';
  const { status } = spawnSync('wine', [NODE, ...script, String(CONNECTIONS), eventsPerSecond], {
    cwd: APP,
    stdio: ['ignore', stdout, stderr],
  });
  for (const fd of [stdout, stderr]) closeSync(fd);
  expect(readFileSync(err, 'utf8')).toBe('');
  expect(status).toBe(0);
  const found = JSON.parse(readFileSync(out, 'utf8')) as object;
  expect(found).toMatchObject({
    // The session that an earlier netpane left behind was stopped.
    hasStale: 0,
    ended: CONNECTIONS,
    // trace.c gives each connection 22 bytes received and 11 sent.
    rxBytes: CONNECTIONS * 22,
    txBytes: CONNECTIONS * 11,
    // trace.c reports this number of lost events once.
    lost: 3,
    sample: {
      socket: {
        local: { address: '10.1.2.4' },
        remote: { address: '10.1.2.3', port: 443 },
        opened: 'out',
        owners: [{ knowledge: 'inherited', process: 'node.exe' }],
      },
    },
    udp: {
      traffic: { rxBytes: 1000, txBytes: 0, rxSegments: 10, txSegments: 0 },
      peers: [{ address: '198.51.100.7', port: 9 }],
    },
    // The network namespace has only one interface.
    interfaces: [
      {
        isUp: true,
        rxBytes: expect.any(Number) as number,
        txBytes: expect.any(Number) as number,
      },
    ],
    // The session ran until the end of netpane, and not longer.
    runs: [1, 0],
  });
});
