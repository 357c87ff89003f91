// Probes, once for all end-to-end tests, what this machine allows, and copies the program (`globalSetup` of vitest).
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { root } from '../helpers/herd.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The best source works here: it is Linux, and koffi is installed. */
    hasNetlink: boolean;
    /** Why no test can make a network namespace that other programs enter; undefined if tests can. */
    noNetwork: string | undefined;
    /** The command and first arguments that give a program its own network namespace; empty where that is forbidden. */
    unshare: string[];
    /**
     * A folder with a copy of the program and of the test programs that run beside it, at the same paths. Every user can
     * read it: the checkout may be in a folder of root. No test changes it.
     */
    copy: string;
  }
}

const isRoot = process.geteuid?.() === 0;

const succeeds = (command: string, ...args: string[]) => spawnSync(command, args).status === 0;

function whyNoNetwork(): string | undefined {
  if (!isRoot) return 'only root can make a network namespace that others enter';
  if (!succeeds('unshare', '--net', 'true')) return 'no network namespace can be made here';
  if (!succeeds('ip', '-V')) return 'there is no ip';
  return succeeds('nsenter', '--net=/proc/self/ns/net', '-S', '0', '-G', '0', 'true')
    ? undefined
    : 'there is no nsenter that changes the user';
}

function newCopy(): string {
  const folder = mkdtempSync(join(tmpdir(), 'netpane-'));
  // The packages that a command without a screen needs.
  const packages = ['koffi', '@koromix'].map((name) => `node_modules/${name}`);
  const programs = ['short-lived.cjs', 'fault.cjs'].map((name) => `test/helpers/${name}`);
  for (const part of ['dist', 'package.json', ...packages, ...programs])
    if (existsSync(join(root, part))) cpSync(join(root, part), join(folder, part), { recursive: true });
  chmodSync(folder, 0o755);
  return folder;
}

/** @returns a function that removes the copy */
export default function probe({ provide }: TestProject): () => void {
  const program = join(root, 'dist', 'netpane.js');
  if (!existsSync(program)) {
    throw new Error('there is no dist/netpane.js to test: build it with `node .config/prepare.mjs`');
  }
  const words = isRoot ? ['unshare', '--net'] : ['unshare', '--map-root-user', '--net'];
  provide('hasNetlink', succeeds(process.execPath, program, 'ls', '--source', 'sock_diag', '--port', '1'));
  provide('noNetwork', whyNoNetwork());
  provide('unshare', succeeds('unshare', ...words.slice(1), 'true') ? words : []);
  const copy = newCopy();
  provide('copy', copy);
  return () => rmSync(copy, { recursive: true });
}
