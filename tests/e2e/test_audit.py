"""The audit log of the real program: killed, stopped, verified by its own command."""

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.e2e.process import Program

RENAME = 'mutation { renameStation(input: {name: "NAME"}) { __typename } }'
HERE = Path(__file__).parents[2]


def _verify(root: Path, *heads: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "server.main", "audit", "verify", "--root", str(root)]
    given = [word for head in heads for word in ("--head", head)]
    done = subprocess.run(
        [*command, *given], capture_output=True, text=True, check=False, timeout=60, cwd=HERE
    )
    return done.returncode, done.stdout


def test_kills_lose_no_acknowledged_change_and_break_no_link(tmp_path: Path) -> None:
    for number in range(3):
        with Program(tmp_path) as program:
            for change in range(5):
                program.graphql(RENAME.replace("NAME", f"{number}-{change}"))
            program.process.kill()
            program.process.wait()
        assert _verify(tmp_path)[0] == 0
    with closing(sqlite3.connect(tmp_path / "srv/rpi-sb-provisioner/audit.db")) as connection:
        query = "select count(*) from audit_log where handler_path = '/graphql#renameStation'"
        assert connection.execute(query).fetchone()[0] == 15


def test_the_head_that_a_stop_leaves_finds_a_cut_tail(tmp_path: Path) -> None:
    with Program(tmp_path) as program:
        program.graphql(RENAME.replace("NAME", "Jig"))
        while_it_runs = _verify(tmp_path)
        assert program.stop() == 0
    # No journal listens below this root, so the head is in the service's own log.
    log = (tmp_path / "service.log").read_text()
    head = re.findall(r'"audit_head":"(\d+:[0-9a-f]{64})"', log)[-1]
    assert (while_it_runs[0], _verify(tmp_path, head)[0]) == (0, 0)
    with closing(sqlite3.connect(tmp_path / "srv/rpi-sb-provisioner/audit.db")) as connection:
        last = "(select max(id) from audit_log)"
        connection.execute(f"delete from audit_chain where id = {last}")
        connection.execute(f"delete from audit_log where id = {last}")
        connection.execute(f"update sqlite_sequence set seq = {last} where name = 'audit_log'")
        connection.commit()
    status, text = _verify(tmp_path, head)
    assert (status, "cut off at the end" in text) == (1, True)
