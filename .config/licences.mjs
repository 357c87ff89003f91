import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Returns the package that contains a file; undefined for a file of the project. */
export const packageOf = (file) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];

/**
 * Returns the packages with code in each file of a bundle, by file name.
 * @param metafiles the metafiles that esbuild wrote for the bundle
 */
export function packagesOf(metafiles) {
  const outputs = metafiles.flatMap((metafile) => Object.entries(metafile.outputs));
  const namesIn = ({ inputs }) => new Set(Object.keys(inputs).flatMap((file) => packageOf(file) ?? []));
  return Object.fromEntries(outputs.map(([file, output]) => [file, [...namesIn(output)].sort()]));
}

/**
 * Returns the licence texts of all packages with code in a bundle, which must accompany every copy.
 * @param more further packages, whose data is used
 */
export function licences(root, metafiles, more) {
  const names = new Set([...Object.values(packagesOf(metafiles)).flat(), ...more]);
  return [...names]
    .sort()
    .map((name) => licenceOf(root, name))
    .join('\n');
}

function licenceOf(root, name) {
  const folder = join(root, 'node_modules', name);
  const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const files = readdirSync(folder);
  // Some packages have the licence in their README only.
  const file =
    files.find((each) => /^licen[cs]e/i.test(each)) ??
    (license && files.find((each) => /^readme/i.test(each)));
  if (!file) throw new Error(`the package ${name} has no file LICENSE`);
  return `${name} ${version}${license ? ` (${license})` : ''}\n\n${readFileSync(join(folder, file), 'utf8')}\n`;
}
