export { CapturedPackets } from './names/packet-reader.ts';
