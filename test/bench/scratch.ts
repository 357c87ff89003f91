import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let folder: string | undefined;

/** A folder for files of this run; it goes when this process ends, however that comes about. */
export function scratchFolder(): string {
  if (folder !== undefined) return folder;
  const made = mkdtempSync(join(tmpdir(), 'netpane-bench-'));
  folder = made;
  process.on('exit', () => rmSync(made, { recursive: true, force: true }));
  return made;
}
