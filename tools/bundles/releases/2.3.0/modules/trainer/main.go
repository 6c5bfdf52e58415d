// Copyright: Conductor contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Prints the keys and the feature gates of this release's controller.
package main

import (
	"conductor.trainer/tools/bundles/configuration"
	gates "k8s.io/apiserver/pkg/util/feature"

	api "github.com/kubeflow/trainer/v2/pkg/apis/config/v1alpha1"
	_ "github.com/kubeflow/trainer/v2/pkg/features"
)

func main() {
	var found api.Configuration
	api.SetDefaults_Configuration(&found)
	configuration.Print(found, gates.DefaultMutableFeatureGate.GetAll())
}
