// A server, or a program that asks for a name and connects, for test/e2e/names.test.ts. Stays until it is killed.
//
//     node names-child.mjs serve ADDRESS                      prints `ready`
//     node names-child.mjs connect ADDRESS NAME SERVERNAME    prints the address of NAME, by the name server at ADDRESS
//
// TLS works with a key that both sides know, so no certificate is needed.
import { Resolver } from 'node:dns/promises';
import { connect as connectTcp, createServer as createTcp } from 'node:net';
import { connect as connectTls, createServer as createTls } from 'node:tls';

/** Ports of the servers: plain and TLS. */
const [PLAIN, TLS] = [8080, 8443];
const psk = Buffer.alloc(32, 7);
const ciphers = 'PSK';

const [mode, address, name, servername] = process.argv.slice(2);
if (mode === 'serve') {
  createTcp(() => {}).listen(PLAIN, address, () => {
    createTls({ ciphers, pskCallback: () => psk }, () => {}).listen(TLS, address, () => console.log('ready'));
  });
} else {
  const resolver = new Resolver();
  resolver.setServers([address]);
  const [found] = await resolver.resolve4(name);
  connectTcp(PLAIN, found);
  const tls = connectTls({
    ...{ host: found, port: TLS, servername, ciphers },
    pskCallback: () => ({ psk, identity: 'test' }),
    checkServerIdentity: () => undefined,
  });
  tls.once('secureConnect', () => console.log(found));
}
