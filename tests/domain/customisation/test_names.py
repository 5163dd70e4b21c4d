"""Names of scripts and hook points (contract customisation 2, 3, 5)."""

import os
import subprocess

import pytest

from domain.customisation.arguments import arguments_of, environment_of
from domain.customisation.hooks import HOOKS, Hook, Stage, find_hook, hook_of_file
from domain.customisation.names import ScriptName, ScriptNameInvalid, ScriptNameMissing
from domain.customisation.syntax import Shell, shell_of
from domain.customisation.templates import template_of


def test_there_are_21_hook_points_in_the_order_of_the_matrix() -> None:
    assert len(HOOKS) == 21
    assert [hook.name for hook in HOOKS[:9]] == [
        "fde-provisioner-bootstrap",
        "fde-provisioner-provision-started",
        "fde-provisioner-bootfs-mounted",
        "fde-provisioner-rootfs-mounted",
        "fde-provisioner-post-flash",
        "fde-provisioner-provision-failed",
        "idp-provisioner-provision-started",
        "idp-provisioner-post-flash",
        "idp-provisioner-provision-failed",
    ]


@pytest.mark.parametrize(
    ("given", "filename"),
    [
        ("sb-provisioner-post-flash", "sb-provisioner-post-flash.sh"),
        ("sb-provisioner-post-flash.sh", "sb-provisioner-post-flash.sh"),
        ("a.sh.sh", "a_sh.sh"),
        (".sh", "_sh.sh"),
        ("../../etc/passwd", "______etc_passwd.sh"),
        ("a b\0c", "a_b_c.sh"),
        ("é", "__.sh"),
        ("x.bash", "x_bash.sh"),
        (os.fsdecode(b"a\xffb.sh"), "a_b.sh"),
        ("💩", "____.sh"),
    ],
)
def test_a_name_is_one_file_of_the_folder(given: str, filename: str) -> None:
    assert ScriptName.asked(given).filename == filename


def test_no_name_is_missing_and_a_name_too_long_is_refused() -> None:
    with pytest.raises(ScriptNameMissing):
        ScriptName.asked("")
    ScriptName.asked("x" * 252).require_possible()
    with pytest.raises(ScriptNameInvalid):
        ScriptName.asked("x" * 253).require_possible()


@pytest.mark.parametrize(
    "text", ["idp-provisioner-bootstrap", "sb-provisioner", "SB-provisioner-post-flash", ".sh"]
)
def test_a_name_that_no_hook_point_has_is_told_with_those_there_are(text: str) -> None:
    with pytest.raises(ScriptNameInvalid) as refused:
        _ = ScriptName(text).hook
    assert "idp-provisioner: provision-started, post-flash, provision-failed" in (
        refused.value.detail
    )


def test_only_an_exact_file_name_has_a_hook_point() -> None:
    assert hook_of_file("sb-provisioner-post-flash.sh") == find_hook("sb-provisioner-post-flash")
    for other in ("sb-provisioner-post-flash", "sb-provisioner", "xsb-provisioner-post-flash.sh"):
        assert hook_of_file(other) is None


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.name)
def test_a_template_is_plain_sh_and_states_what_the_stage_is_given(hook: Hook) -> None:
    template = template_of(hook)
    read = subprocess.run(["sh", "-n"], input=template, text=True, capture_output=True, check=False)
    assert (read.returncode, read.stderr) == (0, "")
    lines = template.splitlines()
    assert (lines[0], lines[-1]) == ("#!/bin/sh", "exit 0")
    assert any(line.startswith("echo ") for line in lines)
    for number, argument in enumerate(arguments_of(hook), 1):
        assert f"#   ${number}  {argument.meaning[:30]}" in template
        if hook.stage is not Stage.PROVISION_FAILED:
            assert f'{argument.variable}="${{{number}}}"' in lines
    assert all(variable.name in template for variable in environment_of(hook))


def test_a_template_runs_and_names_the_device() -> None:
    hook = find_hook("sb-provisioner-post-flash")
    assert hook is not None
    command = ["sh", "-c", template_of(hook), "hook", "spec", "10000000feedface", "mmcblk0"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "Device 10000000feedface is flashed on mmcblk0\n"


@pytest.mark.parametrize(
    ("content", "shell"),
    [
        (b"#!/bin/sh\n", Shell.SH),
        (b"#! /bin/dash -e\n", Shell.SH),
        (b"#!/usr/bin/env bash\n", Shell.BASH),
        (b"#!/usr/bin/env -S bash -e\n", Shell.BASH),
        (b"#!/usr/bin/env -Sbash -e\n", Shell.BASH),
        (b"#!/usr/bin/env -iS -u LANG --chdir=/ bash\n", Shell.BASH),
        (b"#!/usr/bin/env --split-string=/bin/sh -e\n", Shell.SH),
        (b"#!/usr/bin/env FOO=1 sh\n", Shell.SH),
        (b"#!/usr/bin/env -S FOO=1 python3\n", None),
        (b"#!/usr/bin/env -S busybox ash\n", Shell.SH),
        (b"#!/usr/bin/env\n", None),
        (b"#!/bin/busybox sh\n", Shell.SH),
        (b"#!/bin/busybox ash -e\n", Shell.SH),
        (b"#!/bin/busybox awk -f\n", None),
        (b"#!/bin/busybox\n", None),
        (b"#!\n", Shell.SH),
        (b"echo without a first line\n", Shell.SH),
        (b"", Shell.SH),
        (b"#!/usr/bin/python3\n", None),
        (b"#!/usr/bin/env python3\n", None),
        (b"\x7fELF\x02\x01", None),
    ],
)
def test_the_first_line_says_which_shell_reads_a_script(
    content: bytes, shell: Shell | None
) -> None:
    assert shell_of(content) is shell
