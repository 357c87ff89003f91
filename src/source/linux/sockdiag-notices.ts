import type { Degradation } from '../../model/batch.ts';
import type { Protocol } from '../../model/socket.ts';

export const STALE: Degradation = {
  code: 'stale',
  text: 'the kernel broke off a list of sockets: what is missing in it is shown as it was a while ago',
  short: 'partly stale',
};

export const unreadableMessages = (count: number): Degradation => ({
  code: 'unreadable-messages',
  text: `${count} ${count === 1 ? 'message' : 'messages'} of the kernel could not be read`,
  short: `${count} messages unreadable`,
});

export const interruptedDumps = (count: number): Degradation => ({
  code: 'interrupted-dumps',
  text: `${count} of the kernel's lists changed each time they were read: a socket may be missing, or shown a moment too long`,
  short: `${count} lists inconsistent`,
});

export const missingKinds = (kinds: readonly Protocol[]): Degradation => ({
  code: 'missing-kinds',
  text: `this kernel tells nothing of ${kinds.join(', ')} sockets`,
  short: `no ${kinds.join(', ')}`,
});

export const tablesUnread = (kinds: readonly Protocol[]): Degradation => ({
  code: 'tables-unread',
  text: `the tables of ${kinds.join(', ')} sockets below /proc could not be read: they are missing, or as they were`,
  short: `${kinds.join(', ')} unread`,
});
