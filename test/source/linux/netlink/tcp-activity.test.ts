import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TcpActivity } from '../../../../src/source/linux/netlink/tcp-activity.ts';

const NAMES =
  'ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts';

let folder: string;
const write = ({ segments = 20, used = 12, datagrams = 3 } = {}) => {
  writeFileSync(
    join(folder, 'snmp'),
    `Ip: Forwarding InReceives\nIp: 1 ${segments + datagrams}\n` +
      `Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ${NAMES}\nTcp: 1 200 120000 -1 3 0 0 0 0 ${segments} 18 0 0 2\n` +
      `Udp: InDatagrams\nUdp: ${datagrams}\n`,
  );
  writeFileSync(
    join(folder, 'sockstat'),
    `sockets: used ${used}\nTCP: inuse 1 orphan 0 tw 0 alloc ${segments} mem ${segments}\n`,
  );
};
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'netpane-activity-'));
  write();
});
afterEach(() => rmSync(folder, { recursive: true }));

test('the text changes with TCP counters and the number of sockets only', () => {
  const activity = TcpActivity.open(folder);
  const before = activity?.read();
  expect(before).toBe('Tcp: 1 200 120000 -1 3 0 0 0 0 20 18 0 0 2 sockets: used 12');
  write({ datagrams: 4 });
  expect(activity?.read()).toBe(before);
  write({ segments: 21 });
  expect(activity?.read()).not.toBe(before);
  write({ used: 13 });
  expect(activity?.read()).not.toBe(before);
  activity?.close();
});

test('the counters are unknown if a file is missing, lacks the line or is closed; no descriptor stays open', () => {
  const descriptors = () => readdirSync('/proc/self/fd').length;
  const before = descriptors();
  const activity = TcpActivity.open(folder);
  writeFileSync(join(folder, 'snmp'), 'Tcp: RtoAlgorithm\n');
  expect(activity?.read()).toBeUndefined();
  activity?.close();
  expect(activity?.read()).toBeUndefined();
  rmSync(join(folder, 'sockstat'));
  expect(TcpActivity.open(folder)).toBeUndefined();
  expect(descriptors()).toBe(before);
});
