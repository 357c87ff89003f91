// The source iphlpapi on answers that a test sets.
import { beforeEach } from 'vitest';
import type { Socket } from '../../src/model/socket.ts';
import type { SocketBounds } from '../../src/source/socket-limiter.ts';
import { IphlpapiSource } from '../../src/source/windows/iphlpapi.ts';
import { type FakeRow, FakeWindows } from './windows.ts';

/** A source and the Windows that it reads, new for each test. */
export class WindowsScene {
  windows = new FakeWindows();
  nowMs = 0;
  source = this.newSource();

  newSource(ownerBudgetMs = Infinity, bounds?: SocketBounds): IphlpapiSource {
    return new IphlpapiSource({ api: this.windows, nowMs: () => this.nowMs, ownerBudgetMs, bounds });
  }

  /** Sets the rows and returns the sockets of a poll. */
  async poll(rows: readonly FakeRow[]): Promise<Socket[]> {
    this.windows.rows = rows;
    return [...(await this.source.read()).sockets.values()];
  }

  /** Returns the codes of the notices of a poll. */
  async codes(): Promise<string[]> {
    return (await this.source.read()).degradations.map(({ code }) => code);
  }
}

/** Returns a function that returns the scene of the test. */
export function useWindows(): () => WindowsScene {
  let scene: WindowsScene;
  beforeEach(() => {
    scene = new WindowsScene();
  });
  return () => scene;
}

export const CURL = {
  pid: 100,
  name: 'curl.exe',
  details: { exe: 'C:\\Windows\\curl.exe', command: 'curl https://example.com', user: 'anna' },
};
export const CONNECTION: FakeRow = { local: '192.0.2.1:50000', remote: '198.51.100.7:443', pid: 100 };
