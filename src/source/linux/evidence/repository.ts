import { dirname, join } from 'node:path';
import type { EvidenceLine } from '../../../model/evidence.ts';
import type { Files } from './files.ts';

/** Maximum number of folders searched: the working directory and those above it. */
const MAX_LEVELS = 40;

/** Returns the line about the git repository of a folder; none if it is in none. */
export async function repositoryLines(folder: string, files: Files): Promise<EvidenceLine[]> {
  let at = folder;
  for (let level = 0; level < MAX_LEVELS; level++) {
    const stats = await files.stat(join(at, '.git'), true);
    if (stats?.isDirectory()) return [await repositoryLine(at, files)];
    const above = dirname(at);
    if (above === at) break;
    at = above;
  }
  return [];
}

async function repositoryLine(root: string, files: Files): Promise<EvidenceLine> {
  const [head, config] = await Promise.all([
    files.text(join(root, '.git/HEAD'), 4096),
    files.text(join(root, '.git/config')),
  ]);
  const branch = head?.startsWith('ref: refs/heads/')
    ? head.slice('ref: refs/heads/'.length).trim()
    : undefined;
  const remote = config === undefined ? undefined : remoteIn(config);
  const words = [
    root,
    ...(branch === undefined ? [] : [`branch ${branch}`]),
    ...(remote === undefined ? [] : [`from ${remote}`]),
  ];
  return { label: 'repo', text: words.join(', '), from: join(root, '.git') };
}

/** Returns the URL of the remote `origin` in a git config, without user and password; undefined without one. */
export function remoteIn(config: string): string | undefined {
  let isOrigin = false;
  for (const line of config.split('\n')) {
    const text = line.trim();
    if (text.startsWith('[')) isOrigin = text === '[remote "origin"]';
    else if (isOrigin && text.startsWith('url'))
      return text
        .slice(text.indexOf('=') + 1)
        .trim()
        .replace(/^([\w.+-]+:\/\/)[^/]*@/, '$1');
  }
  return undefined;
}
