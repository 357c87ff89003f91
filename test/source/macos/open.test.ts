import { constants } from 'node:os';
import { afterEach, expect, test, vi } from 'vitest';
import { NettopProgram } from '../../../src/source/macos/nettop/program.ts';
import { openNettop, openPcblist, openWith } from '../../../src/source/macos/open.ts';
import { SourceUnavailable } from '../../../src/source/types.ts';
import { FakeMac } from '../../helpers/macos/fake-calls.ts';
import { NETTOP_OUTPUT } from '../../helpers/macos/nettop.ts';

const OPTIONS = { also: [], tcpDetails: false, ownerBudgetMs: 5 };

const platform = vi.spyOn(process, 'platform', 'get');
afterEach(() => {
  platform.mockReset();
});

test('the source opens if the list of TCP sockets can be read, also if there are none', async () => {
  const mac = new FakeMac();
  expect((await openWith(mac, OPTIONS).read()).sockets.size).toBe(0);
  mac.tcp = [{ generation: 1, tcp: { state: 1 } }];
  expect((await openWith(mac, OPTIONS).read()).sockets.size).toBe(1);
});

test('the source is unavailable if macOS withholds every socket', () => {
  const mac = Object.assign(new FakeMac(), { shape: { promised: 100 } });
  expect(() => openWith(mac, OPTIONS)).toThrow(
    new SourceUnavailable('macOS withholds all 100 TCP sockets from netpane'),
  );
});

test('the source opens if the few sockets that the kernel counts are being closed', async () => {
  const mac = Object.assign(new FakeMac(), { shape: { promised: 8 } });
  expect((await openWith(mac, OPTIONS).read()).sockets.size).toBe(0);
});

test('the source is unavailable if no row of the list can be read: macOS does not withhold these', () => {
  const mac = Object.assign(new FakeMac(), {
    tcp: [{ generation: 1, tcp: { state: 1 } }],
    shape: { hasShortSockets: true },
  });
  expect(() => openWith(mac, OPTIONS)).toThrow(
    new SourceUnavailable("no row of the kernel's list can be read: this macOS may have another layout"),
  );
});

test('the source is unavailable if the list is refused', () => {
  const mac = Object.assign(new FakeMac(), { tableErrno: constants.errno.EPERM });
  expect(() => openWith(mac, OPTIONS)).toThrow(new SourceUnavailable('net.inet.tcp.pcblist_n: EPERM'));
});

test('nettop is opened with what libproc lacks: there is no libSystem here', async () => {
  platform.mockReturnValue('darwin');
  const program = Object.assign(new NettopProgram(), { run: async () => NETTOP_OUTPUT });
  const { sockets, degradations } = await (await openNettop(OPTIONS, program)).read();
  expect(sockets.size).toBe(8);
  expect(degradations.map(({ code }) => code)).toEqual(['names-only']);
});

test('nettop is unavailable on another system', async () => {
  platform.mockReturnValue('freebsd');
  await expect(openNettop(OPTIONS)).rejects.toThrow(new SourceUnavailable('this is not macOS'));
});

test('the source is unavailable on another system', async () => {
  platform.mockReturnValue('freebsd');
  await expect(openPcblist(OPTIONS)).rejects.toThrow(new SourceUnavailable('this is not macOS'));
});
