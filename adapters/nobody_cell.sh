#!/bin/sh
# Inside new namespaces, as root: hides the station, and runs what comes on the standard input as
# nobody. Arguments: the descriptor that is told when all is ready, the script's file name, how many
# places of the station follow, the places, how many variables follow, the variables, the script's
# arguments.
set -eu
umask 022
ready=$1 name=$2 places=$3
shift 3

hide() {
    if [ -L "$1" ]; then
        return
    elif [ -d "$1" ]; then
        mount -t tmpfs -o size=16m,nr_inodes=4096,mode=0755,nosuid,nodev cell "$1"
    elif [ -e "$1" ]; then
        mount --bind /dev/null "$1"
    fi
}

# The station's own places, wherever this one has them.
while [ "$places" -gt 0 ]; do
    hide "$1"
    shift
    places=$((places - 1))
done
count=$1
shift

# What nobody could write to, and what of the station others may read.
for place in /tmp /var/tmp /dev/shm /run /mnt /srv /home /root /media /var/log \
    /etc/rpi-sb-provisioner; do
    hide "$place"
done
chmod 1777 /tmp
mkdir -p /mnt/boot /mnt/rootfs/etc /tmp/hook
echo "# sample" > /mnt/boot/config.txt
echo "console=serial0,115200 root=PARTUUID=sample" > /mnt/boot/cmdline.txt
echo "127.0.0.1 localhost" > /mnt/rootfs/etc/hosts
chmod -R a+rwX /mnt/boot /mnt/rootfs
cat > "/tmp/hook/$name"
chmod 0555 "/tmp/hook/$name"
mount -o remount,bind,ro / 2> /dev/null || true
cd /tmp

# The variables go first, as env takes them; then the script with its arguments.
variables=$count
while [ "$variables" -gt 0 ]; do
    set -- "$@" "$1"
    shift
    variables=$((variables - 1))
done
set -- "$@" "/tmp/hook/$name"
arguments=$(($# - count - 1))
while [ "$arguments" -gt 0 ]; do
    set -- "$@" "$1"
    shift
    arguments=$((arguments - 1))
done

echo ready > "/dev/fd/$ready"
status=0
prlimit --nproc=256 --fsize=16777216 --as=536870912 --cpu=10 --core=0 --nofile=256 -- \
    setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --bounding-set=-all \
    --inh-caps=-all -- \
    env -i PATH="$PATH" LC_ALL=C.UTF-8 HOME=/tmp "$@" < /dev/null || status=$?
exit "$status"
