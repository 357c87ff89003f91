import { expect, test, vi } from 'vitest';
import { resolveHost, resolveHosts } from '../../src/cli/hosts.ts';
import { NO_LOOKUPS } from '../../src/store/lookups.ts';

const answers: Record<string, { address: string }[] | string> = {
  'a.example': [{ address: '192.0.2.1' }, { address: '2001:db8::1' }, { address: '192.0.2.1' }],
  'none.example': 'ENOTFOUND',
  'slow.example': 'EAI_AGAIN',
  'odd.example': 'EODD',
};

vi.mock('node:dns/promises', () => ({
  lookup: (name: string) => {
    const answer = answers[name] ?? 'ENOTFOUND';
    return typeof answer === 'string'
      ? Promise.reject(Object.assign(new Error(`${answer} ${name}`), { code: answer }))
      : Promise.resolve(answer);
  },
}));

test('returns the distinct addresses of a host', async () => {
  expect(await resolveHost('a.example')).toEqual({
    type: 'addresses',
    addresses: ['192.0.2.1', '2001:db8::1'],
  });
});

test.each([
  ['none.example', 'unknown host'],
  ['slow.example', 'no answer from a name server'],
  ['odd.example', 'EODD odd.example'],
])('reports why %s cannot be resolved: %s', async (name, why) => {
  expect(await resolveHost(name)).toEqual({ type: 'failed', why });
});

test('resolveHosts returns addresses by name, or rejects with the name that cannot be resolved', async () => {
  expect(await resolveHosts(['a.example'])).toEqual({
    ...NO_LOOKUPS,
    hosts: new Map([['a.example', { type: 'addresses', addresses: ['192.0.2.1', '2001:db8::1'] }]]),
  });
  await expect(resolveHosts(['a.example', 'none.example'])).rejects.toThrow('@none.example: unknown host');
});
