import { expect, test } from 'vitest';
import { type Values, valuesOf } from '../../src/query/values.ts';
import { listener, socket, udp } from '../helpers/fakes.ts';

/** Returns all values, each list sorted. */
const sorted = (values: Values) =>
  Object.fromEntries(
    Object.entries(values).map(([name, all]) => [name, [...(all as Iterable<string>)].toSorted()]),
  );

test('returns distinct values of all owners and of both endpoints', () => {
  const values = valuesOf([
    socket({ user: 'ana', uid: 1000, interface: 'eth0', netns: { inode: 7, name: 'web' } }),
    socket({ id: 'again', user: 'ana', interface: 'eth0', netns: { inode: 8 } }),
    socket({
      id: 'mapped',
      local: '[::ffff:192.0.2.10]:40000',
      remote: '[::ffff:203.0.113.7]:443',
      owners: [
        { knowledge: 'exact', process: 'nginx' },
        { knowledge: 'exact', process: 'systemd' },
        { knowledge: 'hidden' },
      ],
      uid: 33,
    }),
    listener(),
    udp({ owners: [{ knowledge: 'exact', process: 'dhcpcd', user: 'dhcp' }] }),
  ]);
  expect(sorted(values)).toEqual({
    processes: ['curl', 'dhcpcd', 'nginx', 'systemd'],
    users: ['33', 'ana', 'dhcp'],
    states: ['ESTABLISHED', 'LISTEN'],
    protocols: ['tcp', 'tcp6', 'udp'],
    interfaces: ['eth0'],
    namespaces: ['8', 'web'],
    hosts: ['198.51.100.7', '203.0.113.7'],
    ports: [40_000, 443, 68, 80].toSorted(),
  });
});

test('sockets without Internet addresses and wildcard addresses give no host and no port', () => {
  const values = valuesOf([
    socket({ protocol: 'unix', family: 'unix', local: '/run/x:5', remote: '/run/y:6' }),
    udp({ local: '*:0', remote: '0.0.0.0:0' }),
  ]);
  expect(sorted(values)).toMatchObject({ hosts: [], ports: [] });
});

test('no sockets have no values', () => {
  expect(Object.values(sorted(valuesOf([]))).flat()).toEqual([]);
});
