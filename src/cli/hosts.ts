import { lookup } from 'node:dns/promises';
import { type HostAnswer, type Lookups, NO_LOOKUPS, withHosts } from '../store/lookups.ts';

/** Messages by error code of the system's resolver, getaddrinfo(3). */
const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'unknown host',
  ENODATA: 'the host has no address',
  EAI_AGAIN: 'no answer from a name server',
};

/**
 * Resolves a host name as programs of this machine do, hosts file included. The lookup runs in Node's thread pool.
 * Never rejects.
 */
export async function resolveHost(name: string): Promise<HostAnswer> {
  try {
    const found = await lookup(name, { all: true });
    return { type: 'addresses', addresses: [...new Set(found.map(({ address }) => address))] };
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    return { type: 'failed', why: REASONS[code] ?? message };
  }
}

/**
 * Resolves all these host names before a command starts.
 * @throws Error, for the user, that names a host which cannot be resolved
 */
export async function resolveHosts(names: readonly string[]): Promise<Lookups> {
  const answers = await Promise.all(names.map(async (name) => [name, await resolveHost(name)] as const));
  for (const [name, answer] of answers)
    if (answer.type === 'failed') throw new Error(`@${name}: ${answer.why}`);
  return withHosts(NO_LOOKUPS, answers);
}
