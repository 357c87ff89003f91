import fc from 'fast-check';
import { expect, test } from 'vitest';
import { normalise, type RawConnection } from '../../../src/source/portable/normalise.ts';
import { rawConnection } from '../../helpers/systeminformation.ts';

const oneOf = (...texts: string[]) =>
  fc.oneof(fc.constantFrom(...texts), fc.string(), fc.string({ unit: 'binary' }));
const anyAddress = fc.oneof(oneOf('*', '::', '[::1]', 'fe80::1%lo0', '*.*', ':', ''), fc.ipV4(), fc.ipV6());
const anyPort = fc.oneof(oneOf('*', '', '0', '65536'), fc.nat({ max: 70_000 }).map(String));
const anyRow: fc.Arbitrary<RawConnection> = fc.record({
  protocol: oneOf('tcp', 'tcp4', 'tcp6', 'tcp46', 'udp', 'udp46', 'UDP'),
  localAddress: anyAddress,
  localPort: anyPort,
  peerAddress: anyAddress,
  peerPort: anyPort,
  state: oneOf('ESTABLISHED', 'LISTEN', 'UNKNOWN', ''),
  pid: fc.oneof(fc.constant(null), fc.double(), fc.integer()),
  process: fc.string(),
});

test('any row is an item or a problem, and every item is valid in the model', () => {
  const system = fc.constantFrom('darwin' as const, 'win32' as const, 'linux' as const, 'bsd' as const);
  fc.assert(
    fc.property(fc.array(anyRow), system, (rows, on) => {
      const { items, problems } = normalise(rows, on);
      expect(items.length + problems).toBe(rows.length);
      for (const { sighting, pid } of items) {
        for (const end of [sighting.local, sighting.remote]) {
          if (end === null) continue;
          expect(end.port >= 0 && end.port <= 65535 && Number.isInteger(end.port)).toBe(true);
          expect(end.address.includes(':')).toBe(sighting.family === 'ipv6');
          expect(end.address).toMatch(/^[0-9a-f:.]+…?(%[\w.:@-]+)?$/i);
        }
        expect(pid === undefined || (Number.isInteger(pid) && pid >= 0)).toBe(true);
      }
    }),
  );
});

test('parses every whole IPv6 address in any spelling', () => {
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      const row = rawConnection({ localAddress: `[${address}%12]`, peerAddress: '[::]', peerPort: '0' });
      const [item] = normalise([row], 'win32').items;
      expect(item?.isTruncated).toBe(false);
      expect(item?.sighting.local.address.endsWith('%12')).toBe(true);
    }),
  );
});
