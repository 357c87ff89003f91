import type { Degradation } from '../../model/batch.ts';
import type { Protocol } from '../../model/socket.ts';

export const ONE_NAMESPACE: Degradation = {
  code: 'one-namespace',
  text: 'only the network namespace that netpane runs in is shown: run with sudo to see those of containers too',
  short: 'one namespace: sudo',
};

export const STALE: Degradation = {
  code: 'stale',
  text: 'the kernel broke off a list of sockets: what is missing in it is shown as it was a while ago',
  short: 'partly stale',
};

export const closedNamespaces = (count: number): Degradation => ({
  code: 'namespaces-closed',
  text: `${count} network ${count === 1 ? 'namespace' : 'namespaces'} may not be entered, and ${count === 1 ? 'its sockets are' : 'their sockets are'} not shown: the right CAP_SYS_ADMIN is missing`,
  short: `${count} namespaces closed`,
});

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
