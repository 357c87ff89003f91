// Lists of interfaces as Windows and macOS write them, and addresses as Node lists them.
import type { NetworkInterfaceInfo } from 'node:os';
import { IF_MESSAGE } from '../../src/source/macos/native/interfaces.ts';
import { INTERFACE } from '../../src/source/windows/interfaces.ts';

/** Type of a message of macOS about an interface; others are about its addresses. */
const RTM_IFINFO2 = 0x12;

/** A row of the table of Windows. */
export interface FakeInterfaceRow {
  readonly name: string;
  readonly status?: number;
  readonly flags?: number;
}

/** Returns a table of interfaces as Windows would write it. */
export function interfaceTable(...rows: readonly FakeInterfaceRow[]): Uint8Array {
  const bytes = new Uint8Array(INTERFACE.firstRow + rows.length * INTERFACE.size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, rows.length, true);
  for (const [i, { name, status = 1, flags = 0 }] of rows.entries()) {
    const at = INTERFACE.firstRow + i * INTERFACE.size;
    bytes.set(Buffer.from(name, 'utf16le'), at + INTERFACE.alias);
    view.setUint8(at + INTERFACE.flags, flags);
    view.setUint32(at + INTERFACE.status, status, true);
    view.setBigUint64(at + INTERFACE.rxBytes, 2n ** 40n + BigInt(i), true);
    view.setBigUint64(at + INTERFACE.txBytes, BigInt(i), true);
  }
  return bytes;
}

/** Returns a message about an interface as the kernel of macOS would write it. */
export function interfaceMessage(index: number, flags: number, type = RTM_IFINFO2): Uint8Array {
  const bytes = new Uint8Array(IF_MESSAGE.size);
  const view = new DataView(bytes.buffer);
  view.setUint16(IF_MESSAGE.length, bytes.length, true);
  view.setUint8(IF_MESSAGE.type, type);
  view.setUint32(IF_MESSAGE.flags, flags, true);
  view.setUint16(IF_MESSAGE.index, index, true);
  view.setBigUint64(IF_MESSAGE.rxBytes, 2n ** 40n + BigInt(index), true);
  view.setBigUint64(IF_MESSAGE.txBytes, BigInt(index), true);
  return bytes;
}

const INFO = { netmask: '', mac: '', internal: false, cidr: null } as const;

/** Returns an IPv4 address of an interface as Node lists it. */
export const ipv4 = (address: string): NetworkInterfaceInfo => ({ ...INFO, family: 'IPv4', address });

/** Returns an IPv6 address of an interface as Node lists it. @param scopeid 0 if it needs none */
export const ipv6 = (address: string, scopeid = 0): NetworkInterfaceInfo => ({
  ...INFO,
  family: 'IPv6',
  address,
  scopeid,
});
