import { describe, expect, test, vi } from 'vitest';
import { CapturedPackets } from '../../../../src/source/linux/names/packet-reader.ts';
import { CLibrary } from '../../../../src/source/linux/netlink/c-library.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;

/** Opens a reader with one of a pair of sockets. Returns the reader, that socket, and functions on the second one. */
async function open() {
  const library = await CLibrary.load();
  const ends = new Int32Array(2);
  expect(library.call('int socketpair(int, int, int, void *)')(AF_UNIX, SOCK_DGRAM, 0, ends)).toBe(0);
  const [near = -1, far = -1] = ends;
  const write = library.call('long write(int, void *, size_t)');
  const reader = await CapturedPackets.open();
  reader.add(near);
  return {
    reader,
    near,
    send: (text: string) => write(far, Buffer.from(text), text.length),
    close: () => library.call('int close(int)')(far),
  };
}

/** Returns the packets that wait. */
function drained(reader: CapturedPackets): string[] {
  const packets: string[] = [];
  reader.drain((packet) => void packets.push(Buffer.from(packet).toString()));
  return packets;
}

describe.skipIf(process.platform !== 'linux')('captured packets (skipped elsewhere)', () => {
  test('are read one by one', async () => {
    const { reader, near, send, close } = await open();
    expect(drained(reader)).toEqual([]);
    const sent: string[] = [];
    for (let i = 0; i < 3; i++) {
      send(`packet ${i}`);
      sent.push(`packet ${i}`);
    }
    expect(drained(reader)).toEqual(sent);
    expect([drained(reader), reader.lost]).toEqual([[], 0]);
    reader.remove(near);
    close();
  });

  test.each([['4'], ['2']])('are waited for, with %s threads for work', async (threads) => {
    vi.stubEnv('UV_THREADPOOL_SIZE', threads);
    try {
      const { reader, near, send, close } = await open();
      const isReady = new Promise<void>((resolve) => reader.wait(resolve));
      send('packet');
      await isReady;
      expect(drained(reader)).toEqual(['packet']);
      reader.remove(near);
      close();
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('of a removed socket are no longer read, and the socket is closed', async () => {
    const { reader, near, send, close } = await open();
    send('packet');
    reader.remove(near);
    expect(drained(reader)).toEqual([]);
    expect(send('packet')).toBe(-1);
    // A second call does not close the descriptor that may have the number now.
    reader.remove(near);
    close();
  });
});
