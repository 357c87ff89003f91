import type { NetworkInterface } from '../../model/batch.ts';
import { terminatedText } from './structures.ts';

/** MIB_IF_TABLE2 and MIB_IF_ROW2 (netioapi.h), in bytes. `test/source/windows/interfaces.test.ts` compares them with mingw-w64. */
export const INTERFACE = {
  firstRow: 8,
  size: 1352,
  alias: 28,
  aliasBytes: 514,
  flags: 1152,
  status: 1156,
  rxBytes: 1208,
  txBytes: 1280,
} as const;

/** Maximum number of rows that are read. */
export const MAX_INTERFACES = 4096;

/** IF_OPER_STATUS: up. */
const STATUS_UP = 1;
/** InterfaceAndOperStatusFlags: a filter in the stack of another interface, which counts the same packets again. */
const FLAG_FILTER = 2;

/**
 * Returns the interfaces of MIB_IF_TABLE2. Never reads past the end.
 * @param bytes the table, or its beginning
 * @param addressesOf returns the addresses of an interface by its name
 */
export function readInterfaces(
  bytes: Uint8Array,
  addressesOf: (name: string) => readonly string[],
): NetworkInterface[] {
  if (bytes.length < INTERFACE.firstRow) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = Math.min(
    view.getUint32(0, true),
    Math.floor((bytes.length - INTERFACE.firstRow) / INTERFACE.size),
  );
  const interfaces: NetworkInterface[] = [];
  for (let i = 0; i < count; i++) {
    const at = INTERFACE.firstRow + i * INTERFACE.size;
    if ((view.getUint8(at + INTERFACE.flags) & FLAG_FILTER) !== 0) continue;
    const start = at + INTERFACE.alias;
    const name = terminatedText(bytes.subarray(start, start + INTERFACE.aliasBytes), 0);
    interfaces.push({
      name,
      isUp: view.getUint32(at + INTERFACE.status, true) === STATUS_UP,
      rxBytes: Number(view.getBigUint64(at + INTERFACE.rxBytes, true)),
      txBytes: Number(view.getBigUint64(at + INTERFACE.txBytes, true)),
      addresses: addressesOf(name),
    });
  }
  return interfaces;
}
