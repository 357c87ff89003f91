import { afterEach, describe, expect, test, vi } from 'vitest';
import { openSource, requireSource } from '../../src/source/index.ts';

describe('on a system that is not Linux', () => {
  afterEach(() => vi.restoreAllMocks());

  const elsewhere = () => vi.spyOn(process, 'platform', 'get').mockReturnValue('darwin');

  test('the source is systeminformation', async () => {
    elsewhere();
    expect((await openSource(undefined)).name).toBe('systeminformation');
  });

  test('a source that cannot work there is refused, and it is said what to do', async () => {
    elsewhere();
    expect(() => requireSource('proc')).toThrow(
      "source 'proc' does not work on this machine; without --source",
    );
    await expect(openSource('proc')).rejects.toThrow("source 'proc'");
    expect(() => requireSource(undefined)).not.toThrow();
  });
});
