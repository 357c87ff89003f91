import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { crashText, shortageText } from '../../src/cli/errors.ts';
import { SourceFailed } from '../../src/source/types.ts';

test('a lack of resources that caused an error has a remedy, too', () => {
  const cause = Object.assign(new Error('EMFILE: too many open files, open /proc'), { code: 'EMFILE' });
  const text =
    'too many open files: raise the limit (ulimit -n 1024) (EMFILE: too many open files, open /proc)';
  expect(shortageText(cause)).toBe(text);
  expect(shortageText(new Error('the sockets could not be read', { cause }))).toBe(text);
  expect(shortageText(new Error('no reason'))).toBeUndefined();
});

test('sockets that cannot be read are one line, also after the error has passed between threads; a bug has its stack', async () => {
  const thrownByThread = async (statement: string) => {
    const worker = new Worker(statement, { eval: true });
    const [error] = (await once(worker, 'error')) as unknown[];
    return crashText(error);
  };
  const { message, code } = new SourceFailed('cannot read the sockets of this machine: EIO');
  expect(await thrownByThread(`throw Object.assign(new Error('${message}'), { code: '${code}' })`)).toBe(
    message,
  );
  expect(await thrownByThread(`throw new Error('a bug')`)).toMatch(
    /^unexpected error:\n[^]*\nError: a bug\n +at /,
  );
});
