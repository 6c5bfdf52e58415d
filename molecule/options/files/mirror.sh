#!/bin/bash
# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs in a node: starts Debian's docker-registry with one user, makes containerd use it for the registry MIRROR, and
# pushes images of the node. Arguments: MIRROR USER PASSWORD IMAGE=NAME...
set -o errexit -o nounset -o pipefail

mirror=$1 user=$2 password=$3 address=localhost:5000
shift 3
# Stock node images do not have it.
command -v docker-registry > /dev/null ||
    { apt-get --quiet update; apt-get --quiet install --yes --no-install-recommends docker-registry; }

cat > /etc/docker/registry/config.yml << EOF
version: 0.1
storage: {filesystem: {rootdirectory: /var/lib/docker-registry}}
http: {addr: "$address"}
auth: {htpasswd: {realm: mirror, path: /etc/docker/registry/htpasswd}}
EOF
# The registry knows bcrypt only.
hash=$(perl -e 'print crypt($ARGV[0], q($2b$05$abcdefghijklmnopqrstuu))' "$password")
echo "$user:$hash" > /etc/docker/registry/htpasswd
systemctl restart docker-registry
mkdir -p "/etc/containerd/certs.d/$mirror"
printf '[host."http://%s"]\n' "$address" > "/etc/containerd/certs.d/$mirror/hosts.toml"

for image in "$@"; do
    name=$address/${image#*=}
    work=$(mktemp --directory)
    cd "$work"
    mkdir root
    # Only the unpacked files of an image are in the node, so they become the one layer of a new image.
    ctr --namespace k8s.io images mount "${image%%=*}" root > mounted
    tar --create --file layer.tar --directory root .
    ctr --namespace k8s.io images unmount --rm root > unmounted
    jq --null-input --arg layer "sha256:$(sha256sum layer.tar | cut --delimiter=' ' --fields=1)" \
        --arg architecture "$(dpkg --print-architecture)" '{
            architecture: $architecture, os: "linux", rootfs: {type: "layers", diff_ids: [$layer]},
            config: {Entrypoint: ["/manager"], User: "65532:65532", WorkingDir: "/"}
        }' > config.json
    jq --null-input --arg name "$name" '[{Config: "config.json", RepoTags: [$name], Layers: ["layer.tar"]}]' > manifest.json
    # In a namespace of its own, so that the kubelet's has to pull it.
    tar --create manifest.json config.json layer.tar | ctr --namespace mirror images import --no-unpack -
    ctr --namespace mirror images push --plain-http --user "$user:$password" "$name" > pushed
    ctr --namespace mirror images rm --sync "$name"
    cd /
    rm --recursive "$work"
done
