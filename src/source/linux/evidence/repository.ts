import { dirname, join, resolve } from 'node:path';
import type { EvidenceLine } from '../../../model/evidence.ts';
import type { Files } from './files.ts';

/** Maximum number of folders searched: the working directory and those above it. */
const MAX_LEVELS = 40;

/** Maximum number of bytes read of a file of git that contains a path. */
const MAX_PATH = 4096;

/** Returns the line about the git repository that a folder is in; none if it is in none. */
export async function repositoryLines(folder: string, files: Files): Promise<EvidenceLine[]> {
  let at = folder;
  for (let level = 0; level < MAX_LEVELS; level++) {
    const stats = await files.stat(join(at, '.git'), true);
    const folders = stats?.isDirectory()
      ? { own: join(at, '.git'), shared: join(at, '.git') }
      : stats?.isFile() && (await linkedFolders(at, files));
    if (folders) return [await repositoryLine(at, folders, files)];
    const above = dirname(at);
    if (above === at) break;
    at = above;
  }
  return [];
}

/** The folders of git for a working tree. */
interface GitFolders {
  /** Has the branch of this working tree. */
  readonly own: string;
  /** Has the configuration of all working trees of the repository. */
  readonly shared: string;
}

/**
 * Returns the folders that the file `.git` of a submodule or a linked working tree leads to (gitrepository-layout(5));
 * undefined if it names none.
 */
async function linkedFolders(root: string, files: Files): Promise<GitFolders | undefined> {
  const link = await files.text(join(root, '.git'), MAX_PATH);
  if (!link?.startsWith('gitdir: ')) return undefined;
  const own = resolve(root, link.slice('gitdir: '.length).trimEnd());
  const shared = await files.text(join(own, 'commondir'), MAX_PATH);
  return { own, shared: shared === undefined ? own : resolve(own, shared.trimEnd()) };
}

async function repositoryLine(
  root: string,
  { own, shared }: GitFolders,
  files: Files,
): Promise<EvidenceLine> {
  const [head, config] = await Promise.all([
    files.text(join(own, 'HEAD'), MAX_PATH),
    files.text(join(shared, 'config')),
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
