import { listener, socket } from '../helpers/fakes.ts';

/** Sequences of keys. */
export const [DOWN, UP, RIGHT, LEFT, ESC, TAB] = ['\x1b[B', '\x1b[A', '\x1b[C', '\x1b[D', '\x1b', '\t'];

/** Two connections of one program, one of another, and a listener. */
export const node = socket({ process: 'node', pid: 7, local: '10.0.0.5:51000', remote: '203.0.113.80:443' });
export const nodeToo = socket({
  process: 'node',
  pid: 7,
  local: '10.0.0.5:51001',
  remote: '203.0.113.81:443',
});
export const curl = socket({ process: 'curl', pid: 8, local: '10.0.0.5:51002', remote: '203.0.113.80:443' });
export const web = listener({ process: 'web', pid: 9, local: '*:80' });
/** All of them. */
export const ALL = [node, nodeToo, curl, web];
