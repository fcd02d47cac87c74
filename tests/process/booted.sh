#!/bin/sh
# Boots systemd as the first process of namespaces of its own, on a copy of this machine that lies
# in memory: nothing outside is written, and with this process everything in it ends.
#   unshare -m -p -u -i -n -C --fork --kill-child sh tests/process/booted.sh ROOM SHARE PROGRAM SITE PYTHON COMMAND
# ROOM: an empty folder. SHARE: seen inside as /trial. PROGRAM: becomes /opt/breakwater, with the
# packages of SITE and PYTHON. COMMAND is run once systemd is up.
set -eu
room=$1 share=$2 program=$3 site=$4 python=$5
shift 5
mount --make-rprivate /
mount -t tmpfs tmpfs "$room"
mkdir "$room/upper" "$room/work" "$room/new"
mount -t overlay overlay -o "lowerdir=/,upperdir=$room/upper,workdir=$room/work" "$room/new"
cd "$room/new"
mount -t proc proc proc
# what is written there would reach the kernel of the machine
for path in proc/sys proc/sysrq-trigger; do
  [ -e "$path" ] || continue
  mount --bind "$path" "$path"
  mount -o remount,bind,ro "$path"
done
for path in sys run tmp dev; do mount -t tmpfs tmpfs "$path"; done
mkdir -p sys/fs/cgroup dev/pts dev/shm dev/mqueue
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
mount -t mqueue mqueue dev/mqueue
mknod -m 666 dev/null c 1 3
mknod -m 666 dev/zero c 1 5
mknod -m 666 dev/full c 1 7
mknod -m 666 dev/random c 1 8
mknod -m 666 dev/urandom c 1 9
mknod -m 666 dev/tty c 5 0
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for pair in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${pair%%:*}" "dev/${pair#*:}"; done
mkdir trial
mount --bind "$share" trial
mkdir -p opt/breakwater
cp -r "$program/." opt/breakwater/
version=$(basename "$(dirname "$site")")
mkdir -p "opt/breakwater/.venv/bin" "opt/breakwater/.venv/lib/$version/site-packages"
ln -s "$python" opt/breakwater/.venv/bin/python
printf 'home = /usr/bin\n' >opt/breakwater/.venv/pyvenv.cfg
mount --bind "$site" "opt/breakwater/.venv/lib/$version/site-packages"
rm -rf etc/systemd/system
mkdir etc/systemd/system
# nothing of the machine's own boot: only what the trial asks for
for target in sysinit basic network-online; do
  printf '[Unit]\nDefaultDependencies=no\n' >"etc/systemd/system/$target.target"
done
printf '[Unit]\nDefaultDependencies=no\nWants=trial.service\n' >etc/systemd/system/trial.target
cat >etc/systemd/system/trial.service <<EOF
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
WorkingDirectory=/opt/breakwater
ExecStart=/opt/breakwater/.venv/bin/python $*
StandardOutput=file:/trial/out
StandardError=inherit
EOF
ip link set lo up
mkdir old
pivot_root . old
umount -l /old
# as a machine has it: what systemd mounts for one service (credentials) is seen by that service
mount --make-rshared /
exec env -i container=trial PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --system --unit=trial.target --log-target=null --show-status=no
