import type { Target } from './target.ts';
import { commandLine } from './targets/command-line.ts';
import { config } from './targets/config.ts';
import { etw } from './targets/etw.ts';
import { firewall } from './targets/firewall.ts';
import { geo } from './targets/geo.ts';
import { interfaces } from './targets/interfaces.ts';
import { keys } from './targets/keys.ts';
import { macArguments } from './targets/mac-arguments.ts';
import { names } from './targets/names.ts';
import { nettop } from './targets/nettop.ts';
import { pcblist } from './targets/pcblist.ts';
import { proc } from './targets/proc.ts';
import { query } from './targets/query.ts';
import { state } from './targets/state.ts';
import { statistics } from './targets/statistics.ts';
import { trace } from './targets/trace.ts';
import { windows } from './targets/windows.ts';

/** All targets. Netlink datagrams have a test of their own. */
export const TARGETS: Readonly<Record<string, Target>> = {
  'command-line': commandLine,
  config,
  etw,
  firewall,
  geo,
  interfaces,
  keys,
  'mac-arguments': macArguments,
  names,
  nettop,
  pcblist,
  proc,
  query,
  state,
  statistics,
  trace,
  windows,
};
