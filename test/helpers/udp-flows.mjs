// Programs that exchange datagrams, for the tests of the ledger. Plain JavaScript, because plain `node` runs it.
//   answer BYTES            answers every datagram with one of BYTES bytes, until its input ends; prints its port
//   ask PORT COUNT BYTES    sends COUNT datagrams of BYTES bytes, each when the one before was answered, and ends; prints its port
//   query PORT COUNT BYTES  the same from a connected socket
import { createSocket } from 'node:dgram';

const HOST = '127.0.0.1';
const [what, ...numbers] = process.argv.slice(2);
const socket = createSocket('udp4');

function answer(bytes) {
  socket.on('message', (_, { port }) => socket.send(Buffer.alloc(bytes), port, HOST));
  socket.bind(0, HOST, () => console.log(socket.address().port));
  process.stdin.on('end', () => socket.close()).resume();
}

function ask(port, count, bytes, isConnected) {
  let sent = 0;
  const next = () => {
    if (sent++ === count) socket.close();
    else if (isConnected) socket.send(Buffer.alloc(bytes));
    else socket.send(Buffer.alloc(bytes), port, HOST);
  };
  const begin = () => {
    console.log(socket.address().port);
    next();
  };
  socket.on('message', next);
  socket.bind(0, HOST, () => (isConnected ? socket.connect(port, HOST, begin) : begin()));
}

if (what === 'answer') answer(...numbers.map(Number));
else ask(...numbers.map(Number), what === 'query');
