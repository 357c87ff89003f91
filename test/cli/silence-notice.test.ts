import { expect, test } from 'vitest';
import { SilenceNotice } from '../../src/cli/silence-notice.ts';
import { Progress } from '../../src/model/progress.ts';

function setUp() {
  const progress = new Progress();
  const said: string[] = [];
  let nowMs = 0;
  const notice = new SilenceNotice(
    progress,
    () => nowMs,
    (text) => void said.push(text),
  );
  const passTo = (ms: number) => {
    nowMs = ms;
    notice.check();
  };
  return { progress, said, passTo };
}

test('reports once, after 10 s, that the source does not open', () => {
  const { progress, said, passTo } = setUp();
  progress.begin('open');
  passTo(9999);
  expect(said).toEqual([]);
  passTo(10_000);
  passTo(20_000);
  expect(said).toEqual(['no answer for 10 s: the sampler is busy (opening the source)']);
});

test('waits for three intervals if they are long, and reports when the sampler answers again', () => {
  const { progress, said, passTo } = setUp();
  progress.countPoll(60_000);
  passTo(1000);
  passTo(180_999);
  expect(said).toEqual([]);
  progress.begin('poll');
  progress.noteFile('77/fd');
  passTo(181_000);
  expect(said).toEqual([
    'no answer for 180 s: the sampler is busy (reading the sockets: /proc of process 77)',
  ]);
  progress.countPoll(60_000);
  passTo(190_000);
  expect(said.slice(1)).toEqual(['the sampler answers again after 189 s']);
});

test('reports nothing while polls arrive', () => {
  const { progress, said, passTo } = setUp();
  for (let s = 0; s < 60; s++) {
    progress.countPoll(1000);
    passTo(s * 1000);
  }
  expect(said).toEqual([]);
});
