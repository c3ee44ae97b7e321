#!/usr/bin/env bash
# Starts a real Slurm of one node on this machine, for the tests of the Slurm backend: Debian or Ubuntu, as root, no systemd needed.
#
# munge, slurmctld and slurmd on the loopback address alone; partitions `debug` (the default), `gpu` (two GPUs that are device
# files of other things) and `low` (whose jobs are cancelled when `debug` wants the cores). Times are short so that tests are quick.
# No accounting: that wants a database. Safe to call again: it returns at once while `sinfo` answers. A slurm.conf that it has not
# written is left alone, and it refuses.
set -euo pipefail

conf=/etc/slurm/slurm.conf
mark='# written by tools/slurm_single_node.sh'

if sinfo -h -o %T 2>/dev/null | grep -qE 'idle|mix|alloc'; then exit 0; fi
if [ -e $conf ] && ! grep -qxF "$mark" $conf; then
  echo "$conf was not written by this script, and its Slurm does not answer: start it, or take it away" >&2
  exit 1
fi
[ "$(id -u)" = 0 ] || { echo "starting Slurm needs root" >&2; exit 1; }
if ! command -v slurmctld >/dev/null || ! command -v slurmd >/dev/null || ! command -v munged >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null
fi

# Two tests of this machine may call this at the same time.
exec 9>/run/lock/slurm_single_node
flock 9
if sinfo -h -o %T 2>/dev/null | grep -qE 'idle|mix|alloc'; then exit 0; fi

host=$(hostname -s)
memory=$(awk '/MemTotal/{print int($2 / 1024 * 0.8)}' /proc/meminfo)
mkdir -p /etc/slurm /var/spool/slurmctld /var/spool/slurmd /run/munge
chown munge: /run/munge
cat >$conf <<CONF
$mark
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthType=auth/munge
AuthInfo=cred_expire=5
SlurmUser=root
SlurmdUser=root
StateSaveLocation=/var/spool/slurmctld
SlurmdSpoolDir=/var/spool/slurmd
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
SlurmctldLogFile=/var/log/slurmctld.log
SlurmdLogFile=/var/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_min_interval=0,sched_interval=2,batch_sched_delay=0,bf_interval=2
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
GresTypes=gpu
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
KillWait=12
ReturnToService=2
MpiDefault=none
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$memory Gres=gpu:2 State=UNKNOWN
PartitionName=debug Nodes=$host Default=YES MaxTime=INFINITE PriorityTier=10 PreemptMode=OFF State=UP
PartitionName=gpu Nodes=$host MaxTime=INFINITE PriorityTier=10 PreemptMode=OFF State=UP
PartitionName=low Nodes=$host MaxTime=INFINITE PriorityTier=1 PreemptMode=CANCEL State=UP
CONF
cat >/etc/slurm/gres.conf <<CONF
$mark
AutoDetect=off
NodeName=$host Name=gpu File=/dev/null
NodeName=$host Name=gpu File=/dev/zero
CONF

running() { pgrep -x "$1" >/dev/null; }
running munged || runuser -u munge -- /usr/sbin/munged --force 9>&-
for _ in $(seq 50); do munge -n >/dev/null 2>&1 && break; sleep 0.1; done
running slurmctld || slurmctld 9>&-
running slurmd || slurmd 9>&-
for _ in $(seq 100); do
  if sinfo -h -o %T 2>/dev/null | grep -q idle; then exit 0; fi
  sleep 0.2
done
echo "Slurm did not come up: see /var/log/slurmctld.log and /var/log/slurmd.log" >&2
exit 1
