/** What a descriptor is of, where that is a socket or a network namespace. */
export interface Target {
  readonly kind: 'socket' | 'net';
  readonly inode: number;
}

const TARGET = /^(socket|net):\[(\d+)\]$/;

/** What the text of a descriptor's link names; undefined for anything else. */
export function parseTarget(link: string): Target | undefined {
  const [, kind, inode] = TARGET.exec(link) ?? [];
  return kind === undefined ? undefined : { kind: kind === 'net' ? 'net' : 'socket', inode: Number(inode) };
}
