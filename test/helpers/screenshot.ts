// Draws the picture of the README: the real program among processes made up for it. `screenshot.js out.svg`
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Herd, root } from './herd.ts';
import { renderSvg } from './svg.ts';
import { Terminal } from './terminal.ts';

/** What is run, from the top folder of the project. */
const netpane = ['dist/netpane.js'];
/** Programs that are on the screen before anything happens. */
const herdNames = ['sshd', 'nginx', 'postgres', 'redis', 'curl'];
/** What the screen shows of sockets that have just opened, changed and closed. */
const marks = [/^\s*\+ /m, /^\s*~ /m, /^\s*- /m];

/** Draws the picture, in a network where nothing is but what this opens. */
async function draw(out: string): Promise<void> {
  const herd = new Herd();
  let terminal: Terminal | undefined;
  try {
    const start = (title: string) => herd.spawn({ title });
    const sshd = await start('sshd');
    const nginx = await start('nginx');
    const node = await start('node');
    const postgres = await start('postgres');
    const redis = await start('redis-server');
    const curl = await start('curl');
    const psql = await start('psql');
    const resolver = await start('systemd-resolve');
    await sshd.listen({ host: '::', port: 22 });
    await resolver.udp({ host: '127.0.0.53', port: 53 });
    const web = await nginx.listen({ host: '0.0.0.0', port: 443 });
    await nginx.share(web, { title: 'nginx' });
    const api = await node.listen({ port: 8080 });
    const database = await postgres.listen({ host: '127.0.1.10', port: 5432 });
    const cache = await redis.listen({ host: '127.0.1.20', port: 6379 });
    const busy = await node.connect(postgres, database, { count: 4 });
    await node.connect(redis, cache, { count: 2 });
    await nginx.connect(node, api, { count: 2 });
    const leaving = await psql.connect(postgres, database);
    const changing = await curl.connect(nginx, web);

    terminal = Terminal.start({ command: process.execPath, args: netpane, cols: 120, rows: 32, cwd: root });
    await terminal.until('the herd', (t) => herdNames.every((name) => t.text().includes(name)));
    await Promise.all([
      psql.close(leaving.near).then(() => postgres.close(leaving.far)),
      curl.halfClose(changing.near),
      curl.connect(nginx, web, { count: 2 }),
      node.send(busy.near, 300_000),
    ]);
    await terminal.until('the marks', (t) => marks.every((mark) => mark.test(t.text())));
    writeFileSync(out, renderSvg(terminal.cells()));
  } finally {
    await terminal?.close();
    await herd.close();
  }
}

const [, self = '', out, inside] = process.argv;
if (out === undefined) {
  process.stderr.write('usage: screenshot.js out.svg\n');
  process.exitCode = 2;
} else if (inside === undefined) {
  // A network and a host name of its own: no socket and no name of this machine gets into the picture, and
  // every port is free.
  const arranged = `hostname demo && ip link set lo up && exec "$@"`;
  const script = `exec unshare --map-root-user --net --uts sh -c '${arranged}' sh "$@"`;
  const again = [process.execPath, self, resolve(out), 'inside'];
  const { status } = spawnSync('sh', ['-c', script, 'sh', ...again], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} else {
  await draw(out);
}
