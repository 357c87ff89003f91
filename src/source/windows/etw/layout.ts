/*
 * Structures of Event Tracing for Windows on 64-bit Windows, in bytes. `test/source/windows/etw/layout.test.ts` compares
 * them with the headers of mingw-w64.
 */

/** EVENT_TRACE_PROPERTIES; the name of the session follows it. */
export const PROPERTIES = {
  /** Size of the structure and its texts (Wnode.BufferSize). */
  bytes: 0,
  /** Clock of the session (Wnode.ClientContext). */
  clock: 40,
  flags: 44,
  bufferKib: 48,
  minimumBuffers: 52,
  maximumBuffers: 56,
  mode: 64,
  flushSeconds: 68,
  eventsLost: 88,
  realTimeBuffersLost: 100,
  fileNameOffset: 112,
  nameOffset: 116,
  size: 120,
} as const;

/** EVENT_TRACE_LOGFILEW, the argument of OpenTrace. */
export const LOG_FILE = { name: 8, mode: 28, callback: 424, size: 448 } as const;

/** EVENT_RECORD, which begins with EVENT_HEADER. */
export const RECORD = {
  time: 16,
  provider: 24,
  id: 40,
  dataLength: 86,
  data: 96,
  size: 112,
} as const;

/** Values of evntrace.h, evntcons.h and wmistr.h. */
export const WNODE_FLAG_TRACED_GUID = 0x2_0000;
/** Clock of a session in 100 ns since 1601. */
export const CLOCK_SYSTEM_TIME = 2;
export const EVENT_TRACE_REAL_TIME_MODE = 0x100;
export const PROCESS_TRACE_MODE_REAL_TIME = 0x100;
export const PROCESS_TRACE_MODE_EVENT_RECORD = 0x1000_0000;
export const EVENT_CONTROL_CODE_ENABLE_PROVIDER = 1;
export const TRACE_LEVEL_INFORMATION = 4;
export const CONTROL = { query: 0, stop: 1, flush: 3 } as const;

/** Microsoft-Windows-Kernel-Network, {7dd42a49-5329-4832-8dfd-43d979153a88}, as four numbers of 32 bits. */
export const KERNEL_NETWORK: readonly number[] = [0x7dd4_2a49, 0x4832_5329, 0xd943_fd8d, 0x883a_1579];
/** Its keywords KERNEL_NETWORK_KEYWORD_IPV4 and _IPV6. */
export const NETWORK_KEYWORDS = 0x30n;

/**
 * Ids of its events (its manifest). The payload of each begins with pid, size, remote and local address, remote and local
 * port; of a received UDP packet the endpoints are swapped.
 */
export const EVENT_ID = {
  sent: 10,
  received: 11,
  connected: 12,
  disconnected: 13,
  accepted: 15,
  udpSent: 42,
  udpReceived: 43,
} as const;
/** The ids of IPv6 are this much higher. */
export const IPV6_IDS = 16;

/** Size of the payload as far as it is read, up to and including the ports. */
export const payloadBytes = (isIpv6: boolean): number => (isIpv6 ? 44 : 20);
