import { describe, expect, test } from 'vitest';
import { AF_INET, AF_INET6 } from '../../../../src/source/linux/netlink/inet.ts';
import { inetRequest, tcpProbe, tcpRequest } from '../../../../src/source/linux/netlink/inet-requests.ts';
import { struct } from '../../../helpers/netlink/messages.ts';

describe('requests', () => {
  /** Fields after the header of 16 bytes: family, protocol, extensions, states. */
  const fields = (request: Uint8Array) => ({
    length: request.length,
    family: request[16],
    protocol: request[17],
    extensions: request[18],
    states: [...request.subarray(20, 24)],
    rest: request.subarray(24).some((byte) => byte !== 0),
  });
  const ALL = [255, 255, 255, 255];

  test.each([
    ['tcp', 6],
    ['udp', 17],
    ['sctp', 132],
    ['udplite', 136],
    ['raw', 255],
  ] as const)('%s by family requests details only for TCP', (protocol, number) => {
    for (const family of [AF_INET, AF_INET6] as const) {
      expect(fields(inetRequest(family, protocol, { details: false }))).toEqual({
        length: 72,
        family,
        protocol: number,
        extensions: protocol === 'tcp' ? 0b10 : 0,
        states: ALL,
        rest: false,
      });
      expect(fields(inetRequest(family, protocol, { details: true })).extensions).toBe(
        protocol === 'tcp' ? 0b1110 : 0,
      );
    }
  });

  test('MPTCP has its number in an attribute', () => {
    const request = inetRequest(AF_INET, 'mptcp', { details: false });
    expect(fields(request)).toMatchObject({ length: 80, protocol: 255, states: ALL });
    expect(request.subarray(72)).toEqual(
      struct(8, [
        [0, 2, 8],
        [2, 2, 3],
        [4, 4, 262],
      ]),
    );
  });

  test('only TCP sockets in TIME_WAIT are left out', () => {
    const options = { details: false, omitsTimeWait: true };
    const withoutTimeWait = [191, 255, 255, 255];
    expect(fields(inetRequest(AF_INET, 'tcp', options)).states).toEqual(withoutTimeWait);
    expect(fields(inetRequest(AF_INET, 'sctp', options)).states).toEqual(ALL);
    expect([...tcpRequest(options).subarray(68, 72)]).toEqual(withoutTimeWait);
  });

  test('only TCP listeners are asked for', () => {
    const options = { details: false, omitsTimeWait: true, onlyListeners: true };
    const listeners = [0, 4, 0, 0];
    expect(fields(inetRequest(AF_INET6, 'tcp', options)).states).toEqual(listeners);
    expect([...tcpRequest(options).subarray(68, 72)]).toEqual(listeners);
    expect(fields(inetRequest(AF_INET, 'udp', options)).states).toEqual(ALL);
  });

  test('tcpRequest covers both families', () => {
    const request = tcpRequest({ details: true });
    const expected = struct(76, [
      [0, 4, 76],
      [4, 2, 18],
      [6, 2, 0x301],
      [19, 1, 0b1110],
      [68, 4, 0xffffffff],
    ]);
    expect(request).toEqual(expected);
    expect(tcpRequest({ details: false })[19]).toBe(0b10);
  });

  test('tcpProbe asks for sockets in no state', () => {
    expect(fields(tcpProbe())).toMatchObject({ length: 72, family: 2, protocol: 6, extensions: 0 });
    expect(fields(tcpProbe()).states).toEqual([0, 0, 0, 0]);
  });
});
