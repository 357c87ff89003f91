import { afterEach, expect, test } from 'vitest';
import { FakeApp } from '../helpers/app.ts';
import type { Batch } from '../../src/model/batch.ts';
import { baseline, batch, listener, socket } from '../helpers/fakes.ts';
import { BATCHES, LATER, SCENE } from '../helpers/scene.ts';
import { BRIEF_BATCHES } from './event-scene.ts';
import { TRAFFIC_BATCHES } from './traffic-scene.ts';

const SIZES = [
  [80, 24],
  [60, 15],
  [120, 40],
  [200, 50],
  [40, 10],
] as const;

const SCENES: Readonly<Record<string, (app: FakeApp) => Promise<unknown>>> = {
  'before-the-first-batch': (app) => app.shown(),
  empty: (app) => app.take(baseline([])),
  table: (app) => app.take(...BATCHES),
  'filter-typed': async (app) => (await app.take(...BATCHES)).press('/', 's', 's', 'h'),
  'filter-without-a-match': async (app) => (await app.take(...BATCHES)).press('/', 'z', 'z', '\r'),
  // A mistake in the middle, the cursor at the end.
  'query-mistake': async (app) =>
    (await app.take(...BATCHES)).press('/', ...Array.from('node port:htps or new')),
  // The second of several completions.
  'query-completed': async (app) =>
    (await app.take(...TRAFFIC_BATCHES)).press('/', ...Array.from('!process:'), '\t', '\t'),
  // Hide rule, host name and grouping at once: the query line is full.
  'query-host-resolved': async (app) => {
    await (
      await app.take(...BATCHES)
    ).press('h', 'y', '/', ...Array.from('@db.example.org or :22'), '\r', 'o');
    await app.answer('db.example.org', { type: 'addresses', addresses: ['203.0.113.80', '203.0.113.81'] });
  },
  // By process, the second group folded; the cursor on it.
  'groups-process': async (app) => (await app.take(...TRAFFIC_BATCHES)).press('o', '\x1b[B', '\x1b[B', 'z'),
  'groups-host-folded': async (app) => (await app.take(...TRAFFIC_BATCHES)).press('o', 'o', 'Z'),
  views: async (app) => {
    await (await app.take(...BATCHES)).press('/', ...Array.from('ssh or :22'), '\r', 'o', 'o');
    await app.press('v', 'a', ...Array.from('remote shells'), '\r', 'v', 'v', 'j');
  },
  'hide-rules': async (app) =>
    (await app.take(...BATCHES)).press('h', 'y', 'h', 'y', 'j', 'h', 'y', 'H', 'j'),
  'columns-list': async (app) => (await app.take(...TRAFFIC_BATCHES)).press('C', 'j', '+', 'j', ' '),
  'columns-chosen': async (app) => (await app.take(...TRAFFIC_BATCHES)).press('C', 'G', ' ', '<', '\x1b'),
  // Ten connections that a program does not close, and a listener with a full accept queue.
  diagnosis: (app) => app.take(...TROUBLE),
  // The second diagnosis, and the report about an absence.
  'diagnosis-shown': async (app) => {
    await app.take(...TROUBLE);
    app.nowMs = 14 * 60_000;
    await app.press('!', '!');
  },
  cost: async (app) => (await app.take(...TRAFFIC_BATCHES)).press('D'),
  'save-prompt': async (app) => (await app.take(...BATCHES)).press('w'),
  message: async (app) => (await app.take(...BATCHES)).press('y'),
  'port-prompt': async (app) => (await app.take(...BATCHES)).press('p'),
  'port-error': async (app) => (await app.take(...BATCHES)).press('p', 'h', 't', '\r'),
  paused: async (app) => (await (await app.take(...BATCHES)).press(' ')).take(LATER),
  frozen: async (app) => (await (await app.take(...BATCHES)).press('f')).take(LATER),
  details: async (app) => {
    app.usage = { pid: 0, cpuPercent: 12.5, memoryBytes: 48 * 1024 * 1024 };
    return (await app.take(...BATCHES)).press('/', ...Array.from('51512'), '\r', '\r');
  },
  events: async (app) => (await app.take(...BATCHES)).press('e'),
  'brief-table': (app) => app.take(...BRIEF_BATCHES),
  'brief-events': async (app) => (await app.take(...BRIEF_BATCHES)).press('e'),
  // Three events up, with the focus in the log.
  'brief-events-selected': async (app) =>
    (await app.take(...BRIEF_BATCHES)).press('e', '\t', '\x1b[A', '\x1b[A', '\x1b[A'),
  'brief-events-filtered': async (app) =>
    (await app.take(...BRIEF_BATCHES)).press('e', '/', ...Array.from('203.0.113.80'), '\r'),
  'brief-help': async (app) => (await app.take(...BRIEF_BATCHES)).press('?'),
  'hide-question': async (app) => (await app.take(...BATCHES)).press('h'),
  palette: async (app) => (await app.take(...BATCHES)).press(':'),
  'palette-typed': async (app) => (await app.take(...BATCHES)).press(':', ...Array.from('fi po'), '\x1b[B'),
  'palette-without-a-match': async (app) => (await app.take(...BATCHES)).press(':', ...Array.from('zzz')),
  'help-searched': async (app) =>
    (await app.take(...BATCHES)).press('?', '/', ...Array.from('port'), '\x1b[B'),
  help: async (app) => (await app.take(...BATCHES)).press('?'),
  'help-at-its-end': async (app) => (await app.take(...BATCHES)).press('?', 'G'),
  'service-names': async (app) => (await app.take(...BATCHES)).press('n'),
  'traffic-table': (app) => app.take(...TRAFFIC_BATCHES),
  listening: async (app) => (await app.take(...TRAFFIC_BATCHES)).press('2'),
  talkers: async (app) => (await app.take(...TRAFFIC_BATCHES)).press('5'),
  'traffic-baseline': (app) => app.take(...TRAFFIC_BATCHES.slice(0, 1)),
  // A click on the title, at the widths that have it: most traffic first.
  'traffic-sorted': async (app) => {
    await app.take(...TRAFFIC_BATCHES);
    if (!app.text.includes('RX/S')) return;
    const { x, y } = app.find('RX/S');
    await app.click(x, y);
  },
  'traffic-pane': async (app) => (await app.take(...TRAFFIC_BATCHES)).press('i'),
  'traffic-not-supported': async (app) => (await app.take(...BATCHES)).press('i'),
  'traffic-details': async (app) =>
    (await app.take(...TRAFFIC_BATCHES)).press('/', ...Array.from('51512'), '\r', '\r'),
  'traffic-details-of-a-listener': async (app) =>
    (await app.take(...TRAFFIC_BATCHES)).press('/', ...Array.from(':8000'), '\r', '\r'),
  'traffic-graph': async (app) => {
    await app.take(...TRAFFIC_BATCHES);
    await app.press('M');
    // The package is loaded when the strip is first shown.
    await import('blessed-contrib/lib/widget/sparkline.js');
    await app.shown();
  },
  'namespace-prompt': async (app) =>
    (await app.take(...TRAFFIC_BATCHES)).press('/', ...Array.from('web'), '\r', 'N'),
};

const leaked = Array.from({ length: 12 }, (_, i) =>
  socket({
    local: '10.0.0.5:8443',
    remote: `198.51.100.${20 + i}:${40_100 + i}`,
    state: 'CLOSE_WAIT',
    process: 'leaky-app',
    pid: 4242,
  }),
);
const TROUBLE: readonly Batch[] = [
  baseline([...leaked, SCENE.ssh, listener({ traffic: { recvQueue: 129, sendQueue: 128 } })]),
  batch({ monotonicMs: 45_000, spawned: [SCENE.curl, listener({ local: '*:4444', process: 'ncat' })] }),
];

let open: FakeApp | undefined;
afterEach(() => open?.close());

test.each(Object.keys(SCENES))('%s', async (name) => {
  const pictures = [];
  for (const [columns, rows] of SIZES) {
    open = new FakeApp(columns, rows);
    await SCENES[name]?.(open);
    pictures.push(`${`== ${columns}×${rows} `.padEnd(columns, '=')}\n${open.text}`);
    open.close();
  }
  await expect(pictures.join('')).toMatchFileSnapshot(`../../fixtures/screens/${name}.txt`);
});
