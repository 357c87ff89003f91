/** Returns the path of a file of the system: hosts(5) or services(5), or its counterpart on Windows. */
export const systemFile = (
  name: 'hosts' | 'services',
  platform: NodeJS.Platform = process.platform,
  env: NodeJS.ProcessEnv = process.env,
): string =>
  platform === 'win32'
    ? `${env['SystemRoot'] ?? 'C:\\Windows'}\\System32\\drivers\\etc\\${name}`
    : `/etc/${name}`;
