/** Returns the packages of a lock file: the installation path, the name according to this path, and the entry. */
export const packageEntries = (lock) =>
  Object.entries(lock.packages)
    .filter(([path]) => path !== '')
    .map(([path, entry]) => ({ path, name: path.slice(path.lastIndexOf('node_modules/') + 13), entry }));
