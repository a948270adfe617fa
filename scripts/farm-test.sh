#!/usr/bin/env bash
# A Slurm farm on one machine, as root and without systemd, for tests of `perfvt farm`:
#
#   scripts/farm-test.sh up DIR h1=amd64,kvm h2=amd64 ..   runs it until it is killed; DIR/ready is there when all hosts are
#   scripts/farm-test.sh in DIR COMMAND ..                 a command on its control host
#   scripts/farm-test.sh on DIR h1 COMMAND ..              a command on a host
#   scripts/farm-test.sh cut DIR h1                        power cut: the host and all that runs on it is gone
#   scripts/farm-test.sh boot DIR h1                       power on
#   scripts/farm-test.sh controller DIR kill|start         slurmctld
#   scripts/farm-test.sh daemon DIR h1                     kill -9 of a host's slurmd alone
#   scripts/farm-test.sh reboot DIR h1,h2                  these hosts end and begin again, as Slurm's RebootProgram has it
#
# A kernel for one boot is what a kexec that pretends wrote into DIR/hosts/h1/loaded: the command line that the host then has, or
# the word panic, and the old one is back.
#
# The control host has network, PID and mount namespaces of its own, and each host has such ones within these, with its own sysfs
# (so its own locks on CPUs), boot id and machine id. Who kills the process of `up` by KILL, for unshare ignores TERM, ends everything: daemons, hosts, bridge.
# Needs slurmctld, slurmd, slurm-client, munge, iproute2, util-linux.
set -euo pipefail
verb=$1 dir=$2 self=$(realpath "$0")
shift 2
export SLURM_CONF=$dir/slurm.conf PATH=/usr/sbin:/usr/bin:/sbin:/bin
net=10.77.0

# The first process of the namespaces that a starter made.
first_of() { tr -d ' ' < "/proc/$1/task/$1/children"; }
inside() { exec nsenter --target "$(first_of "$(cat "$dir/starter")")" --net --pid --mount --uts "$@"; }

# One key for all, and no address in it: munge's socket is a file that all hosts see.
keys() {
    (umask 077 && head -c 1024 /dev/urandom > "$dir/munge.key")
    munged --force --key-file="$dir/munge.key" --socket="$dir/munge.sock" --pid-file="$dir/munged.pid" \
        --log-file="$dir/log/munged.log" --seed-file="$dir/munge.seed"
}

# cred_expire: what was requeued waits one second longer than that. bf_interval: the main scheduler stops at the first job that
# cannot begin. CgroupPlugin: left to itself, slurmd dies where no cgroup file system is mounted.
configuration() {
    echo CgroupPlugin=cgroup/v1 > "$dir/cgroup.conf"
    printf '#!/bin/sh\nexec bash "%s" reboot-here "%s" "$1"\n' "$self" "$dir" > "$dir/reboot"
    chmod +x "$dir/reboot"
    cat > "$dir/slurm.conf" << CONF
ClusterName=perfvt
SlurmctldHost=control($net.1)
SlurmUser=root
AuthInfo=socket=$dir/munge.sock,cred_expire=5
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/hosts/%n/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/hosts/%n/slurmd.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0
MaxNodeCount=16
MinJobAge=86400
ReturnToService=2
SlurmctldTimeout=5
SlurmdTimeout=5
MessageTimeout=3
KillWait=10
RebootProgram=$dir/reboot
SlurmctldParameters=reboot_from_controller
ResumeTimeout=30
JobRequeue=1
SlurmdParameters=config_overrides
MailProg=${FARM_MAIL:-/bin/true}
PartitionName=farm Nodes=ALL Default=YES OverSubscribe=EXCLUSIVE MaxTime=7-0 DefaultTime=1:00:00 State=UP
CONF
}

# A host's own process is the first of its namespaces: all others end with it.
boot() {
    local name=$1 host=$dir/hosts/$1 id
    id=$(cat "$host/number")
    cat /proc/sys/kernel/random/uuid > "$host/boot_id"
    cat /proc/cmdline > "$host/cmdline"
    if [ -e "$host/loaded" ] && [ "$(cat "$host/loaded")" != panic ]; then
        cat "$host/loaded" > "$host/cmdline"
    fi
    rm -f "$host/wired" "$host/loaded"
    setsid unshare --net --pid --mount --uts --fork --kill-child --mount-proc \
        bash "$self" host "$dir" "$name" > "$host/out" 2>&1 < /dev/null &
    local starter=$!
    echo "$starter" > "$host/starter"
    # It has its namespaces when it has its child.
    until [ -n "$(first_of "$starter")" ]; do sleep 0.01; done
    ip link add "v$id" type veth peer name eth0 netns "$starter"
    ip link set "v$id" master farm up
    : > "$host/wired"
}

# The host and all that runs on it, at once; its end of the cable goes with it.
cut() {
    kill -9 "$(cat "$dir/hosts/$1/starter")"
    while ip link show "v$(cat "$dir/hosts/$1/number")" > /dev/null 2>&1; do sleep 0.01; done
}

host() {
    local name=$1 host=$dir/hosts/$1 id
    id=$(cat "$host/number")
    hostname "$name"
    mount --make-rprivate /
    mount -t sysfs sysfs /sys
    mount --bind "$host/boot_id" /proc/sys/kernel/random/boot_id
    mount --bind "$host/cmdline" /proc/cmdline
    [ ! -e /etc/machine-id ] || mount --bind "$host/machine_id" /etc/machine-id
    until [ -e "$host/wired" ]; do sleep 0.01; done
    ip addr add "$net.$((id + 1))/24" dev eth0
    ip link set eth0 up
    ip link set lo up
    # Not by exec: with the first process of a namespace all others end.
    while :; do
        slurmd -D -Z -N "$name" -b --conf "CPUs=$(nproc) RealMemory=1000 Feature=$(cat "$host/labels")" || true
        sleep 1
    done
}

serve() {
    local word name number=0
    mount --make-rprivate /
    hostname control
    printf '127.0.0.1 localhost\n%s.1 control\n' $net > "$dir/names"
    [ ! -e /etc/hosts ] || mount --bind "$dir/names" /etc/hosts
    ip link set lo up
    ip link add farm type bridge
    ip addr add "$net.1/24" dev farm
    ip link set farm up
    keys
    configuration
    slurmctld
    for word; do
        name=${word%%=*} number=$((number + 1))
        mkdir -p "$dir/hosts/$name/spool"
        echo $number > "$dir/hosts/$name/number"
        echo "${word#*=}" > "$dir/hosts/$name/labels"
        tr -d - < /proc/sys/kernel/random/uuid > "$dir/hosts/$name/machine_id"
        boot "$name"
    done
    until [ "$(sinfo -h -N -t idle 2> /dev/null | wc -l)" = $# ]; do sleep 0.05; done
    : > "$dir/ready"
    # The first process of a namespace takes over what others leave.
    while :; do wait -n 2> /dev/null || sleep 0.2; done
}

case $verb in
up)
    install -d -m 755 "$dir" "$dir/hosts" "$dir/state" "$dir/log"
    rm -f "$dir/ready"
    echo $$ > "$dir/starter"
    exec unshare --net --pid --mount --uts --fork --kill-child --mount-proc bash "$self" serve "$dir" "$@"
    ;;
serve) serve "$@" ;;
host) host "$@" ;;
in) inside "$@" ;;
on) inside bash "$self" on-here "$dir" "$@" ;;
on-here)
    target=$(first_of "$(cat "$dir/hosts/$1/starter")")
    shift
    exec nsenter --target "$target" --net --pid --mount --uts "$@"
    ;;
boot) inside bash "$self" boot-here "$dir" "$1" ;;
boot-here) boot "$1" ;;
cut) inside bash "$self" cut-here "$dir" "$1" ;;
cut-here) cut "$1" ;;
controller)
    case $1 in
    kill) inside bash -c 'kill -9 "$(cat "$1")"' - "$dir/slurmctld.pid" ;;
    start) inside slurmctld ;;
    esac
    ;;
reboot) inside bash "$self" reboot-here "$dir" "$1" ;;
reboot-here)
    for name in ${1//,/ }; do
        cut "$name"
        boot "$name"
    done
    ;;
daemon) inside bash "$self" daemon-here "$dir" "$1" ;;
daemon-here)
    nsenter --target "$(first_of "$(cat "$dir/hosts/$1/starter")")" --pid --mount kill -9 "$(cat "$dir/hosts/$1/slurmd.pid")"
    ;;
*)
    echo "$0: unknown verb $verb" >&2
    exit 2
    ;;
esac
