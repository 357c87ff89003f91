import { expect, test } from 'vitest';
import { actionsOn } from '../../src/cli/host-actions.ts';
import { LOCAL_HOST } from '../../src/model/host.ts';

test('acts on this host, and on no other', async () => {
  const usage = await actionsOn(LOCAL_HOST).usageOf(process.pid);
  expect(usage).toMatchObject({ pid: process.pid });
  expect(() => actionsOn('web1')).toThrow('no actions on host web1');
});
