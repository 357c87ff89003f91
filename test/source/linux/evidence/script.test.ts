import { expect, test } from 'vitest';
import { capabilityText } from '../../../../src/source/linux/evidence/process-lines.ts';
import { scriptOf } from '../../../../src/source/linux/evidence/script.ts';

test.each([
  ['/usr/bin/node', 'node --require ./a.js server.js --port 1', { kind: 'script', text: 'server.js' }],
  ['/usr/bin/python3.11', 'python3 -u -m http.server', { kind: 'module', text: 'http.server' }],
  ['/usr/bin/python3.11', 'python3 -c print(1)', { kind: 'code', text: '' }],
  [
    '/opt/java/bin/java',
    'java -Xmx1g -cp a.jar com.example.Main',
    { kind: 'class', text: 'com.example.Main' },
  ],
  ['/opt/java/bin/java', 'java -jar app.jar', { kind: 'jar', text: 'app.jar' }],
  ['/usr/bin/deno', 'deno run --allow-net main.ts', { kind: 'script', text: 'main.ts' }],
  ['/usr/bin/dash', '/bin/sh /usr/bin/x', { kind: 'script', text: '/usr/bin/x' }],
  ['/usr/bin/java', 'java -p mods -m app/com.example.Main', { kind: 'module', text: 'app/com.example.Main' }],
  ['/usr/bin/bash', 'bash -e -o pipefail deploy.sh', { kind: 'script', text: 'deploy.sh' }],
  ['/usr/bin/bash', 'bash -lc ls', { kind: 'code', text: '' }],
  ['/usr/bin/bash', 'bash -- -x.sh', { kind: 'script', text: '-x.sh' }],
  ['/usr/bin/bash', 'bash -s - x', undefined],
  ['/usr/bin/python3', 'python3 -I app.py', { kind: 'script', text: 'app.py' }],
  ['/usr/bin/python3', 'python3 -Im app', { kind: 'module', text: 'app' }],
  ['/usr/bin/perl', 'perl -MTime -lane print', { kind: 'code', text: '' }],
  ['/usr/bin/php8.2', 'php -S 0.0.0.0:80 router.php', { kind: 'script', text: 'router.php' }],
  ['/usr/bin/deno', 'deno eval 1', { kind: 'code', text: '' }],
  ['/usr/bin/node', 'node', undefined],
  ['/usr/bin/node', 'my-title ', undefined],
  ['/usr/sbin/nginx', 'nginx -c x', undefined],
])('%s runs %s', (exe, command, expected) => {
  expect(scriptOf(exe, command.split(' '))).toEqual(expected);
});

test.each([
  ['0000000000000000', 'none'],
  ['000001ffffffffff', 'all'],
  ['000001ffffffdfff', 'all but net_raw'],
  ['000000ffffffffff', 'all but checkpoint_restore'],
  ['0000000000000400', 'net_bind_service'],
  ['0000000000003000', 'net_admin net_raw'],
  ['', '?'],
  ['zz', '?'],
])('the capabilities %j are %s', (mask, text) => {
  expect(capabilityText(mask)).toBe(text);
});
