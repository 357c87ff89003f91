import { afterEach, describe, expect, test } from 'vitest';
import {
  isService,
  serviceName,
  serviceNames,
  servicePorts,
  setServiceTexts,
} from '../../src/model/services.ts';

const NO_LISTS = { system: () => undefined, registry: () => undefined };
afterEach(() => setServiceTexts(NO_LISTS));

test.each([
  [22, 'tcp', 'ssh'],
  [53, 'tcp', 'domain'],
  [53, 'udp', 'domain'],
  [443, 'tcp', 'https'],
  [443, 'udp', 'https'],
  [514, 'tcp', 'shell'],
  [514, 'udp', 'syslog'],
  [68, 'udp', 'dhcp-client'],
  [68, 'tcp', undefined],
  [51820, 'udp', 'wireguard'],
  [0, 'tcp', undefined],
  [40000, 'tcp', undefined],
] as const)('%i/%s is %s', (port, protocol, name) => {
  expect(serviceName(port, protocol)).toBe(name);
});

test('parses every entry of the everyday list', () => {
  const names = new Set<string>();
  let count = 0;
  for (let port = 0; port <= 65535; port++) {
    for (const protocol of ['tcp', 'udp'] as const) {
      const name = serviceName(port, protocol);
      if (name === undefined) continue;
      count++;
      names.add(name);
      // A name is shown in the table and used in queries: one short word.
      expect(name).toMatch(/^[a-z0-9-]{2,14}$/);
    }
  }
  expect(count).toBeGreaterThan(100);
  expect(names.size).toBeGreaterThan(90);
});

const SYSTEM = `# Network services
discard\t9/tcp\tsink null
discard 9/udp
epmap 135/tcp loc-srv # DCE endpoint resolution
my-app 7777/tcp
`;
const REGISTRY = 'commplex-main 5000/tcp\ncommplex-main 5000/udp\ndiscard 9/tcp\ndiscard 9/dccp\n';

describe('with a list of the machine', () => {
  const reads: string[] = [];
  const both = {
    system: () => (reads.push('system'), SYSTEM),
    registry: () => (reads.push('registry'), REGISTRY),
  };

  test('shows its names for ports without an everyday name', () => {
    setServiceTexts(both);
    expect([9, 135, 7777, 5000].map((port) => serviceName(port, 'tcp'))).toEqual([
      'discard',
      'msrpc',
      'my-app',
      undefined,
    ]);
  });

  test('finds a port by each of its names, registry names included', () => {
    setServiceTexts(both);
    const names = ['epmap', 'loc-srv', 'msrpc', 'sink', 'commplex-main', 'nosuch'];
    expect(names.map((name) => servicePorts(name))).toEqual([[135], [135], [135], [9], [5000, 5000], []]);
    expect(isService('epmap', 135, 'tcp')).toBe(true);
    expect(isService('epmap', 135, 'udp')).toBe(false);
    expect(isService('sink', 9, 'udp')).toBe(false);
    expect(isService('commplex-main', 5000, 'udp')).toBe(true);
  });

  test('reads no list before a name is needed, and the registry only if no other list has the name', () => {
    reads.length = 0;
    setServiceTexts(both);
    expect(servicePorts('https')).toEqual([443, 443]);
    expect(reads).toEqual([]);
    expect(serviceName(40_000, 'tcp')).toBeUndefined();
    expect(serviceNames()).toContain('my-app');
    expect(reads).toEqual(['system']);
    expect(servicePorts('commplex-main')).toEqual([5000, 5000]);
    expect(servicePorts('nosuch')).toEqual([]);
    expect(reads).toEqual(['system', 'registry']);
  });
});

test.each([undefined, '', '\n'])('shows registry names without a list of the machine (%j)', (system) => {
  setServiceTexts({ system: () => system, registry: () => REGISTRY });
  expect(serviceName(5000, 'tcp')).toBe('commplex-main');
});

test('skips malformed lines, however long', () => {
  const hostile = [
    '\u001b[2J 5/tcp',
    'a'.repeat(100_000) + ' 6/tcp',
    'no-port',
    'x 70000000/tcp',
    'y 7/icmp',
    'z -1/tcp',
    `w 8/tcp ${'alias '.repeat(10_000)}`,
    'q/r 9/tcp',
  ].join('\r\n');
  setServiceTexts({ system: () => hostile, registry: () => undefined });
  expect([5, 6, 7, 9].map((port) => serviceName(port, 'tcp'))).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect(serviceName(8, 'tcp')).toBe('w');
  expect(servicePorts('alias')).toEqual([8]);
});
