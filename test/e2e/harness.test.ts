// Tests of the helpers Terminal and Herd, which the end-to-end tests rely on.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually, Herd, type HerdSocket, settled } from '../helpers/herd.ts';
import { kernelSockets } from '../helpers/kernel-sockets.ts';
import { renderSvg } from '../helpers/svg.ts';
import { Terminal } from '../helpers/terminal.ts';

const size = { cols: 60, rows: 12 };
const isLinux = process.platform === 'linux';
const onLinux = isLinux ? '' : ' (skipped: it needs /proc of Linux)';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(cleanUps.splice(0).map((cleanUp) => cleanUp()));
});

/** Runs a script of sh, which ends with the test: its screen and modes stay until then. */
function sh(script: string): Terminal {
  const terminal = Terminal.start({ ...size, command: 'sh', args: ['-c', `${script}\nexec cat`] });
  cleanUps.push(() => terminal.close());
  return terminal;
}

async function shell(): Promise<Terminal> {
  const terminal = await Terminal.shell(size);
  cleanUps.push(() => terminal.close());
  return terminal;
}

function newHerd(): Herd {
  const herd = new Herd();
  cleanUps.push(() => herd.close());
  return herd;
}

/** The inodes of the sockets that a process holds. */
const inodesOf = (pid: number) =>
  readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? [];
    return inode === undefined ? [] : [Number(inode)];
  });

function expectOwned(pid: number, sockets: readonly HerdSocket[]): void {
  const held = inodesOf(pid);
  expect(sockets.filter((socket) => socket.pid !== pid || !held.includes(socket.inode))).toEqual([]);
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('terminal', () => {
  test('until waits for the end of a frame that has begun', async () => {
    const terminal = sh(`printf '\\033[?1049h\\0337first'; read -r it; printf 'second\\0338'`);
    await terminal.until('its first half', () => {
      const isThere = terminal.text().includes('first');
      if (isThere) terminal.write('\r');
      return isThere;
    });
    expect(terminal.text()).toContain('second');
  });

  test('cells have the colours and attributes with which they were written', async () => {
    const terminal = sh(
      `printf '\\033[1;31mA\\033[0;38;5;208;44mB\\033[0;7;4mC\\033[0;38;2;1;2;255mD\\033[0mE\\033[2mF\\033[0m漢'`,
    );
    await terminal.until('the text', (t) => t.text() === `ABCDEF漢${'\n'.repeat(size.rows - 1)}`);
    const plain = { fg: undefined, bg: undefined, bold: false, dim: false, underline: false, inverse: false };
    expect(terminal.cell(0, 0)).toMatchObject({ ...plain, text: 'A', fg: 1, bold: true });
    expect(terminal.cell(1, 0)).toMatchObject({ ...plain, text: 'B', fg: 208, bg: 4 });
    expect(terminal.cell(2, 0)).toMatchObject({ ...plain, text: 'C', inverse: true, underline: true });
    expect(terminal.cell(3, 0)).toMatchObject({ ...plain, text: 'D', fg: '#0102ff' });
    expect(terminal.cell(4, 0)).toMatchObject({ ...plain, text: 'E' });
    expect(terminal.cell(5, 0)).toMatchObject({ ...plain, text: 'F', dim: true });
    expect(terminal.cell(6, 0)).toMatchObject({ text: '漢', width: 2 });
    expect(terminal.cell(7, 0)).toMatchObject({ text: '', width: 0 });
    expect(() => terminal.cell(0, size.rows)).toThrow(RangeError);
  });

  test('until returns the value of the condition, or rejects with its name and the screen', async () => {
    const terminal = sh('echo all that there is');
    expect(await terminal.until('a number', (t) => /that/.exec(t.text())?.index)).toBe(4);
    const failure = await terminal.until('another screen', () => false, { timeoutMs: 1 }).catch(String);
    expect(failure).toContain('another screen');
    expect(failure).toContain('all that there is');
  });

  test('exited has the exit code, and the screen has all output', async () => {
    const terminal = Terminal.start({ ...size, command: 'sh', args: ['-c', 'echo goodbye; exit 7'] });
    expect(await terminal.exited).toEqual({ exitCode: 7, signal: 0 });
    expect(await terminal.until('the output', (t) => t.rows()[0])).toBe('goodbye');
    expect(terminal.received().toString()).toBe('goodbye\r\n');
    expect(terminal.bytesWritten).toBe('goodbye\r\n'.length);
    await terminal.close();
    await terminal.close();
  });

  test('ttyModes shows whether the line is raw', async () => {
    const terminal = sh('read line; stty raw -echo; echo raw; head -c 1 >/dev/null; stty sane; echo cooked');
    const before = terminal.ttyModes();
    expect(before).toMatchObject({ icanon: true, echo: true, isig: true, opost: true });
    terminal.press('enter');
    await terminal.until('raw', (t) => t.text().includes('raw'));
    expect(terminal.ttyModes()).toMatchObject({ icanon: false, echo: false, isig: false, opost: false });
    terminal.write('x');
    await terminal.until('cooked', (t) => t.text().includes('cooked'));
    expect(terminal.ttyModes()).toMatchObject({ icanon: true, echo: true, isig: true, opost: true });
  });

  test('modes shows each mode as set, and as restored', async () => {
    const set = '\\033[?1049h\\033[?25l\\033[?1003h\\033[?1006h\\033[?1h\\033=\\033[?2004h\\033[?1004h';
    const more = '\\033[4h\\033[?6h\\033[?7l\\033[2;5r\\033(0\\033[1;45m';
    const reset = '\\033[0m\\033(B\\033[r\\033[?7h\\033[?6l\\033[4l\\033[?1004l\\033[?2004l\\033>\\033[?1l';
    const rest = '\\033[?1006l\\033[?1003l\\033[?25h\\033[?1049l';
    const terminal = await shell();
    const before = terminal.modes();
    expect(before).toMatchObject({
      alternateScreen: false,
      mouse: 'none',
      cursorHidden: false,
      plainStyle: true,
    });
    await terminal.run(`printf '${set}${more}'; read line; printf '${reset}${rest}'`);
    const during = await terminal.until('the modes', (t) => !t.modes().plainStyle && t.modes());
    expect(during).toEqual({
      alternateScreen: true,
      mouse: 'any',
      mouseEncoding: 'SGR',
      cursorHidden: true,
      applicationCursorKeys: true,
      applicationKeypad: true,
      bracketedPaste: true,
      focusReports: true,
      insert: true,
      origin: true,
      wraparound: false,
      plainStyle: false,
      plainCharset: false,
      fullScrollRegion: false,
    });
    terminal.press('enter');
    await terminal.until('the prompt', (t) => t.atPrompt());
    expect(terminal.modes()).toEqual(before);
  });

  test('keys, clicks and the wheel send the bytes of a terminal', async () => {
    const terminal = sh('stty raw -echo; echo ready; cat -v');
    await terminal.until('cat', (t) => t.text().includes('ready'));
    terminal.press('up');
    terminal.press('ctrl-c');
    terminal.click(4, 9);
    terminal.wheel(0, 0, 'down');
    await terminal.until('the keys', (t) => t.text().includes('^[[A^C^[[<0;5;10M^[[<0;5;10m^[[<65;1;1M'));
  });

  test('resize sends the program the new size', async () => {
    const script = `process.stdout.on('resize', () => console.log(process.stdout.getWindowSize().join()));
      process.stdin.resume(); console.log('ready')`;
    const terminal = Terminal.start({ ...size, command: process.execPath, args: ['-e', script] });
    cleanUps.push(() => terminal.close());
    await terminal.until('node', (t) => t.text().includes('ready'));
    terminal.resize(50, 9);
    await terminal.until('the new size', (t) => t.text().includes('50,9'));
    expect(terminal.rows()).toHaveLength(9);
  });

  test.skipIf(!isLinux)(`close ends jobs that are stopped or ignore SIGHUP${onLinux}`, async () => {
    const terminal = await shell();
    await terminal.run(`sh -c 'trap "" HUP; echo pid-$$; while :; do read line; done'`);
    const deaf = await terminal.until('a job', (t) => /^pid-(\d+)/m.exec(t.text())?.[1]);
    terminal.press('ctrl-z');
    await terminal.until('the prompt', (t) => t.atPrompt());
    expect(isAlive(Number(deaf))).toBe(true);
    await terminal.close();
    expect(isAlive(terminal.pid)).toBe(false);
    // It may remain as a zombie until init reads its status.
    expect(readFileIfThere(`/proc/${deaf}/stat`)).not.toMatch(/\) [RSDTt] /);
  });

  test('renderSvg draws colours and columns, and escapes markup', async () => {
    const terminal = sh(`printf '\\033[32m<a&b>\\033[0m    \\033[7m x \\033[0m'`);
    await terminal.until('the text', (t) => t.text().includes('x'));
    const svg = renderSvg(terminal.cells());
    expect(svg).toMatch(/<text x="18" y="\d+" textLength="42"[^>]* fill="#8cc570">&#60;a&#38;b&#62;<\/text>/);
    expect(svg).toMatch(/<rect x="93.6" y="\d+" width="25.2" height="\d+" fill="#d5d9e0"\/>/);
    expect(svg).toMatch(/<text x="102" y="\d+" textLength="8.4"[^>]* fill="#16181d">x<\/text>/);
  });
});

function readFileIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

describe.skipIf(!isLinux)(`herd${onLinux}`, () => {
  test('listeners, connections and UDP sockets have the endpoints and owners that the herd reports', async () => {
    const herd = newHerd();
    const [server, client] = await Promise.all([herd.spawn(), herd.spawn()]);
    const count = 50;

    const v4 = await server.listen();
    const v6 = await server.listen({ host: '::1' });
    const dual = await server.listen({ host: '::' });
    expect([v4, v6, dual].map(({ protocol, local }) => [protocol, local.address])).toEqual([
      ['tcp', '127.0.0.1'],
      ['tcp6', '::1'],
      ['tcp6', '::'],
    ]);
    const plain = await client.connect(server, v4, { count });
    const six = await client.connect(server, v6, { count });
    const mapped = await client.connect(server, dual, { count, host: '127.0.0.1', from: '127.0.9.1' });
    expect(mapped.near[0]).toMatchObject({ protocol: 'tcp', local: { address: '127.0.9.1' } });
    expect(mapped.far[0]).toMatchObject({ protocol: 'tcp6', local: { address: '::ffff:127.0.0.1' } });
    for (const { near, far } of [plain, six, mapped]) {
      expect(near).toHaveLength(count);
      expect(far.map(({ remote }) => remote?.port)).toEqual(near.map(({ local }) => local.port));
    }

    const udp = await Promise.all(
      Array.from({ length: count }, (_, index) => client.udp({ host: index % 2 ? '::1' : '127.0.0.1' })),
    );
    const [even, odd] = udp;
    const connected = await Promise.all([
      server.udp({ to: even?.local ?? v4.local }),
      server.udp({ host: '::1', to: odd?.local ?? v6.local }),
    ]);
    expect(connected.map(({ protocol, remote }) => [protocol, remote])).toEqual([
      ['udp', even?.local],
      ['udp6', odd?.local],
    ]);

    expectOwned(server.pid, [v4, v6, dual, ...plain.far, ...six.far, ...mapped.far, ...connected]);
    expectOwned(client.pid, [...plain.near, ...six.near, ...mapped.near, ...udp]);
  });

  test('halfClose and leaveInTimeWait lead to the states of the kernel', async () => {
    const herd = newHerd();
    const both = await herd.spawn();
    const listener = await both.listen();
    const halves = await both.connect(both, listener, { count: 50 });
    await both.send(halves.near, 1_000);
    await both.halfClose(halves.near);
    await settled(halves.far, 'CLOSE_WAIT');
    expectOwned(both.pid, [...halves.near, ...halves.far]);

    const ended = await both.connect(both, listener, { count: 50 });
    await both.leaveInTimeWait(both, ended);
    const left = await settled(ended.near, 'TIME_WAIT', { owned: false });
    expect(left.every(({ inode }) => inode === 0)).toBe(true);

    await both.close([listener]);
    expect(inodesOf(both.pid)).not.toContain(listener.inode);
  });

  test('share gives a listener to processes that end with their parent', async () => {
    const herd = newHerd();
    const parent = await herd.spawn({ title: 'nginx: master' });
    const listener = await parent.listen();
    const workers = [await parent.share(listener, { title: 'nginx: worker' }), await parent.share(listener)];
    for (const pid of [parent.pid, ...workers]) expect(inodesOf(pid)).toContain(listener.inode);
    expect(readFileSync(`/proc/${workers[0]}/comm`, 'utf8')).toBe('nginx: worker\n');
    await herd.close();
    expect([parent.pid, ...workers].filter(isAlive)).toEqual([]);
  });

  test('a process name may hold any bytes', async () => {
    const herd = newHerd();
    const title = '\x1b[31m{red-fg}\n\u009b\u202e) R 1 (\t\u{1f480} and more than a comm can hold'.repeat(5);
    const hostile = await herd.spawn({ title });
    const listener = await hostile.listen();
    expectOwned(hostile.pid, [listener]);
    const comm = readFileSync(`/proc/${hostile.pid}/comm`);
    expect(comm).toEqual(Buffer.concat([Buffer.from(title).subarray(0, 15), Buffer.from('\n')]));
    expect(readFileSync(`/proc/${hostile.pid}/cmdline`, 'utf8')).toContain(title);

    const bytes = Buffer.from([0x9b, 0x33, 0x31, 0x6d, 0xff, 0x0a, 0x07, 0x7f]);
    const raw = await herd.spawn({ comm: bytes });
    expect(readFileSync(`/proc/${raw.pid}/comm`)).toEqual(Buffer.concat([bytes, Buffer.from('\n')]));
  });

  test('an order that fails rejects with its error', async () => {
    const process = await newHerd().spawn();
    const listener = await process.listen();
    await expect(process.listen({ port: listener.local.port })).rejects.toThrow('EADDRINUSE');
    await process.close([listener]);
    await expect(process.close([listener])).rejects.toThrow('no socket');
  });

  test('close leaves no process and no owned socket', async () => {
    const herd = newHerd();
    const one = await herd.spawn();
    const listener = await one.listen();
    await herd.close();
    expect(isAlive(one.pid)).toBe(false);
    await eventually(
      () => 'the listener to go',
      () => !kernelSockets().some(({ inode }) => inode === listener.inode),
    );
    await herd.close();
  });
});
