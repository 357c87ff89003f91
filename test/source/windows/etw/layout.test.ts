// The layouts of sessions and events are those of the headers of mingw-w64: a C compiler checks them.
import { describe, expect, test } from 'vitest';
import {
  CONTROL,
  EVENT_CONTROL_CODE_ENABLE_PROVIDER,
  EVENT_TRACE_REAL_TIME_MODE,
  LOG_FILE,
  PROCESS_TRACE_MODE_EVENT_RECORD,
  PROCESS_TRACE_MODE_REAL_TIME,
  PROPERTIES,
  RECORD,
  TRACE_LEVEL_INFORMATION,
  WNODE_FLAG_TRACED_GUID,
} from '../../../../src/source/windows/etw/layout.ts';
import { type Claim, compileClaims, hasMingw, offsets } from '../../../helpers/mingw.ts';

const CLAIMS: readonly Claim[] = [
  ['sizeof(EVENT_TRACE_PROPERTIES)', PROPERTIES.size],
  ...offsets('EVENT_TRACE_PROPERTIES', {
    'Wnode.BufferSize': PROPERTIES.bytes,
    'Wnode.ClientContext': PROPERTIES.clock,
    'Wnode.Flags': PROPERTIES.flags,
    BufferSize: PROPERTIES.bufferKib,
    MinimumBuffers: PROPERTIES.minimumBuffers,
    MaximumBuffers: PROPERTIES.maximumBuffers,
    LogFileMode: PROPERTIES.mode,
    FlushTimer: PROPERTIES.flushSeconds,
    EventsLost: PROPERTIES.eventsLost,
    RealTimeBuffersLost: PROPERTIES.realTimeBuffersLost,
    LogFileNameOffset: PROPERTIES.fileNameOffset,
    LoggerNameOffset: PROPERTIES.nameOffset,
  }),
  ['sizeof(EVENT_TRACE_LOGFILEW)', LOG_FILE.size],
  ...offsets('EVENT_TRACE_LOGFILEW', {
    LoggerName: LOG_FILE.name,
    ProcessTraceMode: LOG_FILE.mode,
    EventRecordCallback: LOG_FILE.callback,
  }),
  ['sizeof(EVENT_RECORD)', RECORD.size],
  ...offsets('EVENT_RECORD', {
    'EventHeader.TimeStamp': RECORD.time,
    'EventHeader.ProviderId': RECORD.provider,
    'EventHeader.EventDescriptor.Id': RECORD.id,
    UserDataLength: RECORD.dataLength,
    UserData: RECORD.data,
  }),
  ['WNODE_FLAG_TRACED_GUID', WNODE_FLAG_TRACED_GUID],
  ['EVENT_TRACE_REAL_TIME_MODE', EVENT_TRACE_REAL_TIME_MODE],
  ['PROCESS_TRACE_MODE_REAL_TIME', PROCESS_TRACE_MODE_REAL_TIME],
  ['PROCESS_TRACE_MODE_EVENT_RECORD', PROCESS_TRACE_MODE_EVENT_RECORD],
  ['EVENT_CONTROL_CODE_ENABLE_PROVIDER', EVENT_CONTROL_CODE_ENABLE_PROVIDER],
  ['TRACE_LEVEL_INFORMATION', TRACE_LEVEL_INFORMATION],
  ['EVENT_TRACE_CONTROL_QUERY', CONTROL.query],
  ['EVENT_TRACE_CONTROL_STOP', CONTROL.stop],
  ['EVENT_TRACE_CONTROL_FLUSH', CONTROL.flush],
];

describe.skipIf(!hasMingw)('with mingw, if it is installed', () => {
  test('the layouts are those of the headers', () => {
    expect(compileClaims(['evntrace.h', 'evntcons.h'], CLAIMS)).toBe('');
  });
});
