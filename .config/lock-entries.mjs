/** Returns the packages of a lock file: the installation path, the name according to this path, and the entry. */
export const packageEntries = (lock) =>
  Object.entries(lock.packages)
    .filter(([path]) => path !== '')
    .map(([path, entry]) => ({ path, name: path.slice(path.lastIndexOf('node_modules/') + 13), entry }));

/** Packages that may have an install script. The project installs with --ignore-scripts, so none is run. */
const WITH_INSTALL_SCRIPT = ['esbuild', 'fsevents', 'koffi'];

/** Subresource integrity: one hash of 64 bytes in base64. */
const SHA512 = /^sha512-[\w+/]{86}==$/;

/** Yields the mistakes of an entry, each a clause. */
function* mistakes({ name, entry }) {
  if (entry.link) yield 'is a link to a folder';
  if (entry.integrity === undefined) yield 'has no integrity: npm run lock adds it';
  else if (!SHA512.test(entry.integrity)) yield `has an integrity other than SHA-512: ${entry.integrity}`;
  if (entry.resolved !== undefined) yield `has a download URL: ${entry.resolved}`;
  if (!/^\d+\.\d+\.\d+(?:[-+][\w.+-]+)?$/.test(entry.version ?? '')) yield 'has no registry version';
  if (entry.name !== undefined && entry.name !== name) yield `is an alias of the package ${entry.name}`;
  if (entry.hasInstallScript && !WITH_INSTALL_SCRIPT.includes(name)) yield 'has an install script';
}

/** Returns the mistakes of a lock file, each a line with the path of its package; none if the file is as it must be. */
export function mistakesOf(lock) {
  const entries = packageEntries(lock);
  const lines = entries.flatMap((item) => [...mistakes(item)].map((mistake) => `${item.path} ${mistake}`));
  if (lock.lockfileVersion !== 3 || entries.length === 0)
    lines.push('it lists no packages, or in an old format');
  return lines;
}
