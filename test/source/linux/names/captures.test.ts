import { beforeEach, expect, test } from 'vitest';
import { type CapturedNetwork, Captures } from '../../../../src/source/linux/names/captures.ts';
import { DescriptorBudget } from '../../../../src/source/linux/netlink/descriptors.ts';
import { ERRNO, NativeError } from '../../../../src/source/linux/netlink/errno.ts';
import type { Privileges } from '../../../../src/source/linux/proc/privileges.ts';

const PRIVILEGES: Privileges = {
  isRoot: false,
  procFailure: undefined,
  isInUserNamespace: false,
  isInPidNamespace: false,
  capabilities: new Set(),
};

/** Error of the next socket that is opened; undefined to open it. */
let failure: Error | undefined;
let opened: number;
let reserved: number;
let said: string[];
/** True once the receiver has ended. */
let hasEnded: boolean;
let captures: Captures;

const network = (): CapturedNetwork => ({ inside: (act) => act() });

const open = (budget: Pick<DescriptorBudget, 'reserve' | 'release'>): Captures =>
  new Captures(
    {
      open: () => {
        if (failure) throw failure;
        return ++opened;
      },
      close: (it) => void said.push(`closed ${it}`),
    },
    budget,
    {
      get hasEnded() {
        return hasEnded;
      },
      opened: (it) => void said.push(`opened ${it}`),
      ended: (it) => void said.push(`ended ${it}`),
    },
  );

beforeEach(() => {
  [failure, opened, reserved, said, hasEnded] = [undefined, 100, 0, [], false];
  captures = open({ reserve: () => void reserved++, release: () => void reserved-- });
});

test('each namespace has one socket, which ends with it', () => {
  const [first, second] = [network(), network()];
  captures.update([first]);
  captures.update([first, second]);
  captures.update([first, second]);
  expect(said).toEqual(['opened 101', 'opened 102']);
  captures.update([second]);
  expect(said).toEqual(['opened 101', 'opened 102', 'ended 101']);
  expect([reserved, captures.notices(PRIVILEGES)]).toEqual([1, []]);
});

test('after the end of the receiver the sockets are closed, and no other is opened', () => {
  const own = network();
  captures.update([own]);
  hasEnded = true;
  captures.update([own, network()]);
  expect([said, reserved]).toEqual([['opened 101', 'closed 101'], 0]);
});

test('without the right, nothing is tried again and a notice says what is missing', () => {
  const own = network();
  failure = new NativeError('a packet socket', ERRNO.EPERM, 'EPERM');
  captures.update([own]);
  failure = undefined;
  captures.update([own]);
  expect([said, reserved]).toEqual([[], 0]);
  expect(captures.notices(PRIVILEGES)).toEqual([
    {
      code: 'names-uncaptured',
      text: 'names that programs ask for are not seen: run with sudo',
      short: 'no names',
    },
  ]);
});

test('after any other error it is tried again, and a notice counts the namespaces', () => {
  const [own, other] = [network(), network()];
  captures.update([own]);
  failure = new NativeError('a packet socket', ERRNO.EMFILE, 'EMFILE');
  captures.update([own, other]);
  expect(captures.notices(PRIVILEGES).map(({ text }) => text)).toEqual([
    'names that programs ask for are not seen in 1 network namespace: a packet socket: EMFILE',
  ]);
  failure = undefined;
  captures.update([own, other]);
  expect(said).toEqual(['opened 101', 'opened 102']);
  expect([captures.notices(PRIVILEGES), reserved]).toEqual([[], 2]);
});

test('a namespace that ended is no longer counted', () => {
  failure = new NativeError('a packet socket', ERRNO.EMFILE, 'EMFILE');
  captures.update([network()]);
  captures.update([]);
  expect(captures.notices(PRIVILEGES)).toEqual([]);
});

test('without a free descriptor the notice does not blame netlink', () => {
  captures = open(new DescriptorBudget({ raiseDescriptorLimit: () => 1 }));
  captures.update([network()]);
  expect(captures.notices(PRIVILEGES).map(({ text }) => text)).toEqual([
    'names that programs ask for are not seen: a socket: EMFILE',
  ]);
});
