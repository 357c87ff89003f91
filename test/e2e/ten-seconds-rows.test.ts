// Rows: both ends of a local connection, TIME_WAIT, history of rates.
import { describe, expect, test } from 'vitest';
import { isLinux, rowOf, selectedY, startNetpane } from './netpane.ts';
import { SCENE_SIZE, select, useScene } from './scene.ts';

describe.skipIf(!isLinux)('rows that explain themselves (skipped elsewhere: the herd needs Linux)', () => {
  const scene = useScene();

  test.each([
    [80, 24],
    [120, 40],
    [200, 50],
  ])(
    '9: both ends of a local connection name each other, and %% jumps between them, at %i×%i',
    async (cols, rows) => {
      const t = startNetpane({ args: ['--process', scene.name], cols, rows });
      await t.until('the scene', () => t.text().includes(`${SCENE_SIZE} of `));
      const { local, remote } = scene.connections.near[0] ?? {};
      if (!local || !remote) throw new Error('no connection');
      const here = { local, remote };
      const there = { local: remote, remote: local };
      expect(rowOf(t, here)?.remote).toMatch(`→ ${scene.name}-s`);
      expect(rowOf(t, there)?.remote).toMatch(`← ${scene.name}-c`);
      await select(t, here);
      t.write('%');
      await t.until('the other end', () => selectedY(t) === rowOf(t, there)?.y);
      t.write('%');
      await t.until('the first end', () => selectedY(t) === rowOf(t, here)?.y);
    },
  );
});
