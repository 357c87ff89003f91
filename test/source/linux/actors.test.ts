import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Owner } from '../../../src/model/socket.ts';
import { Actors } from '../../../src/source/linux/actors.ts';
import { Attribution } from '../../../src/source/linux/attribution.ts';
import { type Outcome, Proc } from '../../../src/source/linux/proc.ts';
import type { TraceRecord } from '../../../src/source/linux/trace/records.ts';
import { FakeProc } from '../../helpers/proc.ts';
import { FakeTrace } from '../../helpers/trace.ts';

/*
 * A process acts, and before /proc is read it becomes another program, takes another name, or ends and its number is
 * given to another. The program that acted is named; what /proc says of the other one is not.
 */

let fake: FakeProc;
let trace: FakeTrace;
let actors: Actors;
/** How many files of /proc were read. */
let reads: number;

class CountingProc extends Proc {
  override text(path: string): Outcome<string> {
    reads++;
    return super.text(path);
  }
}

beforeEach(() => {
  fake = new FakeProc();
  fake.link('self/ns/pid', 'pid:[4026531836]');
  trace = new FakeTrace(() => 0);
  reads = 0;
  const proc = new CountingProc(fake.root);
  const { owners } = new Attribution({
    proc,
    passwdPath: '../etc/passwd',
    nowMs: () => 0,
    isRoot: true,
  });
  actors = new Actors(proc, owners);
});
afterEach(() => fake.end());

const acts = (tid: number): void =>
  trace.state(tid, 'CLOSE', 'SYN_SENT', '127.0.0.1:0', '127.0.0.1:80', { tid });

const nameOf = (owner: Owner | undefined): string =>
  owner === undefined
    ? 'nobody'
    : `${owner.knowledge} ${owner.process ?? '-'} ${owner.pid}${owner.nowProcess === undefined ? '' : ` now ${owner.nowProcess}`}`;

/** Takes a record, and names who acted where it is a state. */
function take(record: TraceRecord): string[] {
  if (record.type === 'task') actors.applyFork(record);
  else if (record.type === 'exec') actors.applyExec(record);
  else if (record.type === 'rename') actors.applyRename(record);
  else if (record.type === 'exit') actors.applyExit(record);
  else return [nameOf(actors.ownersOf(record.tid)?.[0])];
  return [];
}

/** One drain. @param meanwhile what happens while /proc is read @returns who acted, in order */
function drain(meanwhile: () => void = () => undefined, isComplete = true): string[] {
  const records = trace.drain();
  actors.readProc(records);
  meanwhile();
  const later = trace.drain();
  actors.setUpcoming([...records, ...later], isComplete);
  return [...records, ...later].flatMap(take);
}

function python(pid = 70): void {
  fake.start(pid, { comm: 'python3', exe: '/usr/bin/python3' });
}
function sleep(pid = 70): void {
  fake.start(pid, { comm: 'sleep', exe: '/usr/bin/sleep', args: ['sleep', '1'] });
}
const execSleep = (pid = 70): void => {
  trace.rename(pid, 'python3', 'sleep');
  trace.exec(pid, '/usr/bin/sleep');
};

describe('exec after it acted', () => {
  test('in the same drain: the program that acted, and the one it became', () => {
    acts(70);
    execSleep();
    sleep();
    expect(drain()).toEqual(['exact python3 70 now sleep']);
  });

  test('takes only the start of the process from what /proc says of the other program', () => {
    acts(70);
    execSleep();
    sleep();
    const records = trace.drain();
    actors.readProc(records);
    actors.setUpcoming(records, true);
    expect(Object.keys(actors.ownersOf(70)?.[0] ?? {}).sort()).toEqual(
      ['knowledge', 'nowProcess', 'pid', 'process', 'startedAtMs'].sort(),
    );
  });

  test('while /proc is read', () => {
    acts(70);
    sleep();
    expect(drain(execSleep)).toEqual(['exact python3 70 now sleep']);
  });

  test('in a later drain: what was known stays, and it acts as the other one from then on', () => {
    python();
    acts(70);
    expect(drain()).toEqual(['exact python3 70']);
    sleep();
    acts(70);
    execSleep();
    acts(70);
    expect(drain()).toEqual(['exact python3 70 now sleep', 'exact sleep 70']);
  });

  test('twice: the last one is what it is now', () => {
    acts(70);
    trace.rename(70, 'python3', 'env');
    trace.exec(70, '/usr/bin/env');
    acts(70);
    trace.rename(70, 'env', 'sleep');
    trace.exec(70, '/usr/bin/sleep');
    sleep();
    expect(drain()).toEqual(['exact python3 70 now sleep', 'exact env 70 now sleep']);
  });

  test('of itself is no other program', () => {
    acts(70);
    trace.rename(70, 'sshd', 'sshd');
    trace.exec(70, '/usr/sbin/sshd');
    fake.start(70, { comm: 'sshd', exe: '/usr/sbin/sshd' });
    expect(drain()).toEqual(['exact sshd 70']);
  });

  test('where the kernel does not tell names: who it was is not known, and what it became is', () => {
    acts(70);
    trace.exec(70, '/usr/bin/sleep');
    sleep();
    expect(drain()).toEqual(['exact - 70 now sleep']);
  });

  test('by another of its threads, whose number is gone and whose name is not that of the process', () => {
    acts(71);
    trace.rename(70, 'worker', 'sleep');
    trace.exec(70, '/usr/bin/sleep', 71);
    sleep();
    expect(drain()).toEqual(['exact - 70 now sleep']);
  });

  test('of a child that had acted before', () => {
    trace.fork(50, 70, 'python3');
    acts(70);
    execSleep();
    sleep();
    expect(drain()).toEqual(['exact python3 70 now sleep']);
  });

  test('and it is gone before /proc is read', () => {
    acts(70);
    execSleep();
    trace.exit(70);
    expect(drain()).toEqual(['exact python3 70 now sleep']);
  });
});

describe('another name after it acted', () => {
  test.each(['in the same drain', 'while /proc is read'])('%s: the name that it had', (when) => {
    const rename = (): void => trace.rename(70, 'evil', 'sshd');
    acts(70);
    if (when === 'in the same drain') rename();
    fake.start(70, { comm: 'sshd', exe: '/usr/bin/python3' });
    expect(drain(when === 'in the same drain' ? undefined : rename)).toEqual(['exact evil 70']);
    acts(70);
    expect(drain()).toEqual(['exact sshd 70']);
  });

  test('of another thread is none of the process', () => {
    python();
    fake.thread(71, 70, 'pool-1');
    acts(71);
    trace.rename(71, 'pool-1', 'pool-2');
    expect(drain()).toEqual(['exact python3 70']);
  });
});

describe('a number that is given to another', () => {
  test.each(['in the same drain', 'while /proc is read'])('%s: nothing is said of the other one', (when) => {
    const reuse = (): void => {
      trace.exit(70);
      trace.fork(1, 70, 'nginx');
    };
    trace.fork(50, 70, 'curl');
    acts(70);
    if (when === 'in the same drain') reuse();
    fake.start(70, { comm: 'nginx', exe: '/usr/sbin/nginx' });
    expect(drain(when === 'in the same drain' ? undefined : reuse)).toEqual(['exact curl 70']);
  });

  test('names no owner for one that was there before and is not known', () => {
    acts(70);
    trace.exit(70);
    trace.fork(1, 70, 'nginx');
    fake.start(70, { comm: 'nginx', exe: '/usr/sbin/nginx' });
    expect(drain()).toEqual(['nobody']);
  });
});

describe('where records were lost', () => {
  test('an exec may be among them: the program is the last one known, not an exact one', () => {
    sleep();
    acts(70);
    expect(drain(undefined, false)).toEqual(['inherited sleep 70']);
  });

  test('a process that the trace itself described is exact', () => {
    trace.fork(50, 70, 'curl');
    acts(70);
    expect(drain(undefined, false)).toEqual(['exact curl 70']);
  });
});

test('/proc is read once for a process that goes on acting', () => {
  python();
  acts(70);
  drain();
  acts(70);
  expect(actors.readProc(trace.drain())).toBe(false);
});

test('a program that renames itself 30,000 times while it connects 3,000 times costs one step for each', () => {
  python();
  for (let i = 0; i < 30_000; i++) {
    trace.rename(70, i === 0 ? 'python3' : `name${i - 1}`, `name${i}`);
    if (i % 10 === 0) acts(70);
  }
  let read = 0;
  // Each look at a record that is still to come asks its type.
  const counted = (record: TraceRecord): TraceRecord =>
    new Proxy(record, { get: (it, key) => (read++, Reflect.get(it, key) as unknown) });
  const records = trace.drain().map(counted);
  actors.readProc(records);
  actors.setUpcoming(records, true);
  expect(records.flatMap(take)).toHaveLength(3000);
  expect(read).toBeLessThan(30 * records.length);
});

test.each(['known by its fork', 'unknown'])(
  'a process that has gone, %s, is looked for once a drain however often it acted',
  (how) => {
    if (how !== 'unknown') trace.fork(1, 70, 'python3');
    for (let i = 0; i < 1000; i++) acts(70);
    reads = 0;
    expect(drain()).toHaveLength(1000);
    expect(reads).toBeLessThan(10);
  },
);

describe('the namespace of a process that has ended', () => {
  const inNetwork = (pid: number, inode: number): void => {
    python(pid);
    fake.link(`${pid}/ns/net`, `net:[${inode}]`);
  };

  test('is that of its parent', () => {
    inNetwork(70, 500);
    trace.fork(1, 70, 'python3');
    trace.fork(70, 80, 'python3');
    drain();
    expect(actors.networkOf(80)).toEqual({ netns: 500, mayHaveMoved: true });
  });

  test('is unknown where the number of its parent is that of another process', () => {
    trace.fork(1, 70, 'python3');
    trace.fork(70, 80, 'python3');
    trace.exit(70);
    drain();
    inNetwork(70, 600);
    trace.fork(1, 70, 'other');
    drain();
    expect(actors.networkOf(80)).toBeUndefined();
  });
});
