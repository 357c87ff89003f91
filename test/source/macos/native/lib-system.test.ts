import { copyFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import koffi from 'koffi';
import { beforeAll, describe, expect, test } from 'vitest';
import { LibSystem } from '../../../../src/source/macos/native/lib-system.ts';
import { PcblistSource } from '../../../../src/source/macos/pcblist.ts';
import { hasCompiler, useCompiler } from '../../../helpers/macos/compile.ts';
import { useFolders } from '../../../helpers/folder.ts';
import { closeMessage } from '../../../helpers/macos/statistics.ts';
import { pcbTable } from '../../../helpers/macos/tables.ts';

const TCP = 'net.inet.tcp.pcblist_n';
const UDP = 'net.inet.udp.pcblist_n';

const newFolder = useFolders();
const compile = useCompiler();

/** Calls through koffi into a library of C that plays libSystem; without a compiler there is none. */
describe.runIf(hasCompiler)('the calls of libSystem', () => {
  let path = '';
  let fakeOpen: (folder: string, growing: number, denied: number) => void;
  beforeAll(() => {
    path = compile('libsystem.c', '-shared', '-fPIC');
    fakeOpen = koffi.load(path).func('void fake_open(const char *, int, int)');
  });

  /** Behaviour of a fake libSystem. */
  interface Behaviour {
    readonly isRoot?: boolean;
    /** Number of times that a table has grown between the question for its size and the reading. */
    readonly growing?: number;
    /** Errno with which the tables are refused. */
    readonly denied?: number;
    readonly events?: boolean;
    /** A datagram about closed sockets. */
    readonly closed?: Uint8Array;
  }

  const open = async (
    { isRoot = false, growing = 0, denied = 0, events = false, closed }: Behaviour = {},
    fixture = 'tcp-pcblist_n-macos27-arm64.bin',
  ) => {
    const folder = newFolder();
    copyFileSync(`fixtures/macos/${fixture}`, `${folder}/${TCP}`);
    writeFileSync(`${folder}/${UDP}`, pcbTable([{ generation: 1, local: ['0.0.0.0', 5353], txBytes: 9 }]));
    writeFileSync(`${folder}/statistics`, closed ?? '');
    fakeOpen(folder, growing, denied);
    return new PcblistSource({
      calls: await LibSystem.load(path),
      also: [],
      tcpDetails: false,
      events,
      ownerBudgetMs: 10_000,
      ownUid: 501,
      isRoot,
      darwin: 26,
      nowMs: () => performance.now(),
      wallMs: () => 1_800_000_000_000,
      readAddresses: () => ({}),
    });
  };

  test('give the sockets of macOS 27 with their owners', async () => {
    const { sockets, degradations } = await (await open()).read();
    const all = [...sockets.values()];
    expect(all.filter(({ protocol }) => protocol === 'tcp')).toHaveLength(89);
    expect(all.filter(({ state }) => state === 'LISTEN')).toHaveLength(29);
    // Descriptors of processes of other users are hidden: their sockets have the last program that used them.
    expect(all.find(({ local }) => local.port === 53_951)).toMatchObject({
      uid: 501,
      user: 'ada',
      owners: [
        {
          knowledge: 'exact',
          pid: 17_026,
          process: 'fake-17026',
          command: 'fake --serve all day',
          exe: '/Applications/Fake.app/Contents/MacOS/fake-17026',
          user: 'ada',
          startedAtMs: 1_700_017_026_250,
        },
      ],
    });
    expect(all.find(({ local }) => local.port === 22)).toMatchObject({
      owners: [{ knowledge: 'inherited', pid: 63_574, process: 'fake-63574', user: 'root' }],
    });
    expect(
      all.filter(({ owners }) => owners.some(({ knowledge }) => knowledge === 'exact')).length,
    ).toBeGreaterThan(40);
    expect(degradations.map(({ text }) => text)).toEqual([
      expect.stringMatching(
        /^the program of \d+ sockets is the last one that used them: run with sudo/,
      ) as string,
    ]);
  });

  test('give link-local addresses with the name of the interface', async () => {
    const { sockets } = await (await open()).read();
    expect([...sockets.values()].map(({ local }) => local.address)).toContain('fe80::4%utun20');
  });

  test('say in words that macOS withholds sockets', async () => {
    const { sockets, degradations } = await (await open({}, 'tcp-pcblist_n-macos27-withheld.bin')).read();
    expect([...sockets.values()].map(({ protocol }) => protocol)).toEqual(['udp']);
    expect(degradations.map(({ text }) => text)).toContain(
      'macOS withholds 100 sockets from netpane: sudo may show more',
    );
  });

  test('a table that grows between the question for its size and the reading is read again', async () => {
    const { sockets } = await (await open({ growing: 3 })).read();
    expect(sockets.size).toBe(90);
  });

  test('a table that grows each time is given up after four tries, and the last sockets stay', async () => {
    const source = await open();
    await source.read();
    const folder = newFolder();
    copyFileSync('fixtures/macos/tcp-pcblist_n-macos27-arm64.bin', `${folder}/${TCP}`);
    fakeOpen(folder, 1000, 0);
    const { sockets, degradations } = await source.read();
    expect(sockets.size).toBe(90);
    expect(degradations[0]?.text).toBe(
      `sockets could not be read (${TCP} grew during each of 4 tries; ${UDP}: ENOENT): the previous ones are shown`,
    );
  });

  test('report a closed socket of macOS 27, and that others were lost', async () => {
    const closed = closeMessage({
      protocol: 'tcp',
      local: ['192.0.2.4', 53_951],
      remote: ['192.0.2.3', 443],
      rxBytes: 2 ** 33,
    });
    const source = await open({ events: true, closed });
    const { sockets } = await source.read();
    const [id] = [...sockets].find(([, { local }]) => local.port === 53_951) ?? [];
    expect(source.facilities().closeMessages).toBe(true);
    expect(source.events?.drain()).toMatchObject([
      {
        type: 'ended',
        socket: { id, traffic: { rxBytes: 2 ** 33 }, owners: [{ knowledge: 'exact', pid: 17_026 }] },
      },
      { type: 'gap' },
    ]);
    expect(source.events?.drain()).toEqual([]);
    source.close();
  });

  test('a refused call is an error at the first poll', async () => {
    const source = await open({ denied: constants.errno.EPERM });
    await expect(source.read()).rejects.toThrow(`cannot read the sockets of this machine: ${TCP}: EPERM`);
  });

  test('a refused call later is a notice', async () => {
    const source = await open();
    await source.read();
    fakeOpen('/nowhere', 0, constants.errno.EPERM);
    const { sockets, degradations } = await source.read();
    expect(sockets.size).toBe(90);
    expect(degradations.map(({ text }) => text)).toContain(
      `sockets could not be read (${TCP}: EPERM; ${UDP}: EPERM): the previous ones are shown`,
    );
  });

  test('a library without the calls makes the source unavailable', async () => {
    await expect(LibSystem.load('/nowhere/libSystem.dylib')).rejects.toThrow(
      'this system lacks a call that is needed: ',
    );
  });
});
