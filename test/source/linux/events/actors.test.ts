import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Owner } from '../../../../src/model/socket.ts';
import { Actors } from '../../../../src/source/linux/events/actors.ts';
import { Attribution } from '../../../../src/source/linux/owners/attribution.ts';
import { type Outcome, Proc } from '../../../../src/source/linux/proc/proc.ts';
import type { TraceRecord } from '../../../../src/source/linux/trace/records.ts';
import { FakeProc } from '../../../helpers/proc.ts';
import { FakeTrace } from '../../../helpers/trace.ts';

/*
 * A process acts, and before /proc is read it executes another program, is renamed, or ends and its pid is
 * reused. The owner is the program that acted, not the one in /proc.
 */

let fake: FakeProc;
let trace: FakeTrace;
let actors: Actors;
/** Number of files read in /proc. */
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

const act = (tid: number): void =>
  trace.state(tid, 'CLOSE', 'SYN_SENT', '127.0.0.1:0', '127.0.0.1:80', { tid });

const nameOf = (owner: Owner | undefined): string =>
  owner === undefined
    ? 'none'
    : `${owner.knowledge} ${owner.process ?? '-'} ${owner.pid}${owner.nowProcess === undefined ? '' : ` now ${owner.nowProcess}`}`;

/** Applies a record; returns the acting process of a state change. */
function apply(record: TraceRecord): string[] {
  if (record.type === 'task') actors.applyFork(record);
  else if (record.type === 'exec') actors.applyExec(record);
  else if (record.type === 'rename') actors.applyRename(record);
  else if (record.type === 'exit') actors.applyExit(record);
  else return [nameOf(actors.ownersOf(record.tid)?.[0])];
  return [];
}

/** Drains once. @param meanwhile called while /proc is read @returns the acting processes, in order */
function drain(meanwhile: () => void = () => undefined, isComplete = true): string[] {
  const records = trace.drain();
  actors.readProc(records);
  meanwhile();
  const later = trace.drain();
  actors.setUpcoming([...records, ...later], isComplete);
  return [...records, ...later].flatMap(apply);
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

describe('an exec after the action', () => {
  test('in the same drain gives the program that acted and the next one', () => {
    act(70);
    execSleep();
    sleep();
    expect(drain()).toEqual(['exact python3 70 now sleep']);
  });

  test('keeps only the start of the process from /proc', () => {
    act(70);
    execSleep();
    sleep();
    const records = trace.drain();
    actors.readProc(records);
    actors.setUpcoming(records, true);
    expect(Object.keys(actors.ownersOf(70)?.[0] ?? {}).sort()).toEqual(
      ['knowledge', 'nowProcess', 'pid', 'process', 'startTicks', 'startedAtMs'].sort(),
    );
  });

  test('while /proc is read gives the program that acted and the next one', () => {
    act(70);
    sleep();
    expect(drain(execSleep)).toEqual(['exact python3 70 now sleep']);
  });

  test('in a later drain changes the owner of later actions only', () => {
    python();
    act(70);
    expect(drain()).toEqual(['exact python3 70']);
    sleep();
    act(70);
    execSleep();
    act(70);
    expect(drain()).toEqual(['exact python3 70 now sleep', 'exact sleep 70']);
  });

  test('followed by another exec gives the last program as the next one', () => {
    act(70);
    trace.rename(70, 'python3', 'env');
    trace.exec(70, '/usr/bin/env');
    act(70);
    trace.rename(70, 'env', 'sleep');
    trace.exec(70, '/usr/bin/sleep');
    sleep();
    expect(drain()).toEqual(['exact python3 70 now sleep', 'exact env 70 now sleep']);
  });

  test('of the same program changes nothing', () => {
    act(70);
    trace.rename(70, 'sshd', 'sshd');
    trace.exec(70, '/usr/sbin/sshd');
    fake.start(70, { comm: 'sshd', exe: '/usr/sbin/sshd' });
    expect(drain()).toEqual(['exact sshd 70']);
  });

  test('leaves the program unknown if the kernel does not trace names', () => {
    act(70);
    trace.exec(70, '/usr/bin/sleep');
    sleep();
    expect(drain()).toEqual(['exact - 70 now sleep']);
  });

  test('by another thread, which loses its tid, does not give the name of the thread', () => {
    act(71);
    trace.rename(70, 'worker', 'sleep');
    trace.exec(70, '/usr/bin/sleep', 71);
    sleep();
    expect(drain()).toEqual(['exact - 70 now sleep']);
  });

  test('of a traced child gives the program that acted', () => {
    trace.fork(50, 70, 'python3');
    act(70);
    execSleep();
    sleep();
    expect(drain()).toEqual(['exact python3 70 now sleep']);
  });

  test('of a process that ends before /proc is read gives both programs', () => {
    act(70);
    execSleep();
    trace.exit(70);
    expect(drain()).toEqual(['exact python3 70 now sleep']);
  });
});

describe('a rename after the action', () => {
  test.each(['in the same drain', 'while /proc is read'])('%s gives the old name', (when) => {
    const rename = (): void => trace.rename(70, 'evil', 'sshd');
    act(70);
    if (when === 'in the same drain') rename();
    fake.start(70, { comm: 'sshd', exe: '/usr/bin/python3' });
    expect(drain(when === 'in the same drain' ? undefined : rename)).toEqual(['exact evil 70']);
    act(70);
    expect(drain()).toEqual(['exact sshd 70']);
  });

  test('of another thread does not rename the process', () => {
    python();
    fake.thread(71, 70, 'pool-1');
    act(71);
    trace.rename(71, 'pool-1', 'pool-2');
    expect(drain()).toEqual(['exact python3 70']);
  });
});

describe('a pid that is reused', () => {
  test.each(['in the same drain', 'while /proc is read'])('%s does not give the new process', (when) => {
    const reuse = (): void => {
      trace.exit(70);
      trace.fork(1, 70, 'nginx');
    };
    trace.fork(50, 70, 'curl');
    act(70);
    if (when === 'in the same drain') reuse();
    fake.start(70, { comm: 'nginx', exe: '/usr/sbin/nginx' });
    expect(drain(when === 'in the same drain' ? undefined : reuse)).toEqual(['exact curl 70']);
  });

  test('gives no owner for a process older than the trace', () => {
    act(70);
    trace.exit(70);
    trace.fork(1, 70, 'nginx');
    fake.start(70, { comm: 'nginx', exe: '/usr/sbin/nginx' });
    expect(drain()).toEqual(['none']);
  });
});

describe('lost records', () => {
  test('make the program inherited, since an exec may be among them', () => {
    sleep();
    act(70);
    expect(drain(undefined, false)).toEqual(['inherited sleep 70']);
  });

  test('make the program of an ended process inherited too: only an earlier record names it', () => {
    trace.exec(70, '/usr/bin/curl');
    act(70);
    expect(drain(undefined, false)).toEqual(['inherited curl 70']);
  });

  test('make the program inherited if /proc already shows the next one', () => {
    trace.fork(50, 70, 'curl');
    act(70);
    expect(drain(undefined, false)).toEqual(['inherited curl 70']);
  });
});

test('reads /proc once for a process that acts repeatedly', () => {
  python();
  act(70);
  drain();
  act(70);
  expect(actors.readProc(trace.drain())).toBe(false);
});

test('takes linear time for 30,000 renames and 3,000 connects of a process', () => {
  python();
  for (let i = 0; i < 30_000; i++) {
    trace.rename(70, i === 0 ? 'python3' : `name${i - 1}`, `name${i}`);
    if (i % 10 === 0) act(70);
  }
  let read = 0;
  // Each access to a record reads its type.
  const counted = (record: TraceRecord): TraceRecord =>
    new Proxy(record, { get: (it, key) => (read++, Reflect.get(it, key) as unknown) });
  const records = trace.drain().map(counted);
  actors.readProc(records);
  actors.setUpcoming(records, true);
  expect(records.flatMap(apply)).toHaveLength(3000);
  expect(read).toBeLessThan(30 * records.length);
});

test.each(['known by its fork', 'unknown'])(
  'reads an ended process, %s, once per drain however often it acted',
  (how) => {
    if (how !== 'unknown') trace.fork(1, 70, 'python3');
    for (let i = 0; i < 1000; i++) act(70);
    reads = 0;
    expect(drain()).toHaveLength(1000);
    expect(reads).toBeLessThan(10);
  },
);

describe('the namespace of an ended process', () => {
  const inNetwork = (pid: number, inode: number): void => {
    python(pid);
    fake.link(`${pid}/ns/net`, `net:[${inode}]`);
  };

  test('is that of its parent, which it may have left', () => {
    inNetwork(70, 500);
    trace.fork(1, 70, 'python3');
    trace.fork(70, 80, 'python3');
    drain();
    expect(actors.networkOf(80)).toEqual({ netns: 500, mayHaveMoved: true });
  });

  test('is unknown if the pid of its parent is reused', () => {
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
