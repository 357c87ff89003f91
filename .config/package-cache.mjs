// Shared by the scripts for other systems: commands, and packages of the npm registry in a cache folder.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Returns the path of a cache folder of netpane. */
export const cacheFolder = (name) =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), `netpane-${name}`);

/** Returns true if a command ends well. */
export const works = (command, ...args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** Runs a command, and ends this process if it fails. */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (status === 0) return;
  process.stderr.write(`netpane: ${command} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}\n`);
  process.exit(1);
}

/** Returns the folder of a package in a cache folder. Fetches it if it is not there; npm checks its hash. */
export function fetched(cache, name) {
  const folder = join(cache, name.replaceAll('/', '+'));
  if (existsSync(folder)) return join(folder, 'package');
  const unfinished = `${folder}.part`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  const { status, stdout } = spawnSync('npm', ['pack', '--silent', '--pack-destination', unfinished, name], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) {
    process.stderr.write(`netpane: ${name} could not be fetched\n`);
    process.exit(1);
  }
  run('tar', ['-xzf', join(unfinished, stdout.trim().split('\n').at(-1)), '-C', unfinished]);
  renameSync(unfinished, folder);
  return join(folder, 'package');
}
