import { expect, test } from 'vitest';
import { TcpClock } from '../../../src/source/macos/tcp-clock.ts';

const START = { nowInit: 1_000_000, uptimeInit: 2_000_000 };

test('converts a time of TCP by the time since the start of the machine', () => {
  const clock = new TcpClock(START);
  clock.update({ awakeMs: 60_000, continuousMs: 60_000, wallMs: 1_700_000_000_000 });
  // TCP began at 2 s; at 50 s its clock is at 1,048,000.
  expect(clock.wallMsOf(1_048_000)).toBe(1_700_000_000_000 - 10_000);
});

test('converts across the wrap of the 32-bit clock', () => {
  const clock = new TcpClock({ nowInit: 0, uptimeInit: 0 });
  clock.update({ awakeMs: 2 ** 32 + 500, continuousMs: 2 ** 32 + 500, wallMs: 9_000_000_000 });
  expect(clock.wallMsOf(2 ** 32 - 500)).toBe(9_000_000_000 - 1000);
});

test('knows no time before a sleep, and those after it', () => {
  const clock = new TcpClock(START);
  clock.update({ awakeMs: 60_000, continuousMs: 90_000, wallMs: 1_700_000_000_000 });
  expect(clock.wallMsOf(1_048_000)).toBeUndefined();
  clock.update({ awakeMs: 70_000, continuousMs: 100_010, wallMs: 1_700_000_010_000 });
  expect(clock.wallMsOf(1_063_000)).toBe(1_700_000_010_000 - 5000);
  clock.update({ awakeMs: 71_000, continuousMs: 200_000, wallMs: 1_700_000_110_000 });
  expect(clock.wallMsOf(1_063_000)).toBeUndefined();
});

test('knows no time if the kernel does not say where TCP began', () => {
  const clock = new TcpClock(undefined);
  clock.update({ awakeMs: 60_000, continuousMs: 60_000, wallMs: 1 });
  expect(clock.wallMsOf(5)).toBeUndefined();
});
