// Holds the imports of src/ against the rules of dependency-cruiser.cjs, and fails too when it did not look at every
// file: under a TypeScript that it cannot use, dependency-cruiser finds no module at all and is content.
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cruise, format } from 'dependency-cruiser';
import extractOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';
import extractTsConfig from 'dependency-cruiser/config-utl/extract-ts-config';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);

const options = await extractOptions(join(root, '.config', 'dependency-cruiser.cjs'));
const tsConfig = extractTsConfig(join(root, 'tsconfig.json'));
const { output: result } = await cruise(['src'], options, undefined, { tsConfig });
const { output, exitCode } = await format(result, { outputType: 'err' });
process.stdout.write(output);

const looked = new Set(result.modules.map(({ source }) => source));
const missed = readdirSync('src', { recursive: true })
  .map((file) => `src/${file.replaceAll('\\', '/')}`)
  .filter((file) => /(?<!\.d)\.ts$/.test(file) && !looked.has(file));
if (looked.size === 0 || missed.length > 0) {
  process.stderr.write(`netpane: the imports of ${missed.length || 'all'} files were not looked at\n`);
}
process.exitCode = exitCode > 0 || looked.size === 0 || missed.length > 0 ? 1 : 0;
