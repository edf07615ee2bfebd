"""What a worker gives up for good before it sees its first file.

Hostile code in it then finds no secret and has nobody to tell: it is another user than root, reads
nothing but libraries, writes nothing, starts nothing, and has no network. By the system's means:

    everywhere  no new process; of root's workers, another user
    Linux       Landlock (files, signals), seccomp (sockets, other processes, modes of files)

Where the kernel lacks one of the two, the other holds. On macOS a worker of a user who is not root
has what that user has. Numbers: linux/landlock.h, linux/seccomp.h, linux/prctl.h, asm/unistd.h.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

_NOBODY = 65534
_PR_SET_DUMPABLE, _PR_SET_KEEPCAPS, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 4, 8, 22, 38
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
"""How many kinds of access to files each version of Landlock knows; from 5 on it is 16."""
_BIND_AND_CONNECT, _SOCKETS_AND_SIGNALS = 0b11, 0b11
_KNOWS_TCP, _KNOWS_SIGNALS = 4, 6
"""Versions of Landlock."""
_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAP_DAC_READ_SEARCH = 2
_CAPABILITY_VERSION_3 = 0x20080522
_SECCOMP_MODE_FILTER = 2
_ALLOW, _EPERM = 0x7FFF0000, 0x00050001
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32 = 0x40000000
DENIED = {
    "x86_64": {
        **{"socket": 41, "connect": 42, "io_uring_setup": 425},
        **{"execve": 59, "execveat": 322, "unshare": 272, "setns": 308},
        **{"ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311},
        **{"pidfd_getfd": 438, "pidfd_send_signal": 424},
        **{"kill": 62, "tkill": 200, "tgkill": 234},
        **{"rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297},
        **{"chmod": 90, "fchmod": 91, "fchmodat": 268, "fchmodat2": 452},
        **{"chown": 92, "fchown": 93, "lchown": 94, "fchownat": 260},
        **{"setxattr": 188, "lsetxattr": 189, "fsetxattr": 190},
        **{"setxattrat": 463, "utime": 132, "utimes": 235, "futimesat": 261, "utimensat": 280},
        **{"add_key": 248, "request_key": 249, "keyctl": 250},
        **{"bpf": 321, "perf_event_open": 298, "userfaultfd": 323},
    },
    "aarch64": {
        **{"socket": 198, "connect": 203, "io_uring_setup": 425},
        **{"execve": 221, "execveat": 281, "unshare": 97, "setns": 268},
        **{"ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271},
        **{"pidfd_getfd": 438, "pidfd_send_signal": 424},
        **{"kill": 129, "tkill": 130, "tgkill": 131},
        **{"rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240},
        **{"fchmod": 52, "fchmodat": 53, "fchmodat2": 452},
        **{"fchown": 55, "fchownat": 54},
        **{"setxattr": 5, "lsetxattr": 6, "fsetxattr": 7},
        **{"setxattrat": 463, "utimensat": 88},
        **{"add_key": 217, "request_key": 218, "keyctl": 219},
        **{"bpf": 280, "perf_event_open": 241, "userfaultfd": 282},
    },
}
"""The system calls that end with EPERM, by machine."""


def confine(libraries: Iterable[Path]) -> None:
    """For the rest of this process's life; what the system has not is left out.

    `libraries` are the folders that can be read afterwards, beside Python's and the system's own.
    """
    if sys.platform == "linux":
        _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        alone = _landlock((*libraries, *_system_libraries()))
        _leave_root(may_read=alone)
        hide()
        _seccomp()
    elif os.geteuid() == 0:
        _become_nobody()
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


def hide() -> None:
    """No other process of the same user can read this one's environment and memory: Linux."""
    if sys.platform == "linux":
        _call("prctl", _PR_SET_DUMPABLE, 0, 0, 0, 0)


def _system_libraries() -> Iterator[Path]:
    """What Python, the engines and the C library load late; fonts that a PDF does not embed."""
    yield from (Path(os.__file__).parent, Path(sys.base_prefix, "lib"))
    yield from map(Path, filter(_has_packages, sys.path))
    yield from map(Path, filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(":")))
    yield from map(Path, ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"))
    yield Path("/nix/store")
    yield from map(Path, ("/usr/share/fonts", "/usr/local/share/fonts", "/etc/ld.so.cache"))


def _has_packages(path: str) -> bool:
    return path.endswith(("lib-dynload", "site-packages", "dist-packages"))


# Root


def _leave_root(*, may_read: bool) -> None:
    """Nobody, but with leave to read where Landlock says what: Python may be in root's home."""
    if os.geteuid() != 0:
        return
    _call("prctl", _PR_SET_KEEPCAPS, 1, 0, 0, 0)
    _become_nobody()
    _keep_capabilities(1 << _CAP_DAC_READ_SEARCH if may_read else 0)


def _become_nobody() -> None:
    """Where the system lets root do so: in some containers there is no other user."""
    with contextlib.suppress(OSError):
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)


def _keep_capabilities(kept: int) -> None:
    if number := _CAPSET.get(os.uname().machine):
        head = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
        _call("syscall", number, head, struct.pack("=6I", kept, kept, 0, 0, 0, 0))


# Landlock


def _landlock(readable: Iterable[Path]) -> bool:
    """No file but those below `readable`, to read; no signal outside. Whether the kernel can."""
    version = _call("syscall", _CREATE_RULESET, None, 0, 1)
    if version < 1:
        return False
    handled = [(1 << _FILE_RIGHTS.get(version, 16)) - 1]
    handled += [_BIND_AND_CONNECT] if version >= _KNOWS_TCP else []
    handled += [_SOCKETS_AND_SIGNALS] if version >= _KNOWS_SIGNALS else []
    attributes = struct.pack(f"={len(handled)}Q", *handled)
    rules = _call("syscall", _CREATE_RULESET, attributes, len(attributes), 0)
    if rules < 0:
        return False
    for path in set(readable):
        _allow_reading(rules, path)
    done = _call("syscall", _RESTRICT_SELF, rules, 0)
    os.close(rules)
    return done == 0


def _allow_reading(rules: int, path: Path) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # there is no such folder here
    rights = _READ_FILE | _READ_DIR if path.is_dir() else _READ_FILE
    _call("syscall", _ADD_RULE, rules, 1, struct.pack("=Qi", rights, place), 0)
    os.close(place)


# seccomp


def _seccomp() -> None:
    machine = os.uname().machine
    if machine not in DENIED:
        return
    code = b"".join(_filter(_AUDIT_ARCH[machine], sorted(DENIED[machine].values())))
    held = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(code) // 8, ctypes.addressof(held))
    _call("prctl", _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, program, 0, 0)


def _filter(machine: int, denied: list[int]) -> Iterator[bytes]:
    """Classic BPF: a call of another machine's kind, or one of `denied`, ends with EPERM."""
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    yield struct.pack("=HBBI", load, 0, 0, 4)
    yield struct.pack("=HBBI", equal, 0, len(denied) + 3, machine)
    yield struct.pack("=HBBI", load, 0, 0, 0)
    yield struct.pack("=HBBI", at_least, len(denied) + 1, 0, _X32)
    for position, number in enumerate(denied):
        yield struct.pack("=HBBI", equal, len(denied) - position, 0, number)
    yield struct.pack("=HBBI", answer, 0, 0, _ALLOW)
    yield struct.pack("=HBBI", answer, 0, 0, _EPERM)


def _call(name: str, *arguments: int | bytes | None) -> int:
    """The C library's function; -1 where the system will not or cannot."""
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return int(getattr(ctypes.CDLL(None), name)(*wide))
