import type { Degradation } from '../../model/batch.ts';
import type { Protocol } from '../../model/socket.ts';

export const STALE: Degradation = {
  code: 'stale',
  text: 'a list of sockets from the kernel was incomplete: missing sockets are shown as last seen',
  short: 'partly stale',
};

export const unreadableMessages = (count: number): Degradation => ({
  code: 'unreadable-messages',
  text: `${count} ${count === 1 ? 'message' : 'messages'} from the kernel could not be decoded`,
  short: `${count} messages unreadable`,
});

export const interruptedDumps = (count: number): Degradation => ({
  code: 'interrupted-dumps',
  text: `${count} socket ${count === 1 ? 'list' : 'lists'} of the kernel changed during every read: sockets may be missing or already closed`,
  short: `${count} lists inconsistent`,
});

export const missingKinds = (kinds: readonly Protocol[]): Degradation => ({
  code: 'missing-kinds',
  text: `this kernel does not list ${kinds.join(', ')} sockets`,
  short: `no ${kinds.join(', ')}`,
});

export const tablesUnread = (kinds: readonly Protocol[]): Degradation => ({
  code: 'tables-unread',
  text: `${kinds.join(', ')} sockets in /proc/net could not be read: they are missing or outdated`,
  short: `${kinds.join(', ')} unread`,
});
