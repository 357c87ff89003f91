import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeApp, TOP_ROW } from '../helpers/app.ts';
import { baseline, batch, socket } from '../helpers/fakes.ts';
import { TRAFFIC_BATCHES } from './traffic-scene.ts';

let app: FakeApp;
beforeEach(() => {
  app = new FakeApp(120, 40);
});
afterEach(() => app.close());

const ESC = '\x1b';

describe('traffic', () => {
  test('a tick without traffic writes nothing after the rates have dropped to 0', async () => {
    await app.take(...TRAFFIC_BATCHES);
    const quiet = (monotonicMs: number) => batch({ monotonicMs, source: 'sock_diag' });
    // The youngest row is older than the ages that are shown in seconds.
    await app.take(quiet(4500), quiet(9000), quiet(14_000));
    const bytes = app.bytesWritten;
    await app.take(quiet(15_000), quiet(16_000));
    expect(app.bytesWritten).toBe(bytes);
  });

  test('columns keep their positions whatever the numbers', async () => {
    const at = (rxBytes: number, txBytes: number) =>
      socket({ traffic: { rxBytes, txBytes, rttMicros: rxBytes % 1e6, recvQueue: rxBytes } });
    await app.take(baseline([at(0, 0)]));
    const titles = app.lines[TOP_ROW - 1];
    expect(titles).toContain('RX/S  TX/S   RTT');
    let [nowMs, bytes] = [0, 0];
    for (const more of [0, 7, 999, 1000, 99_999, 999_999, 1e9, 5e14]) {
      bytes += more;
      await app.take(batch({ monotonicMs: (nowMs += 1000), changed: [at(bytes, bytes)] }));
      expect(app.lines[TOP_ROW - 1]).toBe(titles);
    }
    expect(app.lines[TOP_ROW]).toContain('500T  500T');
  });

  test('a click on RX/S sorts by it, descending first, and shows the arrow', async () => {
    await app.take(...TRAFFIC_BATCHES);
    const { x, y } = app.find('RX/S');
    await app.click(x, y);
    expect(app.lines[TOP_ROW - 1]).toContain('RX/S▾');
    expect(app.lines[TOP_ROW]).toContain('curl');
    await app.click(x, y);
    expect(app.lines[TOP_ROW - 1]).toContain('RX/S▴');
    expect(app.lines[TOP_ROW]).not.toContain('curl');
  });

  test('the pane opens and closes and leaves nothing beside the details', async () => {
    await app.resize(200, 50);
    await app.take(...TRAFFIC_BATCHES);
    await app.press('i');
    expect(app.lineOf('INTERFACE')).toContain('PROGRAM');
    await app.press(ESC);
    expect(app.text).not.toContain('INTERFACE');
    await app.press('\r');
    const { x } = app.find('DETAILS');
    expect(app.lines.slice(TOP_ROW - 1, 48).every((line) => line.slice(x - 3, x).trim() === '')).toBe(true);
  });

  test('N offers the namespace of the selected row, and enter filters by it', async () => {
    await app.take(...TRAFFIC_BATCHES);
    const { x, y } = app.find('web');
    await app.click(x, y);
    await app.press('N', '\r');
    expect(app.text).toContain('/ ns:web');
    expect(app.text).toContain('2 of 11');
  });
});
