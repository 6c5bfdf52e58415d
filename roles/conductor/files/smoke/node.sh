#!/bin/sh
# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The program of each pod of the smoke job: check the environment that Trainer set, and exchange a message with every other
# pod of the job through the names that JobSet assigned. Every failure ends it with one line and exit code 1.
# It requires sh, nc, date, sleep and timeout, as in busybox.
#
# From the TrainJob: SMOKE_JOB, its name; SMOKE_NODES, the number of pods; SMOKE_PATIENCE, how many seconds a pod waits for
# the others. From Kubernetes: JOB_COMPLETION_INDEX.

port=29501
rank=${JOB_COMPLETION_INDEX:?not set, although Trainer creates Indexed Jobs}

wrong() {
  echo "$1 failed: $2. $3"
  exit 1
}

# Training code depends on torchrun's variables: PET_MASTER_ADDR is the address at which all nodes meet.
expect() {
  eval "found=\${$1-nothing}"
  [ "$found" = "$2" ] || wrong environment "$1 is $found instead of $2" \
    "Check the mlPolicy of the runtime, and the log of kubeflow-trainer-controller-manager"
}
expect PET_NNODES "$SMOKE_NODES"
expect PET_NODE_RANK "$rank"
expect PET_MASTER_ADDR "$SMOKE_JOB-node-0-0.$SMOKE_JOB"
expect PET_MASTER_PORT 29500

# Each of the other pods connects once and receives the rank of this one. Runs in the background.
listen() {
  others=$((SMOKE_NODES - 1))
  while [ "$others" -gt 0 ]; do
    nc -l -p "$port" -e echo "node $rank" </dev/null || exit 1
    others=$((others - 1))
  done
}
listen &
listening=$!

# A name exists only when its pod does, and its program may start later. Without a timeout, a DNS server that does not
# answer would block one attempt for a minute.
end=$(($(date +%s) + SMOKE_PATIENCE))
meet() {
  until answer=$(timeout 5 nc -w 2 "$2" "$port" </dev/null 2>&1) && [ -n "$answer" ]; do
    [ "$(date +%s)" -lt "$end" ] || wrong names "$2 was not reached in $SMOKE_PATIENCE s: ${answer:-no answer}" \
      "Check the cluster's DNS, the NetworkPolicies in this namespace, and the network between nodes"
    sleep 1
  done
  [ "$answer" = "node $1" ] || wrong names "$2 is answered by '$answer' instead of node $1" \
    "Check the Service $SMOKE_JOB in this namespace"
}
other=0
while [ "$other" -lt "$SMOKE_NODES" ]; do
  [ "$other" = "$rank" ] || meet "$other" "$SMOKE_JOB-node-0-$other.$SMOKE_JOB"
  other=$((other + 1))
done

# Keep listening for pods that have not connected yet.
( sleep "$SMOKE_PATIENCE"; kill "$listening" 2>/dev/null ) &
wait "$listening" || wrong names "not every other pod connected to this one in $SMOKE_PATIENCE s" \
  "See the last lines of the other pods' logs"
echo "names resolve, environment right"
