import { type PacketReader, SourceUnavailable } from './types.ts';

/** Opens a reader of captured packets. Rejects with `SourceUnavailable` if that is not possible here. */
export async function openPacketReader(): Promise<PacketReader> {
  if (process.platform !== 'linux') throw new SourceUnavailable('this is not Linux');
  const { CapturedPackets } = await import('./linux/names/packet-reader.ts');
  return CapturedPackets.open();
}
