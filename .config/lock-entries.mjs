/** The packages of a lock file: where each is installed, the name that this path gives it, and its entry. */
export const packageEntries = (lock) =>
  Object.entries(lock.packages)
    .filter(([path]) => path !== '')
    .map(([path, entry]) => ({ path, name: path.slice(path.lastIndexOf('node_modules/') + 13), entry }));
