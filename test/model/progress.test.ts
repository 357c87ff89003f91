import { expect, test } from 'vitest';
import { Progress } from '../../src/model/progress.ts';

test('another reader of the words sees what is being done, and of which process', () => {
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

test('a file of no process, and the next stage, take the process away', () => {
  const progress = new Progress();
  progress.begin('poll');
  progress.noteFile('12/stat');
  progress.noteFile('net/tcp');
  expect(progress.text).toBe('reading the sockets');
  progress.noteFile('12/stat');
  progress.begin('compare');
  expect(progress.text).toBe('comparing two polls');
});

test('polls are counted, and the interval after the last one is kept', () => {
  const progress = new Progress();
  expect([progress.polls, progress.intervalMs]).toEqual([0, 0]);
  progress.begin('deliver');
  progress.countPoll(500);
  progress.countPoll(2500);
  expect([progress.polls, progress.intervalMs, progress.text]).toEqual([2, 2500, 'between two polls']);
});
