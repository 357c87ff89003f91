/**
 * Slots of sockets by inode. Usually one slot; an MPTCP connection shares its inode with each of its subflows
 * (net/mptcp/subflow.c, mptcp_sock_graft).
 */
export class InodeSlots {
  readonly #slots = new Map<number, number | Set<number>>();

  /** Returns the number of slots with the inode. */
  count(inode: number): number {
    const slots = this.#slots.get(inode);
    return slots === undefined ? 0 : typeof slots === 'number' ? 1 : slots.size;
  }

  /** Returns the slots with the inode. */
  of(inode: number): Iterable<number> {
    const slots = this.#slots.get(inode);
    return slots === undefined ? [] : typeof slots === 'number' ? [slots] : slots;
  }

  add(inode: number, slot: number): void {
    const slots = this.#slots.get(inode);
    if (slots === undefined) this.#slots.set(inode, slot);
    else if (typeof slots !== 'number') slots.add(slot);
    else if (slots !== slot) this.#slots.set(inode, new Set([slots, slot]));
  }

  delete(inode: number, slot: number): void {
    const slots = this.#slots.get(inode);
    if (slots === slot) this.#slots.delete(inode);
    else if (slots instanceof Set && slots.delete(slot) && slots.size === 0) this.#slots.delete(inode);
  }
}
