import { lookup } from 'node:dns/promises';
import type { HostAnswer } from '../store/state.ts';

/** What the system's resolver answers, in words; getaddrinfo(3). */
const WHY: Readonly<Record<string, string>> = {
  ENOTFOUND: 'unknown host',
  ENODATA: 'the host has no address',
  EAI_AGAIN: 'no answer from a name server',
};

/**
 * The addresses of a host name as programs of this machine get them, hosts file included; asked for on a thread of Node's
 * own. Never rejects.
 */
export async function resolveHost(name: string): Promise<HostAnswer> {
  try {
    const found = await lookup(name, { all: true });
    return { type: 'addresses', addresses: [...new Set(found.map(({ address }) => address))] };
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    return { type: 'failed', why: WHY[code] ?? message };
  }
}

/**
 * The addresses of all these host names, for whoever cannot wait for them later.
 * @throws Error, in words, that names the one that has none
 */
export async function resolveHosts(names: readonly string[]): Promise<ReadonlyMap<string, HostAnswer>> {
  const answers = await Promise.all(names.map(async (name) => [name, await resolveHost(name)] as const));
  for (const [name, answer] of answers)
    if (answer.type === 'failed') throw new Error(`@${name}: ${answer.why}`);
  return new Map(answers);
}
