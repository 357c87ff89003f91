import { readdirSync } from 'node:fs';
import { Native } from '../../src/source/linux/netlink/native.ts';
import { findTracefs } from '../../src/source/linux/trace/tracefs.ts';
import { eventually } from '../helpers/herd.ts';

/** Returns a function that returns the names of the trace instances that a netpane created, wherever tracefs is mounted. */
export async function traceInstances(): Promise<(pid: number) => string[]> {
  const native = await Native.load();
  return (pid) => {
    const { root, mount } = findTracefs(native);
    try {
      return readdirSync(`${root}/instances`).filter((name) => name.startsWith(`netpane-${pid}-`));
    } finally {
      if (mount !== undefined) native.close(mount);
    }
  };
}

/** Waits until a netpane has created its trace instance. */
export const untilCreated = (pid: number, instancesOf: (pid: number) => string[]) =>
  eventually(
    () => `an instance of ${pid}`,
    () => instancesOf(pid).length > 0,
  );
