# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print the names of the runtimes that the Kubeflow SDK finds, as JSON: ``list_runtimes.py KUBECONFIG CONTEXT``."""

from __future__ import annotations

import json
import sys

from kubeflow.common.types import KubernetesBackendConfig
from kubeflow.trainer import TrainerClient

kubeconfig, context = sys.argv[1:]
backend = KubernetesBackendConfig(config_file=kubeconfig, context=context, namespace="default")
print(json.dumps([runtime.name for runtime in TrainerClient(backend).list_runtimes()]))
