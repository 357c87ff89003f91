import { expect, test } from 'vitest';
import { serviceName } from '../../src/model/services.ts';

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

test('every entry of the list was understood, and says one name', () => {
  const names = new Set<string>();
  let count = 0;
  for (let port = 0; port <= 65535; port++) {
    for (const protocol of ['tcp', 'udp'] as const) {
      const name = serviceName(port, protocol);
      if (name === undefined) continue;
      count++;
      names.add(name);
      // A name is part of the table and of the filter: one short word.
      expect(name).toMatch(/^[a-z0-9-]{2,14}$/);
    }
  }
  expect(count).toBeGreaterThan(100);
  expect(names.size).toBeGreaterThan(90);
});
