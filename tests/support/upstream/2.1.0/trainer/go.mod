// Copyright: Conductor contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Only its manifests are read.
module conductor.trainer/tests/upstream/trainer

go 1.24

require github.com/kubeflow/trainer/v2 v2.1.0
