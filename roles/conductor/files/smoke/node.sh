#!/bin/sh
# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What each pod of the smoke job does: it looks at the environment that Trainer gave it, and exchanges a word with every
# other pod of the job by the names that JobSet gave them. Whatever is wrong ends it with one line and exit code 1.
# What busybox has of sh, nc, date, sleep and timeout is enough.
#
# From the TrainJob: SMOKE_JOB, its name; SMOKE_NODES, how many pods there are; SMOKE_PATIENCE, how many seconds a pod
# waits for the others. From Kubernetes: JOB_COMPLETION_INDEX.

port=29501
rank=${JOB_COMPLETION_INDEX:?no index, although Trainer makes Indexed Jobs}

wrong() {
  echo "$1 failed: $2. $3"
  exit 1
}

# The names of torchrun's variables are a contract: PET_MASTER_ADDR is where all nodes meet.
expect() {
  eval "found=\${$1-nothing}"
  [ "$found" = "$2" ] || wrong environment "$1 is $found and not $2" \
    "Look at the mlPolicy of the runtime, and at the log of kubeflow-trainer-controller-manager"
}
expect PET_NNODES "$SMOKE_NODES"
expect PET_NODE_RANK "$rank"
expect PET_MASTER_ADDR "$SMOKE_JOB-node-0-0.$SMOKE_JOB"
expect PET_MASTER_PORT 29500

# Each of the others connects once and is told who answers. This end is in the background while the other is looked for.
listen() {
  others=$((SMOKE_NODES - 1))
  while [ "$others" -gt 0 ]; do
    nc -l -p "$port" -e echo "node $rank" </dev/null || exit 1
    others=$((others - 1))
  done
}
listen &
listening=$!

# A name may take a moment, because it is there only when its pod is, and so may whoever answers to it. A DNS that does
# not answer would hold up one try for a minute.
end=$(($(date +%s) + SMOKE_PATIENCE))
meet() {
  until answer=$(timeout 5 nc -w 2 "$2" "$port" </dev/null 2>&1) && [ -n "$answer" ]; do
    [ "$(date +%s)" -lt "$end" ] || wrong names "$2 was not reached in $SMOKE_PATIENCE s: ${answer:-no answer}" \
      "Look at the cluster's DNS, at NetworkPolicies in this namespace, and at the network between nodes"
    sleep 1
  done
  [ "$answer" = "node $1" ] || wrong names "$2 is answered by '$answer' and not by node $1" \
    "Look at the Service $SMOKE_JOB in this namespace"
}
other=0
while [ "$other" -lt "$SMOKE_NODES" ]; do
  [ "$other" = "$rank" ] || meet "$other" "$SMOKE_JOB-node-0-$other.$SMOKE_JOB"
  other=$((other + 1))
done

# Whoever has not come yet would find nobody.
( sleep "$SMOKE_PATIENCE"; kill "$listening" 2>/dev/null ) &
wait "$listening" || wrong names "not every other pod came to this one in $SMOKE_PATIENCE s" \
  "The other pods' last lines say what they saw"
echo "names resolve, environment right"
