# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from conductor_setup.setup import CORES as ALL_CORES
from conductor_setup.setup import EVERY_TIME
from conductor_suites import __main__ as runner
from conductor_suites.__main__ import SHARED, environment, execute
from conductor_suites.catalogue import CORES, MUTATED, Suite, all_suites, obstacle
from conductor_suites.results import Counts, Outcome, details, failed, line, skipped, total
from tests.support.playing import CLONE

RESULTS = (
    "<testsuites><testsuite><testcase classname='c' name='good'/>"
    "<testcase classname='c' name='left'><skipped message='no Go'/></testcase>{more}</testsuite></testsuites>"
)


def python(*programs: str) -> tuple[tuple[str, ...], ...]:
    return tuple((sys.executable, "-c", program) for program in programs)


def run(suite: Suite, clone: Path) -> Outcome:
    return asyncio.run(execute(suite, clone, clone, os.environ))


def writing(clone: Path, results: str, code: int) -> Suite:
    program = f"import sys; open('r.xml', 'w').write({results!r}); sys.exit({code})"
    return Suite("a", "unit", python(program), junit=clone / "r.xml")


def test_a_suite_without_results_counts_as_one_test(tmp_path: Path) -> None:
    assert run(Suite("a", "static", python("")), tmp_path).counts == Counts(passed=1)


def test_the_first_command_that_fails_fails_the_suite(tmp_path: Path) -> None:
    suite = Suite("a", "static", python("", "print('why'); raise SystemExit(3)", "open('late', 'w')"))
    outcome = run(suite, tmp_path)
    assert outcome.counts == Counts(failed=1)
    assert outcome.reason.endswith("exit code 3")
    assert "  | why" in details(outcome, tmp_path)
    assert not (tmp_path / "late").exists()


def test_the_end_says_again_what_failed_and_why(tmp_path: Path) -> None:
    good = run(Suite("good", "static", python("")), tmp_path)
    broken = run(Suite("broken", "static", python("print('why')\nprint('')\nraise SystemExit(3)")), tmp_path)
    played = replace(broken, suite=replace(broken.suite, name="played"), log=tmp_path / "played.log")
    rows = [
        "    stderr: not this",
        "fatal: [localhost]: FAILED! =>",
        "    msg: non-zero return code",
        "    stderr: |-",
        "        look here",
        "        error: no such kind",
        "    stdout: one",
        "",
        "TASK [Next]",
    ]
    played.log.write_text("\n".join(rows))  # type: ignore[union-attr]
    more = "".join(
        f"<testcase classname='c' name='bad{number}'><failure message='assert {number}&#10; + more'/></testcase>"
        for number in range(7)
    )
    tested = replace(run(writing(tmp_path, RESULTS.format(more=more), 1), tmp_path), reason="exit code 1")
    assert failed([good, broken, played, tested]) == [
        f"FAIL  broken             {broken.reason}",
        "        why",
        f"FAIL  played             {broken.reason}",
        "        error: no such kind",
        "FAIL  a                  exit code 1",
        *(f"        c::bad{number}: assert {number}" for number in range(5)),
        "        and 2 more",
    ]
    assert failed([replace(tested, failures=("x" * 400,))])[1:] == [f"        {'x' * 300}"]
    gap = skipped(Suite("bundles", "generated", ()), "no Go on PATH", strict=True)
    assert failed([gap]) == [f"FAIL  bundles            {gap.reason}"]
    short = "[ERROR]: it broke\n    msg: in one line\n    stderr: ''\nTASK [Next]\n    stderr: other\n"
    played.log.write_text(short)  # type: ignore[union-attr]
    assert failed([played])[1:] == ["        msg: in one line"]


def test_the_run_ends_with_what_failed_and_the_sum(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    suites = [Suite("bad", "static", ()), Suite("good", "static", ())]
    outcomes = {
        "bad": Outcome(suites[0], Counts(1, 1), 1.0, "exit code 1"),
        "good": Outcome(suites[1], Counts(1), 1.0),
    }
    monkeypatch.setattr(sys, "argv", ["suites", "--jobs=1"])
    monkeypatch.setattr(runner, "all_suites", lambda *_, **__: suites)

    async def execute(suite: Suite, *_: object) -> Outcome:
        return outcomes[suite.name]

    monkeypatch.setattr(runner, "execute", execute)
    assert runner.main() == 1
    assert capsys.readouterr().out.splitlines()[-2:] == ["FAIL  bad                exit code 1", "2 passed, 1 failed"]


@pytest.mark.parametrize("interrupts", ["default_int_handler", "SIG_IGN"])
def test_a_run_that_is_ended_from_outside_ends_its_suites(tmp_path: Path, interrupts: str) -> None:
    """A shell ignores SIGINT for what it starts in the background."""
    started, ended = tmp_path / "started", tmp_path / "ended"
    program = (
        f"import pathlib, signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(pathlib.Path({str(ended)!r})."
        f"touch())); pathlib.Path({str(started)!r}).touch(); signal.pause()"
    )
    suite = f"Suite('a', 'static', (({sys.executable!r}, '-c', {program!r}),))"
    code = (
        f"import signal, sys; signal.signal(signal.SIGINT, signal.{interrupts}); "
        "from conductor_suites import __main__ as runner; from conductor_suites.catalogue import Suite; "
        f"runner.all_suites = lambda *_, **__: [{suite}]; sys.argv = ['suites']; runner.main()"
    )
    path = os.pathsep.join(str(CLONE / "tools" / name) for name in ("suites", "setup"))
    process = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.DEVNULL
    )
    while not started.exists():
        assert process.poll() is None
    process.terminate()
    process.wait(30)
    assert ended.exists()


def test_a_missing_program_fails_the_suite(tmp_path: Path) -> None:
    outcome = run(Suite("a", "static", (("no-such-program",),)), tmp_path)
    assert outcome.counts.failed == 1
    assert "cannot start no-such-program" in outcome.reason


def test_a_suite_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    child = "import os, sys, time; open('child', 'w').write(str(os.getpid())); sys.stdout.close(); time.sleep(600)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    outcome = run(Suite("a", "static", python(parent), limit=2), tmp_path)
    assert outcome.reason.endswith("did not end within 2 s")
    pid = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 10
    while alive(pid) and time.monotonic() < deadline:
        pass
    assert not alive(pid)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_figures_are_shown_below_the_line(tmp_path: Path) -> None:
    properties = "<properties><property name='core 2.19' value='41 checks'/></properties>"
    results = RESULTS.format(more="").replace("<testsuite>", f"<testsuite>{properties}")
    outcome = run(writing(tmp_path, results, 0), tmp_path)
    assert details(outcome, tmp_path)[0] == "        core 2.19: 41 checks"


def test_results_are_counted_test_by_test(tmp_path: Path) -> None:
    outcome = run(writing(tmp_path, RESULTS.format(more=""), 0), tmp_path)
    assert outcome.counts == Counts(passed=1, skips=("c::left: no Go",))
    assert details(outcome, tmp_path) == ["        skipped: c::left: no Go"]


@pytest.mark.parametrize("child", ["failure", "error"])
def test_a_failed_test_counts(tmp_path: Path, child: str) -> None:
    results = RESULTS.format(more=f"<testcase classname='c' name='bad'><{child}/></testcase>")
    outcome = run(writing(tmp_path, results, 1), tmp_path)
    assert outcome.counts.failed == 1
    assert outcome.failures == ("c::bad: ",)


def test_a_failed_run_without_a_failed_test_is_a_failure(tmp_path: Path) -> None:
    assert run(writing(tmp_path, RESULTS.format(more=""), 2), tmp_path).counts.failed == 1


def test_a_run_without_any_test_is_a_failure(tmp_path: Path) -> None:
    outcome = run(writing(tmp_path, "<testsuites/>", 0), tmp_path)
    assert (outcome.counts.failed, outcome.reason) == (1, "no test ran")


def test_results_of_an_earlier_run_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "r.xml").write_text(RESULTS.format(more=""))
    suite = Suite("a", "unit", python(""), junit=tmp_path / "r.xml")
    assert run(suite, tmp_path).counts == Counts(failed=1)


def test_a_gap_is_skipped_with_its_reason_but_fails_in_ci() -> None:
    suite = Suite("bundles", "generated", ())
    gap = skipped(suite, "no Go on PATH", strict=False)
    assert line(gap).split() == ["skip", "bundles", "no", "Go", "on", "PATH"]
    assert total([gap]) == "0 passed, 0 failed, 1 skipped"
    strict = skipped(suite, "no Go on PATH", strict=True)
    assert strict.word == "FAIL"
    assert "no Go on PATH" in "\n".join(details(strict, Path()))


def test_what_a_suite_needs_and_does_not_find_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert obstacle(Suite("ruff", "static", ()), tmp_path) is None
    assert obstacle(Suite("bundles", "generated", ()), tmp_path) == "not on PATH: go"
    assert obstacle(Suite("control-plane", "control_plane", ()), tmp_path) == "not on PATH: go, setpriv"
    assert "no docker on PATH" in str(obstacle(Suite("faults", "cluster", ()), tmp_path))
    core = Suite("core-2.16", "artifact", (), environment="core-2.16")
    assert "core-2.16 was not set up" in str(obstacle(core, tmp_path))
    (tmp_path / ".venvs" / "core-2.16").mkdir(parents=True)
    assert obstacle(core, tmp_path) is None
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho 'no daemon' >&2\nexit 1\n")
    docker.chmod(0o700)
    assert obstacle(Suite("faults", "cluster", ()), tmp_path) == "docker does not answer: no daemon"


def test_the_sum_is_over_all_suites() -> None:
    suite = Suite("a", "unit", ())
    outcomes = [Outcome(suite, Counts(40, 1), 1.0), Outcome(replace(suite, name="b"), Counts(1), 1.0)]
    assert total(outcomes) == "41 passed, 1 failed"


def test_nothing_of_the_user_selects_a_cluster(tmp_path: Path) -> None:
    user = {
        "KUBECONFIG": "k",
        "K8S_AUTH_HOST": "h",
        "ANSIBLE_INVENTORY": "i",
        "MOLECULE_DEBUG": "1",
        SHARED: "mine",
        "LANG": "C",
    }
    variables = environment(tmp_path, tmp_path / "cache", user)
    assert variables["LANG"] == "C"
    assert not {"KUBECONFIG", "K8S_AUTH_HOST", "ANSIBLE_INVENTORY", "MOLECULE_DEBUG", SHARED} & set(variables)


def test_every_scenario_is_a_suite(tmp_path: Path) -> None:
    for name in ("default", "upgrade"):
        (tmp_path / "molecule" / name).mkdir(parents=True)
        (tmp_path / "molecule" / name / "molecule.yml").touch()
    names = [suite.name for suite in all_suites(tmp_path, tmp_path) if suite.name.startswith("molecule-")]
    assert names == ["molecule-default", "molecule-upgrade"]


def test_every_folder_of_tests_is_a_suite(tmp_path: Path) -> None:
    suites = all_suites(CLONE, tmp_path, evidence=True)
    words = {word for suite in suites for command in suite.commands for word in command}
    tests = CLONE / "tests"
    folders = {f"tests/{group}" for group in ("unit", "mutation")} | {
        f"tests/{found.parent.name}/{found.name}"
        for group in ("component", "integration", "packaging")
        for found in (tests / group).iterdir()
        if any(found.rglob("test_*.py"))
    }
    assert folders <= words
    found = {file.relative_to(CLONE) for file in tests.rglob("test_*.py")}
    assert found == {file for file in found if any(file.is_relative_to(folder) for folder in folders)}


def test_every_release_of_ansible_core_that_is_set_up_is_tested(tmp_path: Path) -> None:
    assert tuple(core.version for core in EVERY_TIME) == CORES
    whole = {suite.name for suite in all_suites(CLONE, tmp_path, evidence=True)}
    assert {core.name for core in ALL_CORES} <= whole


def test_code_is_broken_on_purpose_for_evidence_alone(tmp_path: Path) -> None:
    suites = [suite for suite in all_suites(CLONE, tmp_path, evidence=True) if suite.name.startswith("mutation-")]
    assert [suite.name for suite in suites] == [f"mutation-{target}" for target in MUTATED]
    assert all(f"--target={target}" in suite.commands[0] for target, suite in zip(MUTATED, suites, strict=True))
    assert not {suite.name for suite in suites} & {suite.name for suite in all_suites(CLONE, tmp_path)}


def test_what_runs_longer_for_evidence_may_take_longer(tmp_path: Path) -> None:
    every_time = {suite.name: suite.limit for suite in all_suites(CLONE, tmp_path)}
    for suite in all_suites(CLONE, tmp_path, evidence=True):
        assert suite.limit >= 4 * every_time.get(suite.name, 0)
        assert suite.limit >= 2 * 3600


def test_what_is_left_out_every_time_is_run_for_evidence(tmp_path: Path) -> None:
    sampled, whole = (
        {suite.name: suite.commands for suite in all_suites(CLONE, tmp_path, evidence=evidence)}
        for evidence in (False, True)
    )
    assert sampled.keys() < whole.keys()
    marks = ("not evidence", "CONDUCTOR_SAMPLE=true")
    left_out = [name for name, commands in sampled.items() if any(mark in str(commands) for mark in marks)]
    assert {"faults", "molecule-broken"} <= set(left_out)
    assert not any(mark in str(commands) for commands in whole.values() for mark in marks)
    # And nothing else is.
    assert all(whole[name] == commands for name, commands in sampled.items() if name not in left_out)
