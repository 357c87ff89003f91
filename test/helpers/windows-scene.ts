// The source iphlpapi on answers that a test sets.
import { beforeEach } from 'vitest';
import type { Socket } from '../../src/model/socket.ts';
import type { ReadAddresses } from '../../src/source/interface-addresses.ts';
import type { SocketBounds } from '../../src/source/socket-limiter.ts';
import { TraceSession } from '../../src/source/windows/etw/session.ts';
import { IphlpapiSource } from '../../src/source/windows/iphlpapi.ts';
import { FakeTrace } from './etw.ts';
import { CREATED_MS, type FakeRow, FakeWindows } from './windows.ts';

/** A source and the Windows that it reads, new for each test. */
export class WindowsScene {
  windows = new FakeWindows();
  trace = new FakeTrace();
  nowMs = 0;
  /** Wall-clock time at `nowMs` 0. */
  wallMs = CREATED_MS;
  /** Addresses of the interfaces. */
  addresses: ReturnType<ReadAddresses> = {};
  source = this.newSource();

  newSource(
    ownerBudgetMs = Infinity,
    bounds?: SocketBounds,
    session?: TraceSession | string,
  ): IphlpapiSource {
    return new IphlpapiSource({
      api: this.windows,
      session,
      nowMs: () => this.nowMs,
      wallMs: () => this.wallMs + this.nowMs,
      ownerBudgetMs,
      bounds,
      readAddresses: () => this.addresses,
    });
  }

  /** Replaces the source by one of an administrator, with a session of events. */
  asAdministrator(): void {
    this.windows.isElevated = true;
    const session = TraceSession.start(this.trace, { pid: 1, created: 16 }, () => false);
    this.source = this.newSource(Infinity, undefined, session);
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
