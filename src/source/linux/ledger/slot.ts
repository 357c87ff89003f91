import { LITTLE_ENDIAN } from '../netlink/wire.ts';
import { NO_SOCKET, SLOT, SLOTS } from './layout.ts';
import type { Cookie } from '../netlink/cookie.ts';

/** Offsets of the halves of the cookie in a slot. */
const LOW = SLOT.cookie + (LITTLE_ENDIAN ? 0 : 4);
const HIGH = SLOT.cookie + (LITTLE_ENDIAN ? 4 : 0);

/** Returns the index of the slot of a socket. */
export const slotOf = ({ low }: Cookie): number => low & (SLOTS - 1);

/** Returns the cookie of the socket of a slot. */
export const cookieIn = (slot: DataView): Cookie => ({
  low: slot.getUint32(LOW, LITTLE_ENDIAN),
  high: slot.getUint32(HIGH, LITTLE_ENDIAN),
});

/** Returns true if a slot is that of this socket. */
export function isOf(slot: DataView, { low, high }: Cookie): boolean {
  const its = cookieIn(slot);
  return its.low === low && its.high === high;
}

/** Returns true if no socket has the slot. */
export const isFree = (slot: DataView): boolean => isOf(slot, { low: NO_SOCKET.free, high: NO_SOCKET.free });

/** Returns the slot of a socket that has had no traffic. */
export function newSlot({ low, high }: Cookie): Uint8Array {
  const slot = new Uint8Array(SLOT.length);
  const view = new DataView(slot.buffer);
  view.setUint32(LOW, low, LITTLE_ENDIAN);
  view.setUint32(HIGH, high, LITTLE_ENDIAN);
  return slot;
}
