import { describe, expect, test } from 'vitest';
import type { Socket } from '../../../src/model/socket.ts';
import { NettopSource, type NettopOptions } from '../../../src/source/macos/nettop.ts';
import { NettopFailed } from '../../../src/source/macos/nettop/program.ts';
import { MacProcesses } from '../../../src/source/macos/native/processes.ts';
import { ProcessCache } from '../../../src/source/macos/owners/process-cache.ts';
import { SourceUnavailable } from '../../../src/source/types.ts';
import { FakeMac } from '../../helpers/macos/fake-calls.ts';
import { flowRow, NETTOP_OUTPUT, nettopOutput, processRow } from '../../helpers/macos/nettop.ts';

/** A nettop whose output can be replaced; undefined fails. */
class FakeNettop {
  output: string | undefined = NETTOP_OUTPUT;
  runs = 0;
  isClosed = false;

  readonly run = async (): Promise<string> => {
    this.runs++;
    if (this.output === undefined) throw new NettopFailed('nettop took more than 15 s and was killed');
    return this.output;
  };

  close(): void {
    this.isClosed = true;
  }
}

const open = (program: FakeNettop, more: Partial<NettopOptions> = {}): Promise<NettopSource> =>
  NettopSource.open({
    also: [],
    tcpDetails: false,
    ownerBudgetMs: 5,
    program,
    cache: 'no koffi',
    nowMs: () => 0,
    ...more,
  });

const cacheOf = (mac: FakeMac): ProcessCache =>
  new ProcessCache({
    processes: new MacProcesses(mac),
    userName: (uid) => `user${uid}`,
    ownUid: 501,
    isRoot: false,
  });

const CONNECTION = 'tcp4 192.0.2.5:50000<->198.51.100.7:443';
const established = (more: Parameters<typeof flowRow>[1] = {}) =>
  flowRow(CONNECTION, { state: 'Established', ...more });

/** Returns the sockets of a poll, in order. */
const poll = async (source: NettopSource): Promise<Socket[]> => [...(await source.read()).sockets.values()];

/** Returns the only socket of a poll. */
const only = async (source: NettopSource): Promise<Socket> => {
  const [socket, ...others] = await poll(source);
  if (socket === undefined || others.length > 0) throw new Error(`${others.length + 1} sockets`);
  return socket;
};

describe('opening', () => {
  test('the first poll takes the output of the trial', async () => {
    const nettop = new FakeNettop();
    const source = await open(nettop);
    expect((await poll(source)).length).toBe(8);
    expect(nettop.runs).toBe(1);
    await source.read();
    expect(nettop.runs).toBe(2);
  });

  test.each([
    [undefined, 'nettop took more than 15 s and was killed'],
    ['', 'nettop prints another format'],
    [nettopOutput(processRow('curl.7')), 'nettop lists no sockets'],
  ])('is unavailable without an answer: %j', async (output, reason) => {
    const nettop = Object.assign(new FakeNettop(), { output });
    await expect(open(nettop)).rejects.toThrow(new SourceUnavailable(reason));
  });

  test('the end of the source ends the program', async () => {
    const nettop = new FakeNettop();
    (await open(nettop)).close();
    expect(nettop.isClosed).toBe(true);
  });
});

describe('polls', () => {
  test('an unchanged socket is the same object, and the map too', async () => {
    const source = await open(new FakeNettop());
    const [first, second] = [await source.read(), await source.read()];
    expect(second.sockets).toBe(first.sockets);
    expect(first.sockets.size).toBe(8);
  });

  test('a run without an answer shows the previous sockets, and counts', async () => {
    const nettop = new FakeNettop();
    const source = await open(nettop);
    const first = await source.read();
    nettop.output = undefined;
    const textsOf = async () => (await source.read()).degradations.map(({ text }) => text);
    const why = 'nettop took more than 15 s and was killed';
    expect(await textsOf()).toContain(`sockets could not be read (${why}): the previous ones are shown`);
    expect(await textsOf()).toContain(
      `sockets could not be read (${why}, 2 times in a row): the previous ones are shown`,
    );
    nettop.output = nettopOutput(processRow('curl.7'));
    expect((await source.read()).sockets).toBe(first.sockets);
    nettop.output = NETTOP_OUTPUT;
    expect((await source.read()).degradations).toEqual(first.degradations);
  });

  test('counts the sockets that exceed the bounds', async () => {
    const source = await open(new FakeNettop(), { bounds: { remnants: 0, sockets: 0 } });
    const { sockets, degradations } = await source.read();
    expect(sockets.size).toBe(0);
    expect(degradations.map(({ code }) => code)).toContain('left-out sockets');
  });

  test('says what could not be read, and which kinds are missing', async () => {
    const nettop = Object.assign(new FakeNettop(), {
      output: nettopOutput('half a row', flowRow(CONNECTION, { state: 'Dreaming' })),
    });
    const source = await open(nettop, { also: ['unix'] });
    expect((await source.read()).degradations.map(({ text }) => text)).toEqual([
      '1 line of the output of nettop could not be read',
      'nettop prints a state that netpane does not know for 1 connection',
      'programs have the names of nettop, which macOS cuts, and neither user nor command line: no koffi',
      'unix sockets are not read on macOS',
    ]);
  });
});

describe('lives', () => {
  const source = async (...rows: readonly string[]) => {
    const nettop = Object.assign(new FakeNettop(), { output: nettopOutput(...rows) });
    const opened = await open(nettop);
    await opened.read();
    const next = async (...others: readonly string[]): Promise<Socket[]> => {
      nettop.output = nettopOutput(...others);
      return poll(opened);
    };
    return { nettop, opened, next, first: await poll(opened) };
  };
  const curl = processRow('curl.7');

  test('state, traffic and process change within a life', async () => {
    const { first, next } = await source(curl, established({ rx: 1, tx: 1 }));
    const [changed] = await next(
      processRow('wget.8'),
      flowRow(CONNECTION, { state: 'CloseWait', rx: 5, tx: 1 }),
    );
    expect(changed).toMatchObject({
      id: first[0]?.id,
      state: 'CLOSE_WAIT',
      traffic: { rxBytes: 5, txBytes: 1 },
      owners: [{ pid: 8, process: 'wget' }],
    });
  });

  test('a connection keeps its counters while nettop has none', async () => {
    const { next } = await source(curl, established({ rx: 5, tx: 6 }));
    const [closing] = await next(curl, flowRow(CONNECTION, { state: 'TimeWait' }));
    expect(closing?.traffic).toEqual({ rxBytes: 5, txBytes: 6 });
  });

  test.each([
    ['an earlier state', flowRow(CONNECTION, { state: 'SynSent', rx: 5, tx: 5 })],
    ['fewer bytes', established({ rx: 5, tx: 4 })],
  ])('%s is a new life', async (_, row) => {
    const { first, next } = await source(curl, established({ rx: 5, tx: 5 }));
    const [other, ...more] = await next(curl, row);
    expect(more).toEqual([]);
    expect(other?.id).not.toBe(first[0]?.id);
  });

  test('a socket that is not listed ends; one with its endpoints later is another', async () => {
    const listener = flowRow('tcp4 *:22<->*:*', { state: 'Listen' });
    const { first, next } = await source(curl, established(), listener);
    expect((await next(curl, listener)).map(({ state }) => state)).toEqual(['LISTEN']);
    const again = await next(curl, established(), listener);
    expect(again).toHaveLength(2);
    expect(again.some(({ id }) => id === first[0]?.id)).toBe(false);
    expect(again.find(({ state }) => state === 'LISTEN')).toBe(first[1]);
  });

  test('sockets with the same endpoints are matched by pid, then by order', async () => {
    const shared = flowRow('udp4 *:5353<->*:*');
    const { first, next } = await source(processRow('a.1'), shared, shared, processRow('b.2'), shared);
    expect(new Set(first.map(({ id }) => id)).size).toBe(3);
    const after = await next(processRow('b.2'), shared, processRow('a.1'), shared);
    expect(new Set(after)).toEqual(new Set([first[0], first[2]]));
  });

  test('a socket without a port has no life in another process', async () => {
    const { first, next } = await source(processRow('a.1'), flowRow('udp4 *:*<->*:*'));
    const [other] = await next(processRow('b.2'), flowRow('udp4 *:*<->*:*'));
    expect(other?.id).not.toBe(first[0]?.id);
  });
});

describe('owners', () => {
  const nettopWith = (name: string): FakeNettop =>
    Object.assign(new FakeNettop(), { output: nettopOutput(processRow(name), established()) });

  test('are the processes that used a socket last, with what libproc says of them', async () => {
    const mac = Object.assign(new FakeMac(), {
      processes: { 7: { name: 'Example Browser', path: '/Applications/Example Browser Helper', uid: 502 } },
    });
    const source = await open(nettopWith('Example Browser.7'), { cache: cacheOf(mac) });
    const socket = await only(source);
    expect(socket.owners).toMatchObject([
      {
        knowledge: 'inherited',
        pid: 7,
        process: 'Example Browser Helper',
        exe: '/Applications/Example Browser Helper',
        user: 'user502',
      },
    ]);
    expect(await only(source)).toBe(socket);
    expect((await source.read()).degradations).toEqual([]);
  });

  test('have the name of nettop if the process has ended, or its pid has another program', async () => {
    const mac = Object.assign(new FakeMac(), { processes: { 7: { name: 'other' } } });
    const owner = { knowledge: 'inherited', pid: 7, process: 'curl' };
    expect((await only(await open(nettopWith('curl.7'), { cache: cacheOf(mac) }))).owners).toEqual([owner]);
    const gone = await open(nettopWith('curl.7'), { cache: cacheOf(new FakeMac()) });
    expect((await only(gone)).owners).toEqual([owner]);
  });

  test('are the kernel for pid 0, and unknown without a row of the process', async () => {
    expect((await only(await open(nettopWith('kernel_task.0')))).owners).toEqual([{ knowledge: 'kernel' }]);
    expect((await only(await open(nettopWith('half a row')))).owners).toEqual([
      { knowledge: 'unknown', tried: 'the output of nettop' },
    ]);
  });
});

test('a programming error is passed on', async () => {
  const nettop = new FakeNettop();
  const source = await open(nettop);
  await source.read();
  Object.assign(nettop, { run: async () => Promise.reject(new TypeError('undefined is not a function')) });
  await expect(source.read()).rejects.toThrow(TypeError);
});
