/*
 * Plays the calls of Event Tracing for Windows that Wine lacks, with the structures and signatures of mingw-w64: a session with
 * the events of Microsoft-Windows-Kernel-Network. Wrong arguments give an error. A netpane that has ended has left a session.
 */
#define _WIN32_WINNT 0x0A00
/* The headers declare them as imported. */
#define StartTraceW header_StartTraceW
#define EnableTraceEx2 header_EnableTraceEx2
#define ControlTraceW header_ControlTraceW
#define QueryAllTracesW header_QueryAllTracesW
#define OpenTraceW header_OpenTraceW
#define CloseTrace header_CloseTrace
#define ProcessTrace header_ProcessTrace
#include <winsock2.h>
#include <windows.h>
#include <evntrace.h>
#include <evntcons.h>
#include <string.h>
#include <wchar.h>
#undef StartTraceW
#undef EnableTraceEx2
#undef ControlTraceW
#undef QueryAllTracesW
#undef OpenTraceW
#undef CloseTrace
#undef ProcessTrace
#define EXPORT __declspec(dllexport)

#define SESSION 99
#define TRACE 7
/* Time between two bursts of events, milliseconds. */
#define PAUSE 50

static const GUID KERNEL_NETWORK = {
    0x7dd42a49, 0x5329, 0x4832, {0x8d, 0xfd, 0x43, 0xd9, 0x79, 0x15, 0x3a, 0x88}};

static const wchar_t *stale = L"netpane-1-1";
static wchar_t name[1024];
static volatile LONG stopped, started, enabled, flushes;
static EVENT_TRACE_LOGFILEW file;
static LONG connections, per_second;
static DWORD udp_pid;
static WORD udp_port;

static int is_valid(const EVENT_TRACE_PROPERTIES *p) {
  return p->Wnode.BufferSize >= sizeof *p + 4096 && p->LoggerNameOffset == sizeof *p &&
         p->LogFileNameOffset > p->LoggerNameOffset && (p->LogFileMode & EVENT_TRACE_REAL_TIME_MODE) &&
         (p->Wnode.Flags & WNODE_FLAG_TRACED_GUID) && p->Wnode.ClientContext == 2 && p->BufferSize == 64 &&
         p->FlushTimer == 1;
}

/* Sets the events that ProcessTrace reports: connections, each with connect, send, receive and disconnect; UDP packets of a socket. */
EXPORT void Play(LONG count, LONG rate, DWORD pid, WORD port) {
  connections = count;
  per_second = rate;
  udp_pid = pid;
  udp_port = port;
}

/* Returns 1 if the stale session still runs. */
EXPORT int HasStale(void) { return stale != NULL; }
EXPORT int IsRunning(void) { return started && !stopped; }
EXPORT int Flushes(void) { return flushes; }

EXPORT ULONG WINAPI StartTraceW(PTRACEHANDLE handle, LPCWSTR session, PEVENT_TRACE_PROPERTIES p) {
  if (!is_valid(p) || wcslen(session) >= 1024) return ERROR_BAD_LENGTH;
  wcscpy(name, session);
  *handle = SESSION;
  started = 1;
  return ERROR_SUCCESS;
}

EXPORT ULONG WINAPI EnableTraceEx2(TRACEHANDLE handle, LPCGUID provider, ULONG code, UCHAR level, ULONGLONG any,
                                   ULONGLONG all, ULONG timeout, PENABLE_TRACE_PARAMETERS parameters) {
  if (handle != SESSION || memcmp(provider, &KERNEL_NETWORK, sizeof KERNEL_NETWORK) != 0) return ERROR_INVALID_PARAMETER;
  if (code != EVENT_CONTROL_CODE_ENABLE_PROVIDER || level < 4 || any != 0x30 || all != 0 || timeout != 0 || parameters)
    return ERROR_INVALID_PARAMETER;
  enabled = 1;
  return ERROR_SUCCESS;
}

EXPORT ULONG WINAPI ControlTraceW(TRACEHANDLE handle, LPCWSTR session, PEVENT_TRACE_PROPERTIES p, ULONG code) {
  if (!is_valid(p)) return ERROR_BAD_LENGTH;
  if (handle == 0 && stale && session && wcscmp(session, stale) == 0 && code == EVENT_TRACE_CONTROL_STOP) {
    stale = NULL;
    return ERROR_SUCCESS;
  }
  int is_ours = started && !stopped && (handle == SESSION || (handle == 0 && session && wcscmp(session, name) == 0));
  if (!is_ours) return ERROR_WMI_INSTANCE_NOT_FOUND;
  if (code == EVENT_TRACE_CONTROL_STOP) InterlockedExchange(&stopped, 1);
  if (code == EVENT_TRACE_CONTROL_FLUSH) InterlockedIncrement(&flushes);
  if (code == EVENT_TRACE_CONTROL_QUERY) {
    p->EventsLost = 3;
    p->RealTimeBuffersLost = 1;
  }
  return ERROR_SUCCESS;
}

EXPORT ULONG WINAPI QueryAllTracesW(PEVENT_TRACE_PROPERTIES *all, ULONG size, PULONG count) {
  const wchar_t *names[] = {L"EventLog-System", stale};
  *count = stale ? 2 : 1;
  if (size < *count) return ERROR_MORE_DATA;
  for (ULONG i = 0; i < *count; i++) {
    if (!is_valid(all[i])) return ERROR_BAD_LENGTH;
    wcscpy((wchar_t *)((char *)all[i] + all[i]->LoggerNameOffset), names[i]);
  }
  return ERROR_SUCCESS;
}

EXPORT TRACEHANDLE WINAPI OpenTraceW(PEVENT_TRACE_LOGFILEW f) {
  ULONG mode = PROCESS_TRACE_MODE_REAL_TIME | PROCESS_TRACE_MODE_EVENT_RECORD;
  if (!enabled || f->ProcessTraceMode != mode || !f->EventRecordCallback || f->LogFileName ||
      wcscmp(f->LoggerName, name) != 0)
    return INVALID_PROCESSTRACE_HANDLE;
  file = *f;
  return TRACE;
}

EXPORT ULONG WINAPI CloseTrace(TRACEHANDLE handle) { return handle == TRACE ? ERROR_SUCCESS : ERROR_INVALID_HANDLE; }

#pragma pack(1)
struct payload {
  DWORD pid, size, daddr, saddr;
  WORD dport, sport;
  DWORD more[3];
};
#pragma pack()

static void report(USHORT id, struct payload *payload) {
  EVENT_RECORD record;
  memset(&record, 0, sizeof record);
  record.EventHeader.ProviderId = KERNEL_NETWORK;
  record.EventHeader.EventDescriptor.Id = id;
  GetSystemTimeAsFileTime((FILETIME *)&record.EventHeader.TimeStamp);
  record.UserData = payload;
  record.UserDataLength = sizeof *payload;
  file.EventRecordCallback(&record);
}

EXPORT ULONG WINAPI ProcessTrace(PTRACEHANDLE handles, ULONG count, LPFILETIME from, LPFILETIME until) {
  if (count != 1 || handles[0] != TRACE || from || until) return ERROR_INVALID_PARAMETER;
  LONG done = 0;
  if (udp_port) {
    struct payload received = {udp_pid, 100, htonl(INADDR_LOOPBACK), htonl(0xc6336407), htons(udp_port), htons(9)};
    for (int i = 0; i < 10; i++) report(43, &received);
  }
  while (!stopped) {
    for (LONG i = 0; i < per_second * PAUSE / 1000 / 4 && done < connections; i++, done++) {
      struct payload p = {udp_pid, 0, htonl(0x0a010203), htonl(0x0a010204), htons(443), htons(10000 + done % 50000)};
      report(12, &p);
      p.size = 11;
      report(10, &p);
      p.size = 22;
      report(11, &p);
      p.size = 0;
      report(13, &p);
    }
    Sleep(PAUSE);
  }
  return ERROR_SUCCESS;
}
