/*
 * Opens eight sockets on loopback: for IPv4 and IPv6 a listener, both ends of a connection to it, and a UDP socket.
 * Prints its pid and their ports as JSON. Closes all of them at the first line of stdin, prints "closed", and ends with
 * the second.
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <stdio.h>
#include <stdlib.h>

struct family {
  const char *name;
  SOCKET listener, connecting, accepted, udp;
};

/* sockaddr_in and sockaddr_in6 have their port at the same offset. */
static unsigned short port_of(SOCKET s) {
  struct sockaddr_in6 address;
  int length = sizeof address;
  if (getsockname(s, (struct sockaddr *)&address, &length) != 0) exit(1);
  return ntohs(address.sin6_port);
}

static struct family open_family(const char *name, int family, struct sockaddr *loopback, int length) {
  struct family all = {name, socket(family, SOCK_STREAM, 0), socket(family, SOCK_STREAM, 0), INVALID_SOCKET,
                       socket(family, SOCK_DGRAM, 0)};
  if (bind(all.listener, loopback, length) != 0 || listen(all.listener, 1) != 0) exit(1);
  if (bind(all.udp, loopback, length) != 0) exit(1);
  ((struct sockaddr_in6 *)loopback)->sin6_port = htons(port_of(all.listener));
  if (connect(all.connecting, loopback, length) != 0) exit(1);
  all.accepted = accept(all.listener, NULL, NULL);
  if (all.accepted == INVALID_SOCKET) exit(1);
  /* Wine reports the process of a socket only once that has used it. */
  char byte = 0;
  if (send(all.connecting, &byte, 1, 0) != 1 || recv(all.accepted, &byte, 1, 0) != 1) exit(1);
  return all;
}

static void print_ports(const struct family *all) {
  printf("\"%s\":{\"listener\":%d,\"connecting\":%d,\"udp\":%d}", all->name, port_of(all->listener),
         port_of(all->connecting), port_of(all->udp));
}

int main(void) {
  WSADATA data;
  struct sockaddr_in v4 = {.sin_family = AF_INET};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
  struct family families[2];
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  v6.sin6_addr.s6_addr[15] = 1;
  if (WSAStartup(MAKEWORD(2, 2), &data) != 0) return 1;
  families[0] = open_family("ipv4", AF_INET, (struct sockaddr *)&v4, sizeof v4);
  families[1] = open_family("ipv6", AF_INET6, (struct sockaddr *)&v6, sizeof v6);
  printf("{\"pid\":%lu,", GetCurrentProcessId());
  print_ports(&families[0]);
  printf(",");
  print_ports(&families[1]);
  printf("}\n");
  fflush(stdout);
  getchar();
  for (int i = 0; i < 2; i++) {
    closesocket(families[i].connecting);
    closesocket(families[i].accepted);
    closesocket(families[i].listener);
    closesocket(families[i].udp);
  }
  printf("closed\n");
  fflush(stdout);
  getchar();
  return 0;
}
