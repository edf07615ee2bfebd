"""A worker whose engine was taken over: what it tries against the run, its user and the machine.

Each attempt is made by a real worker, once as a child of root and once as a child of a user; what
would succeed without the confinement is shown by the same attempts made in the open.
"""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.pdf.confine import DENIED
from tests.conftest import ROOT
from tests.pdf.burglar import ATTEMPTS, SECRET

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the means")
USER = 12345
AS_USER = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
# Root's own Python may lie in root's home, which a user cannot look into.
READS_ALL = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]


class House:
    """A folder of the user who runs jianjie, whose key is in a file and in the environment."""

    def __init__(self, folder: Path, *, root: bool) -> None:
        self.folder = folder
        self.root = root
        self.keys = folder / "keys.env"
        self.keys.write_text(SECRET)
        self.keys.chmod(0o600)
        if not root and os.geteuid() == 0:
            for path in (folder, self.keys):
                os.chown(path, USER, USER)

    def tries(self, *attempts: str, worker: str = "tests.pdf.burglar") -> list[str]:
        """What came of each."""
        dropped = not self.root and os.geteuid() == 0
        who = [*AS_USER, *READS_ALL] if dropped else []
        done = subprocess.run(
            [*who, sys.executable, "-m", "tests.pdf.burglar", str(self.folder), worker, *attempts],
            cwd=ROOT,
            env={"PATH": os.defpath, "API_KEY": SECRET, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        came: dict[str, str] = json.loads(done.stdout)
        return [came[attempt] for attempt in attempts]


@pytest.fixture(params=["root", "user"])
def house(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> House:
    if request.param == "root" and os.geteuid() != 0:
        pytest.skip("not root")
    folder = tmp_path_factory.mktemp("house")
    for parent in (folder.parent, folder.parent.parent):  # pytest's own: root's alone
        if os.geteuid() == 0:
            parent.chmod(parent.stat().st_mode | 0o011)
    return House(folder, root=request.param == "root")


def refused(said: str) -> bool:
    return said.startswith("refused: ")


def test_the_parents_environment_and_memory_cannot_be_read(house: House) -> None:
    attempts = [f"read /proc/PARENT/{name}" for name in ("environ", "maps", "mem", "cmdline")]
    for said in house.tries(*attempts, "memory ptrace", "memory process_vm_readv"):
        assert refused(said)


def test_nor_where_the_kernel_has_no_landlock_and_no_seccomp(house: House) -> None:
    attempts = [f"read /proc/PARENT/{name}" for name in ("environ", "maps", "mem")]
    attempts += ["memory ptrace", "memory process_vm_readv", "start /bin/true"]
    for said in house.tries(*attempts, worker="tests.pdf.burglar_on_old_kernel"):
        assert refused(said)


def test_what_is_the_users_alone_cannot_be_read_changed_or_listed(house: House) -> None:
    keys = house.keys
    for said in house.tries(f"read {keys}", f"mode {keys}", f"list {house.folder}"):
        assert refused(said)
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600


def test_nothing_can_be_put_down(house: House) -> None:
    house.folder.chmod(0o777)
    for said in house.tries(f"write {house.folder}/a", f"folder {house.folder}/b", "write /tmp/a"):
        assert refused(said)
    assert {path.name for path in house.folder.iterdir()} == {"keys.env", "attempt.pdf"}


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_nobody_can_be_told(house: House, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(f"{house.folder}/agent")
        agent.listen()
        (house.folder / "agent").chmod(0o777)
        ways = (
            f"connect 127.0.0.1:{port}",
            f"send 127.0.0.1:{port}",
            f"connect {agent.getsockname()}",
        )
        for said in house.tries(*ways):
            assert refused(said)


def test_no_other_program_and_no_signal(house: House) -> None:
    for said in house.tries("start /bin/true", "become /bin/true", "signal"):
        assert refused(said)


def test_the_standard_library_is_still_there(house: House) -> None:
    """Codecs are loaded when a font first asks for them."""
    assert house.tries("late encodings.cp037", "late _codecs_jp") == ["loaded", "loaded"]


@pytest.mark.skipif(os.geteuid() != 0, reason="not root")
def test_a_child_of_root_is_nobody(house: House) -> None:
    expected = "65534 65534 65534 []" if house.root else f"{USER} {USER} {USER} []"
    assert house.tries("who") == [expected]


HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


@pytest.mark.parametrize("machine", DENIED)
def test_the_numbers_of_the_system_calls_are_the_kernels(machine: str) -> None:
    if not HEADERS[machine].exists():
        pytest.skip("no kernel headers here")
    defined = re.findall(r"#define __NR(?:3264)?_(\w+) (\d+)", HEADERS[machine].read_text())
    numbers = {name: int(number) for name, number in defined}
    known = {name: number for name, number in DENIED[machine].items() if name in numbers}
    assert len(known) >= len(DENIED[machine]) - 2  # the newest are not in every header
    assert known == {name: numbers[name] for name in known}


def test_in_the_open_each_attempt_succeeds(
    tmp_path: Path, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So what is refused above is refused by the confinement."""
    port = listener.getsockname()[1]
    (tmp_path / "keys").write_text(SECRET)
    assert SECRET.encode().hex() in ATTEMPTS["read"](f"{tmp_path}/keys")
    assert ATTEMPTS["list"](str(tmp_path)) == "keys"
    assert ATTEMPTS["write"](f"{tmp_path}/a") == "written"
    assert ATTEMPTS["folder"](f"{tmp_path}/b") == "made"
    assert ATTEMPTS["mode"](f"{tmp_path}/a") == "opened to all"
    assert ATTEMPTS["connect"](f"127.0.0.1:{port}") == "connected"
    assert ATTEMPTS["send"](f"127.0.0.1:{port}") == "sent"
    assert ATTEMPTS["start"]("/bin/true") == "0"


def test_in_the_open_a_childs_reach_goes_as_far_as_its_parent(tmp_path: Path) -> None:
    program = (
        "from tests.pdf.burglar import ATTEMPTS as a\n"
        "print(a['memory']('process_vm_readv'), a['memory']('ptrace'), a['signal'](''),"
        " a['read']('/proc/PARENT/environ'))"
    )
    parent = (
        "import subprocess, sys\n"
        "sys.exit(subprocess.run([sys.executable, '-c', sys.argv[1]]).returncode)"
    )
    done = subprocess.run(
        [sys.executable, "-c", parent, program],
        cwd=ROOT,
        env={"API_KEY": SECRET, "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("reached reached sent "), done.stderr
    assert SECRET.encode().hex() in done.stdout
