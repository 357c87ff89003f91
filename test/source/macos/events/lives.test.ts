import { expect, test } from 'vitest';
import type { Socket } from '../../../../src/model/socket.ts';
import { diff } from '../../../../src/sampler/diff.ts';
import { Merger } from '../../../../src/sampler/merge/merger.ts';
import { FakeMac } from '../../../helpers/macos/fake-calls.ts';
import { pcblistOn } from '../../../helpers/macos/pcblist-source.ts';
import { closeMessage, FakeControl, type FakeSource } from '../../../helpers/macos/statistics.ts';
import type { PcbRow } from '../../../helpers/macos/tables.ts';

/** A source on a fake macOS with the merger of the sampler, one poll a second. */
function watch() {
  const control = new FakeControl();
  const mac = Object.assign(new FakeMac(), { control, processes: { 99: { name: 'curl', sockets: {} } } });
  let nowMs = 1000;
  const source = pcblistOn(mac, { events: true, nowMs: () => nowMs, wallMs: () => nowMs });
  const merger = new Merger({ hasEventSource: true, emitsEveryChange: true });
  let previous: ReadonlyMap<string, Socket> = new Map();
  const moment = () => ({ monotonicMs: nowMs, wallMs: nowMs });
  const drain = (): void => merger.applyKernelEvents(source.events?.drain() ?? [], moment());
  const poll = async (): Promise<string[]> => {
    nowMs += 500;
    mac.awakeMs = 60_000 + nowMs;
    drain();
    const start = moment();
    const { sockets } = await source.read();
    nowMs += 1;
    drain();
    merger.applyPoll(diff(previous, sockets), sockets, start, nowMs);
    previous = new Map(sockets);
    nowMs += 500;
    return merger
      .takeEvents()
      .map((event) =>
        event.type === 'gap'
          ? 'gap'
          : `${event.type} ${event.socket.local.port} ${event.socket.state} ${event.learntBy}`,
      );
  };
  /** Reports a close now. */
  const close = (source: FakeSource): void =>
    void control.waiting.push(closeMessage({ ...source, atTicks: (60_000 + nowMs) * 24_000 }));
  return { mac, poll, close };
}

const row = (port: number, state: number): PcbRow => ({
  generation: port,
  local: ['192.0.2.1', port],
  remote: ['192.0.2.9', 443],
  lastPid: 99,
  tcp: { state },
});
const closed = (port: number, state = 10): FakeSource => ({
  protocol: 'tcp',
  local: ['192.0.2.1', port],
  remote: ['192.0.2.9', 443],
  pid: 99,
  name: 'curl',
  state,
});

test('connections have one spawn and one close each, also those between two polls and their remnants', async () => {
  const { mac, poll, close } = watch();
  mac.tcp = [row(1001, 4), row(1002, 4)];
  expect(await poll()).toEqual([]);
  // One closes and leaves a remnant, another one is reset, a third one comes and goes between two polls.
  close(closed(1001));
  close(closed(1002, 0));
  close(closed(1003));
  mac.tcp = [row(1001, 10), row(1003, 10)];
  expect(await poll()).toEqual([
    'spawn 1003 ESTABLISHED destroy',
    'close 1001 ESTABLISHED destroy',
    'close 1002 ESTABLISHED destroy',
    'close 1003 ESTABLISHED destroy',
  ]);
  mac.tcp = [];
  for (let count = 0; count < 8; count++) expect(await poll()).toEqual([]);
});

test('a close whose event comes only after the poll that misses the socket is one close', async () => {
  const { mac, poll, close } = watch();
  mac.tcp = [row(1001, 4)];
  await poll();
  mac.tcp = [];
  const events = await poll();
  close(closed(1001));
  events.push(...(await poll()));
  for (let count = 0; count < 8; count++) events.push(...(await poll()));
  expect(events).toEqual(['close 1001 ESTABLISHED destroy']);
});
