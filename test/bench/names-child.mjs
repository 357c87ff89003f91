// A process of the measurements of names.ts: a name server that answers questions that nothing asked. It uses blocking calls
// of the C library. The process exits when its parent does.
import { addressOf, AF_INET, bind, call, close, getsockname, socket } from './libc.mjs';

const sendto = call('long sendto(int, void *, size_t, int, void *, unsigned int)');
const usleep = call('int usleep(unsigned int)');

const SOCK_DGRAM = 2;
const HOST = '127.0.0.1';
const DNS_PORT = 53;
/** Answers between two sleeps. */
const BURST = 50;

const u16 = (value) => Buffer.from([value >> 8, value & 255]);
const DIGITS = 5;

/** Returns an answer with an alias and an address, and where its number and its address are. */
function template() {
  const name = Buffer.from('\x06n00000\x05bench\x07example\0', 'latin1');
  const alias = Buffer.from('\x04edge\x03cdn\x07example\0', 'latin1');
  const header = Buffer.concat([0x1234, 0x8180, 1, 2, 0, 0].map(u16));
  const question = Buffer.concat([name, u16(1), u16(1)]);
  const ttl = Buffer.from([0, 0, 1, 44]);
  const cname = Buffer.concat([u16(0xc00c), u16(5), u16(1), ttl, u16(alias.length), alias]);
  const aliasAt = header.length + question.length + cname.length - alias.length;
  const record = Buffer.concat([u16(0xc000 | aliasAt), u16(1), u16(1), ttl, u16(4), Buffer.alloc(4)]);
  const bytes = Buffer.concat([header, question, cname, record]);
  return { bytes, numberAt: header.length + 2, addressAt: bytes.length - 4 };
}

/** Sends answers at a rate, in bursts. Each of `addresses` addresses has a name of its own. */
function answer({ rate, count, addresses }) {
  const receiver = socket(AF_INET, SOCK_DGRAM, 0);
  const remote = addressOf(HOST);
  bind(receiver, remote, remote.length);
  getsockname(receiver, remote, new Uint32Array([remote.length]));
  const sender = socket(AF_INET, SOCK_DGRAM, 0);
  const local = addressOf(HOST, DNS_PORT);
  bind(sender, local, local.length);
  const { bytes, numberAt, addressAt } = template();
  const startMs = performance.now();
  for (let i = 0; i < count; i++) {
    const waitMs = startMs + (1000 * i) / rate - performance.now();
    if (i % BURST === 0 && waitMs > 0) usleep(Math.round(waitMs * 1000));
    const number = i % addresses;
    bytes.write(String(number).padStart(DIGITS, '0'), numberAt, 'latin1');
    bytes.writeUInt32BE(0xc6120000 + number, addressAt);
    sendto(sender, bytes, bytes.length, 0, remote, remote.length);
  }
  const ms = performance.now() - startMs;
  for (const fd of [receiver, sender]) close(fd);
  return { ms };
}

process.on('disconnect', () => process.exit());
process.on('message', (order) => {
  try {
    process.send(answer(order));
  } catch (error) {
    process.send({ error: error.message });
  }
});
