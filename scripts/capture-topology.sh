#!/usr/bin/env bash
# Prints what perfvt reads of a machine's topology, as one text: for a bug report, or for vm/testdata/topology.
#   scripts/capture-topology.sh [ROOT] > machine.txt
# A line that begins with / names a directory; `name: content` below it a file, with \n for line ends.
set -euo pipefail
cd "${1:-/}"

files() { # DIR NAME.. : those of the files that can be read
    local dir=$1 name head=""
    shift
    for name in "$@"; do
        local content
        [ -f "$dir/$name" ] || continue
        # Of a node's memory the total is enough.
        content=$(tr -d '\0' < "$dir/$name" 2>/dev/null | sed -n '/: *[0-9]* kB/{/MemTotal/p;d};p' | sed -z 's/\n/\\n/g') ||
            continue
        [ -n "$head" ] || { head=/$dir; echo "$head"; }
        echo "$name: $content"
    done
}

numbered() { ls -d "$@" 2>/dev/null | sort -V || true; }

cpu=sys/devices/system/cpu
node=sys/devices/system/node
files $cpu online isolated nohz_full
for one in $(numbered $cpu/cpu[0-9]*); do
    if [ -f "$one/topology/thread_siblings_list" ]; then
        files "$one/topology" physical_package_id core_cpus_list thread_siblings_list
    else
        files "$one/topology" physical_package_id core_cpus thread_siblings
    fi
    for index in $(numbered "$one"/cache/index[0-9]*); do
        if [ -f "$index/shared_cpu_list" ]; then shared=shared_cpu_list; else shared=shared_cpu_map; fi
        files "$index" level type size $shared
    done
done
files $node online has_memory has_normal_memory
for one in $(numbered $node/node[0-9]*); do
    if [ -f "$one/cpulist" ]; then list=cpulist; else list=cpumap; fi
    files "$one" $list distance meminfo
    for pages in $(numbered "$one"/hugepages/hugepages-*kB); do files "$pages" free_hugepages; done
done
for nic in $(numbered sys/class/net/*); do
    [ -e "$nic/device" ] || continue
    files "$nic" operstate
    files "$nic/device" numa_node irq
    irqs=$(ls "$nic/device/msi_irqs" 2>/dev/null || true)
    [ -z "$irqs" ] || files "$nic/device/msi_irqs" $irqs
    if [ -z "$irqs" ] && [ -d "$nic/device/../msi_irqs" ]; then
        # A virtio device's interrupts are its parent's; `device/..` of the laid-out text is the interface's folder.
        irqs=$(ls "$nic/device/../msi_irqs")
        echo "/$nic/msi_irqs"
        for irq in $irqs; do echo "$irq: msix\n"; done
    fi
    for irq in $irqs $(cat "$nic/device/irq" 2>/dev/null || true); do
        files "proc/irq/$irq" effective_affinity_list smp_affinity_list
    done
done
