#!/bin/busybox sh
# First process of the machine that .config/test-arm64-machine.mjs emulates: runs the checks, prints the result, and turns the
# machine off.
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir /dev/pts
mount -t devpts devpts /dev/pts
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tracefs tracefs /sys/kernel/tracing
# In the order of their names inet_diag comes before those that need it.
for module in /modules/*; do insmod "$module"; done
ip link set lo up

cd /app
if node checks.mjs ledger node dist/netpane.js; then result=passed; else result=failed; fi
echo "netpane on Linux $(uname -r): $result"
poweroff -f
