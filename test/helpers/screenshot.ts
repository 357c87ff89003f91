// Draws the pictures of the README and of docs/: the real program, with test processes that look like a small server.
// `tour.svg` is animated.
// Usage: screenshot.js FOLDER
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Resvg } from '@resvg/resvg-js';
import { Herd, type HerdProcess, type HerdSocket, root } from './herd.ts';
import { type Frame, renderAnimation, renderSvg, type Scheme } from './svg.ts';
import { Terminal } from './terminal.ts';
import type { KeyName } from './terminal-keys.ts';

interface Picture {
  readonly name: string;
  readonly cols: number;
  readonly rows: number;
  readonly args?: readonly string[];
  readonly scheme?: Scheme;
  /** Keys pressed once the programs are on the screen; text after `=` is typed. */
  readonly keys?: readonly (KeyName | `=${string}`)[];
  /** Patterns that the screen then has to match. */
  readonly shows: readonly RegExp[];
}

// Marks of sockets that have just opened, changed and closed.
const OPENED = /^\s*\+ /m;
const CHANGED = /^\s*~ /m;
const CLOSED = /^\s*- /m;

/** The throughput in the header, in its long or short form. */
const FLOWING = /↓ *\d+(?:k| kB\/s)/;

const PICTURES: readonly Picture[] = [
  { name: 'screen', cols: 120, rows: 36, keys: ['down', 'down'], shows: [OPENED, CHANGED, CLOSED] },
  {
    name: 'wide',
    cols: 200,
    rows: 50,
    keys: ['enter', '=e', '=i', 'down', 'down'],
    shows: [/TRAFFIC/, /EVENTS/, /DETAILS/, /lived/, /kB\/s/],
  },
  {
    name: 'groups',
    cols: 80,
    rows: 24,
    keys: ['=o', 'down', 'down', 'down', '=z'],
    shows: [/by process/, FLOWING],
  },
  { name: 'query', cols: 80, rows: 24, keys: ['=/', '=rate>1k state:', 'tab'], shows: [FLOWING, /listen/] },
  { name: 'small', cols: 40, rows: 10, shows: [/postgres|nginx/] },
  { name: 'light', cols: 80, rows: 16, scheme: 'light', shows: [OPENED, CHANGED] },
  {
    name: 'high-contrast',
    cols: 80,
    rows: 16,
    args: ['--palette', 'high-contrast'],
    shows: [OPENED, CHANGED],
  },
  { name: 'colour-blind', cols: 80, rows: 16, args: ['--palette', 'colour-blind'], shows: [OPENED, CHANGED] },
  { name: 'mono', cols: 80, rows: 16, args: ['--palette', 'mono'], shows: [OPENED, CHANGED] },
];

/** Addresses for documentation (RFC 5737), all on the loopback interface of the namespace of the pictures. */
const HERE = '192.0.2.10';
const PEERS = ['198.51.100.7', '198.51.100.24', '203.0.113.45'] as const;
const networkSetup = [
  'hostname demo',
  'ip link set lo up',
  `ip addr add ${HERE}/32 dev lo`,
  ...PEERS.flatMap((peer) => [
    `ip addr add ${peer}/32 dev lo`,
    // Connections to this peer have HERE as their local address.
    `ip route replace local ${peer} dev lo table local src ${HERE}`,
  ]),
].join(' && ');

const fontFiles = [
  import.meta.resolve('dejavu-fonts-ttf/ttf/DejaVuSansMono.ttf'),
  import.meta.resolve('dejavu-fonts-ttf/ttf/DejaVuSansMono-Bold.ttf'),
].map((url) => fileURLToPath(url));

/** Converts SVG to PNG with the fonts of the project, so that the pictures are the same on every machine. */
const toPng = (svg: string): Buffer =>
  new Resvg(svg, {
    font: { fontFiles, loadSystemFonts: false, defaultFontFamily: 'DejaVu Sans Mono' },
    fitTo: { mode: 'zoom', value: 1.5 },
  })
    .render()
    .asPng();

interface Processes {
  readonly curl: HerdProcess;
  readonly psql: HerdProcess;
  readonly nginx: HerdProcess;
  readonly postgres: HerdProcess;
  readonly web: HerdSocket;
  readonly database: HerdSocket;
}

/** Starts processes that look like those of a small server. */
async function startProcesses(herd: Herd): Promise<Processes> {
  const start = (title: string) => herd.spawn({ title });
  const sshd = await start('sshd');
  const ssh = await start('ssh');
  const nginx = await start('nginx');
  const node = await start('node');
  const postgres = await start('postgres');
  const redis = await start('redis-server');
  const curl = await start('curl');
  const psql = await start('psql');
  const resolver = await start('systemd-resolve');
  const backup = await start('restic');
  const shell = await sshd.listen({ host: '::', port: 22 });
  await resolver.udp({ host: '127.0.0.53', port: 53 });
  const web = await nginx.listen({ host: '0.0.0.0', port: 443 });
  await nginx.share(web, { title: 'nginx' });
  const api = await node.listen({ port: 8080 });
  const database = await postgres.listen({ host: '127.0.1.10', port: 5432 });
  const cache = await redis.listen({ host: '127.0.1.20', port: 6379 });
  const store = await backup.listen({ host: PEERS[1], port: 8443 });
  const busy = await node.connect(postgres, database, { count: 4 });
  await node.connect(redis, cache, { count: 2 });
  await nginx.connect(node, api, { count: 2 });
  const [session] = (await ssh.connect(sshd, shell, { host: PEERS[2] })).near;
  const [upload] = (await node.connect(backup, store)).near;
  if (session) await ssh.pace(session, 300);
  if (upload) await node.pace(upload, 180_000);
  const [first, second] = busy.near;
  if (first) await node.pace(first, 24_000);
  if (second) await node.pace(second, 3_000);
  return { curl, psql, nginx, postgres, web, database };
}

async function draw(processes: Processes, picture: Picture, folder: string): Promise<void> {
  const { curl, psql, nginx, postgres, web, database } = processes;
  const home = mkdtempSync(join(tmpdir(), 'netpane-screenshot-'));
  const leaving = await psql.connect(postgres, database);
  const changing = await curl.connect(nginx, web, { host: PEERS[0] });
  const terminal = Terminal.start({
    command: process.execPath,
    args: ['dist/netpane.js', ...(picture.args ?? [])],
    cols: picture.cols,
    rows: picture.rows,
    cwd: root,
    env: { XDG_STATE_HOME: home },
  });
  try {
    await terminal.until('the programs', (t) => t.text().includes('nginx'));
    for (const key of picture.keys ?? []) {
      if (key.startsWith('=')) terminal.write(key.slice(1));
      else terminal.press(key as KeyName);
    }
    const [, opened] = await Promise.all([
      psql.close(leaving.near, { reset: true }),
      curl.connect(nginx, web, { host: PEERS[0], count: 2 }),
      curl.halfClose(changing.near),
    ]);
    await terminal.until('the content of the picture', (t) => picture.shows.every((it) => it.test(t.text())));
    writeFileSync(join(folder, `${picture.name}.png`), toPng(renderSvg(terminal.cells(), picture.scheme)));
    await curl.close([...changing.near, ...opened.near], { reset: true });
  } finally {
    await terminal.close();
    rmSync(home, { recursive: true, force: true });
  }
}

/** A step of the tour: what is typed, what the screen then has to show, and how long it stays. */
interface Step {
  readonly text?: string;
  readonly key?: KeyName;
  readonly shows: RegExp;
  readonly ms: number;
}

const TOUR: readonly Step[] = [
  { shows: /nginx/, ms: 3000 },
  { text: 'p', shows: /^port: /m, ms: 700 },
  { text: '443', shows: /^port: 443/m, ms: 700 },
  { key: 'enter', shows: /1?\d of \d+/, ms: 2500 },
  { key: 'enter', shows: /DETAILS/, ms: 3000 },
  { key: 'escape', shows: /^(?![^]*DETAILS)/, ms: 300 },
  { key: 'escape', shows: /\bnode\b/, ms: 1000 },
  { text: '4', shows: /exposed/, ms: 3000 },
  { text: '5', shows: /postgres/, ms: 3000 },
  { text: '1', shows: /\bnode\b/, ms: 500 },
  { text: '/', shows: /^\/ /m, ms: 500 },
  { text: 'rate>1k', shows: /rate>1k/, ms: 1500 },
  { key: 'enter', shows: /rate>1k/, ms: 1500 },
  { key: 'escape', shows: /1 all/, ms: 500 },
  { text: 'o', shows: /by process/, ms: 3500 },
];

/** Time between two frames of the tour, milliseconds. */
const FRAME_MS = 1000;

/** Records the tour as an animation, while connections open and close. */
async function drawTour(
  { curl, psql, nginx, postgres, web, database }: Processes,
  folder: string,
): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'netpane-screenshot-'));
  const terminal = Terminal.start({
    command: process.execPath,
    args: ['dist/netpane.js'],
    cols: 100,
    rows: 22,
    cwd: root,
    env: { XDG_STATE_HOME: home },
  });
  const frames: Frame[] = [];
  const rest = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  const traffic = async () => {
    const [one, two] = [
      await curl.connect(nginx, web, { host: PEERS[0], count: 2 }),
      await psql.connect(postgres, database),
    ];
    await rest(1200);
    await curl.close(one.near, { reset: true });
    await rest(800);
    await psql.close(two.near, { reset: true });
  };
  try {
    await terminal.until('the programs', (t) => t.text().includes('nginx'));
    const end = new AbortController();
    const load = (async () => {
      while (!end.signal.aborted) await traffic();
    })();
    for (const { text, key, shows, ms } of TOUR) {
      if (text !== undefined) terminal.write(text);
      if (key !== undefined) terminal.press(key);
      await terminal.until(`${text ?? key ?? 'the start'} of the tour`, (t) => shows.test(t.text()));
      for (let left = ms; left > 0; left -= FRAME_MS) {
        frames.push({ lines: terminal.cells(), ms: Math.min(left, FRAME_MS) });
        await rest(Math.min(left, FRAME_MS));
      }
    }
    end.abort();
    await load;
    writeFileSync(join(folder, 'tour.svg'), renderAnimation(frames));
  } finally {
    await terminal.close();
    rmSync(home, { recursive: true, force: true });
  }
}

const [, self = '', out, inside] = process.argv;
if (out === undefined) {
  process.stderr.write('usage: screenshot.js FOLDER\n');
  process.exitCode = 2;
} else if (inside === undefined) {
  // With a network namespace and a host name of its own, no socket and no name of this machine gets into a picture, and
  // every port is free.
  const script = `exec unshare --map-root-user --net --uts sh -c '${networkSetup} && exec "$@"' sh "$@"`;
  const again = [process.execPath, self, resolve(out), 'inside'];
  const { status } = spawnSync('sh', ['-c', script, 'sh', ...again], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} else {
  mkdirSync(out, { recursive: true });
  const herd = new Herd();
  try {
    const processes = await startProcesses(herd);
    for (const picture of PICTURES) await draw(processes, picture, out);
    await drawTour(processes, out);
  } finally {
    await herd.close();
  }
}
