import { describe, expect, test } from 'vitest';
import { isInUnit, unitOf } from '../../../../src/source/linux/act/cgroup-unit.ts';

describe('the service of a process', () => {
  test.each([
    ['0::/system.slice/nginx.service\n', 'nginx.service', '/system.slice/nginx.service'],
    ['0::/system.slice/nginx.service/worker\n', 'nginx.service', '/system.slice/nginx.service'],
    ['5:cpu:/other\n1:name=systemd:/system.slice/db.service\n', 'db.service', '/system.slice/db.service'],
    [
      '0::/user.slice/user-1000.slice/user@1000.service/app.slice/web.service\n',
      'web.service',
      '/user.slice/user-1000.slice/user@1000.service/app.slice/web.service',
    ],
  ])('of %j is %s', (text, name, path) => {
    expect(unitOf(text)).toEqual({ name, path });
  });

  test.each([
    ['0::/user.slice/user-1000.slice/session-2.scope\n'],
    ['0::/user.slice/user-1000.slice/user@1000.service/init.scope\n'],
    ['5:cpu:/system.slice/nginx.service\n'],
    ['0::/\n'],
    ['0::\n'],
    [''],
  ])('is none in %j', (text) => {
    expect(unitOf(text)).toBeUndefined();
  });

  test('contains the processes below its cgroup, and none of a service with a longer name', () => {
    const unit = { name: 'a.service', path: '/system.slice/a.service' };
    expect(isInUnit('0::/system.slice/a.service\n', unit)).toBe(true);
    expect(isInUnit('0::/system.slice/a.service/b\n', unit)).toBe(true);
    expect(isInUnit('0::/system.slice/a.service.d\n', unit)).toBe(false);
    expect(isInUnit('', unit)).toBe(false);
  });
});
