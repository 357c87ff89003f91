// Network namespaces that are not the namespace of any main thread. Every user can create them.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import type { Listed } from '../helpers/listed.ts';
import { cleanUp, hasNetlink, isRoot, runNetpane } from './netpane.ts';

/**
 * Listens on a port in a namespace that only one thread, descriptor, socket or mount keeps alive. In Python, because Node
 * has no unshare(2) and cannot send descriptors.
 */
const HIDE = `
import ctypes, os, socket, sys, threading, time
kind, port = sys.argv[1], int(sys.argv[2])
library = ctypes.CDLL(None, use_errno=True)
NEWNS, NEWUSER, NEWNET, BIND = 0x20000, 0x10000000, 0x40000000, 4096
os.setgid(65534); os.setuid(65534); library.prctl(4, 1)
def call(name, *words):
    if getattr(library, name)(*words) != 0: sys.exit(99)
def listener():
    it = socket.socket(); it.bind(('127.0.0.1', port)); it.listen(); return it
here, there = socket.socketpair()
call('unshare', NEWUSER)
for file, text in ('setgroups', 'deny'), ('uid_map', '0 65534 1'), ('gid_map', '0 65534 1'):
    open('/proc/self/' + file, 'w').write(text)
if kind in ('thread', 'descriptor'):
    ready = threading.Event()
    def run():
        call('unshare', NEWNET)
        run.socket = listener()
        if kind == 'descriptor': run.held = os.open('/proc/thread-self/ns/net', 0)
        ready.set()
        if kind == 'thread': time.sleep(60)
    thread = threading.Thread(target=run, daemon=True); thread.start(); ready.wait()
    if kind == 'descriptor': thread.join()
else:
    if kind == 'mount':
        call('unshare', NEWNS)
        call('mount', b'none', b'/tmp', b'tmpfs', 0, None)
        open('/tmp/held', 'w').close()
    made, wait = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        call('unshare', NEWNET)
        passed = listener(); socket.send_fds(here, [b'x'], [passed.fileno()])
        os.write(made[1], b'x'); os.read(wait[0], 1); os._exit(0)
    os.read(made[0], 1)
    if kind == 'mount': call('mount', f'/proc/{child}/ns/net'.encode(), b'/tmp/held', None, BIND, None)
    os.write(wait[1], b'x'); os.waitpid(child, 0)
    if kind == 'socket': kept = socket.recv_fds(there, 1, 1)
print('ready', flush=True)
time.sleep(60)
`;

const PORT = 7474;

/** Starts the script; it ends with the test. Returns its pid, or undefined if users cannot make namespaces here. */
async function hide(kind: string): Promise<number | undefined> {
  const child = spawn('python3', ['-c', HIDE, kind, String(PORT)], { stdio: ['ignore', 'pipe', 'inherit'] });
  cleanUp(() => child.kill('SIGKILL'));
  const isReady = await Promise.race([
    once(child.stdout, 'data').then(() => true),
    once(child, 'exit').then(() => false),
  ]);
  return isReady ? child.pid : undefined;
}

const impossible = !hasNetlink
  ? 'netlink cannot be used here'
  : !isRoot
    ? 'only root sees the namespaces of others'
    : spawnSync('python3', ['-c', 'import socket; socket.send_fds']).status !== 0
      ? 'there is no Python 3.9'
      : spawnSync('unshare', ['--user', '--net', 'true']).status !== 0
        ? 'no user namespace can be made here'
        : undefined;

describe.skipIf(impossible !== undefined)(
  `a listener in a namespace without a main thread${impossible === undefined ? '' : ` (skipped: ${impossible})`}`,
  () => {
    test.each(['thread', 'descriptor', 'socket', 'mount'])(
      'is listed if a %s keeps the namespace',
      async (kind) => {
        const pid = await hide(kind);
        expect(pid).toBeDefined();
        const { stdout } = await runNetpane(['ls', '--json', '--port', String(PORT)]);
        const listed = JSON.parse(stdout) as Listed[];
        expect(listed).toMatchObject([{ state: 'LISTEN', netns: { inode: expect.any(Number) as number } }]);
        if (kind !== 'mount') expect(listed[0]?.owners).toMatchObject([{ pid, knowledge: 'exact' }]);
      },
    );

    test('is counted if a socket in flight between two processes keeps the namespace', async () => {
      await hide('flight');
      // While other sockets open and close during a poll, netpane cannot distinguish this one from them.
      await expect
        .poll(async () => (await runNetpane(['ls', '--port', String(PORT)])).stderr, { timeout: 50_000 })
        .toMatch(/^netpane: \d+ TCP sockets? missing from the socket lists of the kernel: /m);
    });
  },
);
