import type { Direction } from '../../model/socket.ts';

const ARROWS: Readonly<Record<Direction, string>> = { out: '→', in: '←' };

/** Returns the sign between local and remote endpoint: an arrow away from the end that connected; `–` if unknown. */
export const directionSign = (direction: Direction | undefined): string =>
  direction === undefined ? '–' : ARROWS[direction];
