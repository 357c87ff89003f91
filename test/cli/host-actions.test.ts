import { expect, test } from 'vitest';
import { actionsOn, evidenceReader } from '../../src/cli/host-actions.ts';
import { LOCAL_HOST } from '../../src/model/host.ts';
import type { Evidence } from '../../src/model/evidence.ts';
import type { ProcessTarget } from '../../src/model/process.ts';

test('acts on this host, and on no other', async () => {
  const usage = await actionsOn(LOCAL_HOST).usageOf(process.pid);
  expect(usage).toMatchObject({ pid: process.pid });
  expect(() => actionsOn('web1')).toThrow('no actions on host web1');
});

test('the reading of evidence ends with a call of stopEvidence, or with another target', () => {
  const reads: { target: ProcessTarget; report: (isComplete: boolean) => void; isWanted: () => boolean }[] =
    [];
  const { readEvidence, stopEvidence } = evidenceReader((target, onEvidence, isWanted) => {
    reads.push({
      target,
      report: (isComplete) => onEvidence({ ...target, verdict: [], lines: [], isComplete }),
      isWanted,
    });
    return Promise.resolve();
  });
  const reported: Evidence[] = [];
  readEvidence({ pid: 1 }, (it) => reported.push(it));
  readEvidence({ pid: 2 }, (it) => reported.push(it));
  for (const { report } of reads) report(false);
  expect([reads.map(({ isWanted }) => isWanted()), reported.map(({ pid }) => pid)]).toEqual([
    [false, true],
    [2],
  ]);
  stopEvidence();
  for (const { report } of reads) report(true);
  expect([reads.map(({ isWanted }) => isWanted()), reported]).toEqual([[false, false], [expect.anything()]]);
});
