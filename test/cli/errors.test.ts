import { expect, test } from 'vitest';
import { shortageText } from '../../src/cli/errors.ts';

test('a lack of resources that caused an error has a remedy, too', () => {
  const cause = Object.assign(new Error('EMFILE: too many open files, open /proc'), { code: 'EMFILE' });
  const text =
    'too many open files: raise the limit (ulimit -n 1024) (EMFILE: too many open files, open /proc)';
  expect(shortageText(cause)).toBe(text);
  expect(shortageText(new Error('the sockets could not be read', { cause }))).toBe(text);
  expect(shortageText(new Error('no reason'))).toBeUndefined();
});
