// Checks the imports of src/ against the rules of dependency-cruiser.cjs. Also fails if a file was not checked: with an
// unsupported version of TypeScript, dependency-cruiser finds no modules and reports success.
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

const checked = new Set(result.modules.map(({ source }) => source));
const missed = readdirSync('src', { recursive: true })
  .map((file) => `src/${file.replaceAll('\\', '/')}`)
  .filter((file) => /(?<!\.d)\.ts$/.test(file) && !checked.has(file));
if (checked.size === 0 || missed.length > 0) {
  process.stderr.write(`netpane: the imports of ${missed.length || 'all'} files were not checked\n`);
}
process.exitCode = exitCode > 0 || checked.size === 0 || missed.length > 0 ? 1 : 0;
