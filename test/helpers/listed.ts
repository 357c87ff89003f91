export interface ListedEndpoint {
  address: string;
  port: number;
  protocol?: string;
}

/** A socket of `netpane ls --json`. */
export interface Listed {
  id: string;
  protocol: string;
  family: string;
  local: ListedEndpoint;
  remote: ListedEndpoint | null;
  peers?: ListedEndpoint[];
  state?: string;
  inode?: number;
  uid?: number;
  user?: string;
  interface?: string;
  netns?: { inode: number; name?: string };
  rxBytes?: number;
  txBytes?: number;
  rxSegments?: number;
  txSegments?: number;
  rttMicros?: number;
  rttVarMicros?: number;
  retransmits?: number;
  cwnd?: number;
  deliveryRate?: number;
  recvQueue?: number;
  sendQueue?: number;
  lastSentAtMs?: number;
  lastReceivedAtMs?: number;
  timer?: { kind: string; dueAtMs: number; retransmits: number };
  tcp?: Record<string, number | string | boolean>;
  owners: { pid?: number; process?: string; knowledge: string }[];
}
