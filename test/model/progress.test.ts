import { expect, test } from 'vitest';
import { Progress } from '../../src/model/progress.ts';

test('another reader of the shared memory gets the stage and the process', () => {
  const words = Progress.sharedWords();
  const [writer, reader] = [new Progress(words), new Progress(words)];
  writer.begin('open');
  expect(reader.text).toBe('opening the source');
  writer.begin('poll');
  writer.noteFile('4711/fd');
  expect(reader.text).toBe('reading the sockets: /proc of process 4711');
  writer.noteFile('4711/task/4712/fd/3');
  expect(reader.text).toContain('process 4711');
});

test('a file of no process and the next stage both clear the process', () => {
  const progress = new Progress();
  progress.begin('poll');
  progress.noteFile('12/stat');
  progress.noteFile('net/tcp');
  expect(progress.text).toBe('reading the sockets');
  progress.noteFile('12/stat');
  progress.begin('compare');
  expect(progress.text).toBe('comparing two polls');
});

test('counts polls and stores the interval after the last one', () => {
  const progress = new Progress();
  expect([progress.polls, progress.intervalMs]).toEqual([0, 0]);
  progress.begin('deliver');
  progress.countPoll(500);
  progress.countPoll(2500);
  expect([progress.polls, progress.intervalMs, progress.text]).toEqual([2, 2500, 'between two polls']);
});
