/** Columns of nettop on macOS 26. */
const COLUMNS =
  'time,,interface,state,bytes_in,bytes_out,rx_dupe,rx_ooo,re-tx,rtt_avg,rcvsize,tx_win,tc_class,tc_mgt,cc_algo,P,C,R,W,arch,';

/** Columns of an output with the option -J, and of older versions. */
export const FEW_COLUMNS = ',interface,state,bytes_in,bytes_out,';

/** Returns the row of a process, such as `curl.812`. */
export const processRow = (name: string): string => `10:15:00.250001,${name},,,900,400,0,0,0,,,,,,,,,,,,`;

/** Values of the columns of a flow; empty by default. */
interface FlowCells {
  readonly interface?: string;
  readonly state?: string;
  readonly rx?: number;
  readonly tx?: number;
  readonly repeatedRx?: number;
  readonly repeatedTx?: number;
  readonly rtt?: string;
}

/** Returns the row of a flow, such as `tcp4 192.0.2.5:50000<->198.51.100.7:443`. */
export const flowRow = (flow: string, cells: FlowCells = {}): string =>
  [
    '10:15:00.250000',
    flow,
    cells.interface ?? '',
    cells.state ?? '',
    cells.rx ?? '',
    cells.tx ?? '',
    cells.repeatedRx ?? '',
    0,
    cells.repeatedTx ?? '',
    cells.rtt ?? '',
    131_072,
    131_328,
    'BE',
    ...['-', 'cubic', '-', '-', '-', '-', 'so', ''],
  ].join(',');

/** Returns the output of nettop with these rows. */
export const nettopOutput = (...rows: readonly string[]): string => [COLUMNS, ...rows, ''].join('\n');

/** An output with a row of each kind. */
export const NETTOP_OUTPUT = nettopOutput(
  processRow('launchd.1'),
  flowRow('tcp6 *.22<->*.*', { state: 'Listen' }),
  flowRow('tcp4 *:22<->*:*', { state: 'Listen' }),
  processRow('com.example.pus.301'),
  flowRow('tcp4 192.0.2.5:50000<->198.51.100.7:443', {
    interface: 'en0',
    state: 'Established',
    rx: 5000,
    tx: 3000,
    repeatedRx: 100,
    repeatedTx: 200,
    rtt: '18.25 ms',
  }),
  flowRow('tcp6 fe80::1%utun4.50001<->fe80::2%utun4.443', {
    interface: 'utun4',
    state: 'CloseWait',
    rx: 10,
    tx: 20,
  }),
  processRow('mDNSResponder.250'),
  flowRow('udp6 *.5353<->*.*', { interface: 'en0', rx: 700, tx: 60 }),
  flowRow('udp4 *:*<->*:*'),
  processRow('Browser Helper .900'),
  flowRow('quic6 2001:db8::7.60979<->2001:db8:1::9.443', { interface: 'en0', rx: 400, tx: 300 }),
  flowRow('udp4 192.0.2.5:61000<->203.0.113.9:53', { interface: 'en0', rx: 80, tx: 40 }),
);
