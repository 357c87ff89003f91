import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let folder: string | undefined;

/** Returns a temporary folder of this run, removed when this process exits. */
export function scratchFolder(): string {
  if (folder !== undefined) return folder;
  const created = mkdtempSync(join(tmpdir(), 'netpane-bench-'));
  folder = created;
  process.on('exit', () => rmSync(created, { recursive: true, force: true }));
  return created;
}
