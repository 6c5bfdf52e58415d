# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of one installation run. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import InputError
from ..release.bundle import PHASES

# Seconds to wait for another run to end. An apply takes less time, even on a slow cluster.
LEASE_TIMEOUT = 120.0
# Seconds until all images must be there.
PULL_PROOF_TIMEOUT = 300.0
NO_PULL_PROOF, OF_CONTROLLERS, OF_ALL = PULL_PROOFS = ("none", "controllers", "all")


@dataclass(frozen=True)
class InstallOptions:
    """The options of one installation run.

    Args:
        profile: the profile of the bundle, for the install record.
        jobset: C(bundled) installs the JobSet of the release, C(external) uses an existing one. C(auto) keeps the mode
            of the installation; for a new installation it uses an existing JobSet, if there is one.
        phases: write only the objects of these phases. The plan and its blockers always cover all phases.
        force: overwrite fields of our objects that other field managers own.
        prune: delete the objects that an earlier release created and this release does not have.
        prune_crds: prune CRDs, too.
        check: write nothing; ask the server by dry runs what would change. Fails where the run would fail.
        with_diff: report the changed fields.
        cluster_uid: the expected identity of the cluster; None accepts any.
        accept: warning codes to suppress.
        adopt: the installers whose objects may be adopted; some of C(names.ADOPTABLE).
        lease_timeout: seconds to wait for another run on the same cluster to end.
        pull_proof: which images are shown to be on nodes before the controllers are changed; one of C(PULL_PROOFS).
        pull_proof_timeout: seconds that this may take.
    """

    profile: str = "default"
    jobset: str = "auto"
    phases: Sequence[str] = PHASES
    force: bool = False
    prune: bool = True
    prune_crds: bool = False
    check: bool = False
    with_diff: bool = False
    cluster_uid: str | None = None
    accept: Sequence[str] = ()
    adopt: Sequence[str] = ()
    lease_timeout: float = LEASE_TIMEOUT
    pull_proof: str = NO_PULL_PROOF
    pull_proof_timeout: float = PULL_PROOF_TIMEOUT

    def validate(self) -> None:
        """Fail if a value is not allowed.

        Raises:
            InputError: a phase or a warning code is unknown, or a time is too short.
        """
        if unknown := sorted(set(self.phases) - set(PHASES)):
            raise InputError(f"unknown phases: {', '.join(unknown)}", next_step=f"use some of: {', '.join(PHASES)}")
        if self.accept:
            # A late import: the catalogue of findings.
            from ..findings.accepted import check_accepted

            check_accepted(self.accept)
        if self.pull_proof != NO_PULL_PROOF and self.pull_proof_timeout <= 0:
            raise InputError(
                "the pull proof must have some time",
                next_step="set `conductor_pull_proof_timeout` to 1 or more seconds",
            )
