import { expect, test } from 'vitest';
import { Assembler } from '../../../../src/source/linux/ledger/assembler.ts';
import { ownerPrograms } from '../../../../src/source/linux/ledger/owner-programs.ts';
import type { Program } from '../../../../src/source/linux/ledger/program-parts.ts';
import { trafficPrograms } from '../../../../src/source/linux/ledger/traffic-programs.ts';
import { LITTLE_ENDIAN } from '../../../../src/source/linux/netlink/wire.ts';
import { disassemble } from '../../../helpers/disassembler.ts';

const MAPS = { entries: 101, counters: 102, counts: 103, slots: 104 };

const listing = (programs: readonly Program[]) =>
  programs
    .map(
      ({ name, type, attachType, code }) =>
        `${name}: type ${type}, attach type ${attachType}\n${disassemble(code).join('\n')}\n`,
    )
    .join('\n');

// Only the byte order differs on other machines.
test.runIf(LITTLE_ENDIAN)('the programs consist of the instructions in the golden file', async () => {
  const golden = (name: string) => `../../../../fixtures/linux/ledger/${name}.txt`;
  await expect(listing(ownerPrograms(MAPS))).toMatchFileSnapshot(golden('owners'));
  await expect(listing(trafficPrograms(MAPS))).toMatchFileSnapshot(golden('traffic'));
  await expect(listing(ownerPrograms(MAPS, { device: 4, inode: 4026532345 }))).toMatchFileSnapshot(
    golden('owners-in-pid-namespace'),
  );
});

test('a jump without a label after it is a mistake, and so is a label that is used twice', () => {
  expect(() => new Assembler().label('back').jump('back').bytes()).toThrow('no label back after its jump');
  expect(() => new Assembler().jump('nowhere').exit().bytes()).toThrow('no label nowhere after its jump');
  expect(() => new Assembler().label('end').exit().label('end')).toThrow('the label end is used twice');
});

test.runIf(LITTLE_ENDIAN)('instructions have the encoding of the kernel', () => {
  const bytes = new Assembler()
    .compute('r1', '=', -1)
    .compute('r2', '+', 'r1')
    .load(16, 'r3', 'r10', -2)
    .store(8, 'r10', 258, 7)
    .jumpIf('r3', '!=', 5, 'end')
    .jumpIf('r3', '>', 'r2', 'end')
    .compute('r3', '^', 'r2')
    .exchangeAtomically('r1', 8, 'r2')
    .loadMap('r1', 9)
    .label('end')
    .exit()
    .bytes();
  const rows = Array.from({ length: bytes.length / 8 }, (_, i) =>
    Buffer.from(bytes.subarray(i * 8, i * 8 + 8)).toString('hex'),
  );
  expect(rows).toEqual([
    'b7010000ffffffff',
    '0f12000000000000',
    '69a3feff00000000',
    '720a020107000000',
    '5503050005000000',
    '2d23040000000000',
    'af23000000000000',
    'db210800f1000000',
    '1811000009000000',
    '0000000000000000',
    '9500000000000000',
  ]);
});
