import { describe, expect, test } from 'vitest';
import { OTHERS } from '../../../../src/source/linux/netlink/others.ts';
import {
  addressesRequest,
  decodeInterfaceAddress,
  decodeLink,
  linksRequest,
} from '../../../../src/source/linux/netlink/route.ts';
import type { NetlinkBuffer } from '../../../../src/source/linux/netlink/wire.ts';
import {
  addressPayload,
  attribute,
  bufferOf,
  joined,
  linkPayload,
  payload,
  struct,
} from '../../../helpers/netlink/messages.ts';

const decoded = <T>(
  bytes: Uint8Array,
  decode: (buffer: NetlinkBuffer, start: number, end: number) => T,
  behind = 0xa5,
): T => decode(bufferOf(bytes, { behind }), 0, bytes.length);

/** Checks that the decoder never reads past the end of a truncated message. */
function expectNoReadPastEnd(
  bytes: Uint8Array,
  decode: (buffer: NetlinkBuffer, start: number, end: number) => unknown,
): void {
  for (let length = 0; length < bytes.length; length++) {
    const cut = bytes.slice(0, length);
    expect(decoded(cut, decode, 0xff)).toEqual(decoded(cut, decode, 0));
  }
}

describe('Unix sockets', () => {
  const { decode } = OTHERS.unix;
  const WHOLE = {
    protocol: 'unix',
    cookie: 0x123456789n,
    name: '/run/x',
    inode: 5,
    peer: 6,
    uid: 1000,
    recvQueue: 7,
    sendQueue: 8,
  } as const;

  test('decodes all fields', () => {
    expect(decoded(payload(WHOLE), decode)).toEqual({
      id: 'sk:123456789',
      protocol: 'unix',
      family: 'unix',
      local: { address: '/run/x', port: 0 },
      remote: null,
      state: 'ESTABLISHED',
      inode: 5,
      uid: 1000,
      peerInode: 6,
      recvQueue: 7,
      sendQueue: 8,
    });
  });

  test.each([
    ['/run/x\0', '/run/x'],
    ['\0abstract', '@abstract'],
    ['\0a\0b', '@a@b'],
    ['', ''],
    ['/tmp/\ud83d\ude00', '/tmp/\ud83d\ude00'],
    // Relative paths that resemble an abstract name, a wildcard or an address.
    ['@x', './@x'],
    ['*', './*'],
    ['::', './::'],
    ['0.0.0.0', './0.0.0.0'],
    ['4294967295', './4294967295'],
    ['x', 'x'],
  ])('writes the name %j', (name, address) => {
    expect(decoded(payload({ ...WHOLE, name }), decode)?.local.address).toBe(address);
  });

  test('leaves out name, peer, state and inode if the message has none', () => {
    const bytes = struct(16, [
      [0, 1, 1],
      [2, 1, 7],
      [8, 4, 1],
    ]);
    expect(decoded(bytes, decode)).toEqual({
      id: 'sk:1',
      protocol: 'unix',
      family: 'unix',
      local: { address: '', port: 0 },
      remote: null,
      state: undefined,
      inode: undefined,
      uid: undefined,
      peerInode: undefined,
    });
  });

  test('ignores attributes that are too short', () => {
    const bytes = joined(
      payload({ ...WHOLE, peer: 1 }).slice(0, 16),
      attribute(2, new Uint8Array(3)),
      attribute(4, new Uint8Array(7)),
      attribute(7, new Uint8Array(1)),
    );
    const message = decoded(bytes, decode);
    expect([message?.peerInode, message?.uid, message?.recvQueue]).toEqual([undefined, undefined, undefined]);
  });

  test('rejects a message that is too short', () => {
    expect(decoded(new Uint8Array(15), decode)).toBeUndefined();
    expectNoReadPastEnd(payload(WHOLE), decode);
  });
});

describe('packet sockets', () => {
  const { decode } = OTHERS.packet;
  const WHOLE = {
    protocol: 'packet',
    cookie: 9,
    number: 0x888e,
    inode: 5,
    uid: 33,
    interfaceIndex: 2,
  } as const;

  test('decodes all fields', () => {
    expect(decoded(payload(WHOLE), decode)).toEqual({
      id: 'sk:9',
      protocol: 'packet',
      family: 'packet',
      local: { address: '*', port: 0, protocol: 0x888e },
      remote: null,
      inode: 5,
      uid: 33,
      interfaceIndex: 2,
    });
  });

  test('has no interface if it receives from all', () => {
    expect(decoded(payload({ ...WHOLE, interfaceIndex: 0 }), decode)?.interfaceIndex).toBeUndefined();
  });

  test('rejects a message that is too short', () => {
    expect(decoded(new Uint8Array(15), decode)).toBeUndefined();
    expectNoReadPastEnd(payload(WHOLE), decode);
  });
});

describe('VSOCK', () => {
  const { decode } = OTHERS.vsock;
  const ANY = 0xffffffff;

  test('decodes a connection, a listener and an unconnected socket', () => {
    const connection = {
      protocol: 'vsock',
      cookie: 1,
      local: [3, 1024],
      remote: [2, 0x12345678],
      state: 'ESTABLISHED',
      inode: 5,
    } as const;
    expect(decoded(payload(connection), decode)).toEqual({
      id: 'sk:1',
      protocol: 'vsock',
      family: 'vsock',
      local: { address: '3', port: 1024 },
      remote: { address: '2', port: 0x12345678 },
      state: 'ESTABLISHED',
      inode: 5,
    });
    const listener = { ...connection, local: [ANY, 22], remote: [ANY, ANY], state: 'LISTEN' } as const;
    expect(decoded(payload(listener), decode)).toMatchObject({
      local: { address: '*', port: 22 },
      remote: null,
      state: 'LISTEN',
    });
    const idle = { ...listener, local: [3, ANY], state: 'CLOSE' } as const;
    expect(decoded(payload(idle), decode)).toMatchObject({ local: { address: '3', port: 0 }, remote: null });
    expect(decoded(payload(idle), decode)?.state).toBeUndefined();
  });

  test('rejects a message that is too short', () => {
    expect(decoded(new Uint8Array(31), decode)).toBeUndefined();
  });
});

describe('interfaces', () => {
  const LINK = { index: 2, name: 'eth0', isUp: true, rxBytes: 2 ** 40, txBytes: 2 ** 33 };

  test('have requests for every family and interface', () => {
    // struct ifinfomsg and struct ifaddrmsg with all fields 0.
    expect([...linksRequest()]).toEqual([
      ...struct(32, [
        [0, 4, 32],
        [4, 2, 18],
        [6, 2, 0x301],
      ]),
    ]);
    expect([...addressesRequest()]).toEqual([
      ...struct(24, [
        [0, 4, 24],
        [4, 2, 22],
        [6, 2, 0x301],
      ]),
    ]);
  });

  test('are decoded with flags and counters', () => {
    expect(decoded(linkPayload(LINK), decodeLink)).toEqual({ ...LINK, isLoopback: false });
    expect(decoded(linkPayload({ ...LINK, isUp: false, isLoopback: true }), decodeLink)).toMatchObject({
      isUp: false,
      isLoopback: true,
    });
    expectNoReadPastEnd(linkPayload(LINK), decodeLink);
    expectNoReadPastEnd(linkPayload({ ...LINK, isFromElsewhere: true }), decodeLink);
  });

  test('may have an id of another namespace without a value, at the end of the buffer', () => {
    const bytes = joined(linkPayload(LINK), attribute(37, new Uint8Array()));
    expect(decodeLink(bufferOf(bytes, { room: 0 }), 0, bytes.length)).toEqual({ ...LINK, isLoopback: false });
  });

  test('are rejected without a name', () => {
    expect(decoded(linkPayload({ index: 2 }), decodeLink)).toBeUndefined();
    expect(decoded(linkPayload({ index: 2, name: '' }), decodeLink)).toBeUndefined();
    expect(decoded(new Uint8Array(15), decodeLink)).toBeUndefined();
  });

  test('use 32-bit counters only without 64-bit counters', () => {
    const name = attribute(3, Buffer.from('eth0\0'));
    const narrow = attribute(
      7,
      struct(16, [
        [8, 4, 5],
        [12, 4, 6],
      ]),
    );
    const wide = attribute(
      23,
      struct(32, [
        [16, 8, 50],
        [24, 8, 60],
      ]),
    );
    const of = (...attributes: Uint8Array[]) => {
      const link = decoded(joined(new Uint8Array(16), name, ...attributes), decodeLink);
      return [link?.rxBytes, link?.txBytes];
    };
    expect(of(narrow)).toEqual([5, 6]);
    expect(of(narrow, wide)).toEqual([50, 60]);
    expect(of(wide, narrow)).toEqual([50, 60]);
    expect(of()).toEqual([0, 0]);
    expect(of(attribute(23, new Uint8Array(31)), attribute(7, new Uint8Array(15)))).toEqual([0, 0]);
  });

  test.each(['192.0.2.1', '2001:db8::1'])('have the address %s', (address) => {
    expect(decoded(addressPayload(3, address), decodeInterfaceAddress)).toEqual({
      interfaceIndex: 3,
      address,
    });
    expectNoReadPastEnd(addressPayload(3, address), decodeInterfaceAddress);
  });

  test('have the local address of a point-to-point link', () => {
    const bytes = joined(addressPayload(3, '192.0.2.2'), attribute(2, Uint8Array.of(192, 0, 2, 1)));
    expect(decoded(bytes, decodeInterfaceAddress)?.address).toBe('192.0.2.1');
  });

  test('reject addresses of an unknown family, that are too short, or without IFA_ADDRESS', () => {
    expect(decoded(struct(8, [[0, 1, 7]]), decodeInterfaceAddress)).toBeUndefined();
    expect(decoded(struct(8, [[0, 1, 2]]), decodeInterfaceAddress)).toBeUndefined();
    expect(decoded(struct(7, [[0, 1, 2]]), decodeInterfaceAddress)).toBeUndefined();
    const short = joined(struct(8, [[0, 1, 10]]), attribute(1, new Uint8Array(15)));
    expect(decoded(short, decodeInterfaceAddress)).toBeUndefined();
  });
});
