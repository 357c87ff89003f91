export { readLinuxFirewall } from './firewall/reader.ts';
