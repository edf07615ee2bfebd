"""The command `schedule` as a user meets it: real processes; no crontab or systemd of the user's.

What would change this machine, `crontab -` and `systemctl`, are programs that note what they got.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.schedule.test_github import in_clone

JIANJIE = Path(sys.executable).with_name("jianjie")
CRONTAB = """#!/bin/sh
case $1 in
  -l) [ -e "$SPOOL" ] || { echo "no crontab for you" >&2; exit 1; }; cat "$SPOOL" ;;
  -) cat > "$SPOOL" ;;
esac
"""
BROKEN = '#!/bin/sh\necho "no such luck." >&2\nexit 1\n'


class House:
    """A folder with settings, a home, and a PATH with no other programs than the given."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.programs = folder, folder / "home", folder / "programs"
        self.spool = folder / "spool"
        in_clone(folder)
        shutil.copy(ROOT / "config.yaml", folder)
        self.programs.mkdir()
        for name in ("cat", "sh"):
            self.program(name, f'#!/bin/sh\nexec /bin/{name} "$@"\n')

    def program(self, name: str, text: str) -> None:
        (self.programs / name).write_text(text, encoding="utf-8")
        (self.programs / name).chmod(0o755)

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        own = {"PATH": str(self.programs), "HOME": str(self.home), "SPOOL": str(self.spool)}
        not_ours = {"XDG_CONFIG_HOME", "XDG_CACHE_HOME", "PATH"}
        kept = {k: v for k, v in os.environ.items() if k not in not_ours}
        return subprocess.run(
            [JIANJIE, "schedule", *words],
            cwd=self.folder,
            env=kept | own | variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def refused(self, *words: str, **variables: str) -> str:
        """The one line on standard error of a command that ends with 2."""
        done = self.run(*words, **variables)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        (line,) = done.stderr.splitlines()
        return line


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_crontab_is_printed_and_nothing_else(house: House) -> None:
    done = house.run("cron", "--model", "deepseek")
    assert (done.returncode, done.stderr) == (0, "")
    first, *comments, line, last = done.stdout.splitlines()
    assert first.startswith("# jianjie begin: made by `jianjie schedule cron`")
    assert last == "# jianjie end"
    assert all(comment.startswith("# ") for comment in comments)
    assert comments[-1].endswith("has the line: export DEEPSEEK_API_KEY=...")
    assert line.endswith(
        f"cd {house.folder} && {{ [ ! -e keys.env ] || . ./keys.env; }}"
        f" && exec {JIANJIE} run --model deepseek"
    )


def test_the_settings_file_and_the_model_in_use_are_named(house: House) -> None:
    (house.folder / "config.yaml").rename(house.folder / "mine.yaml")
    done = house.run("cron", JIANJIE_CONFIG="mine.yaml", JIANJIE_MODEL="qwen", JIANJIE_TAGS="model")
    assert "exec " + f"{JIANJIE} run --config mine.yaml --model qwen\n" in done.stdout
    assert "DASHSCOPE_API_KEY" in done.stdout
    assert done.stderr == (
        "jianjie: set here, and not there: JIANJIE_TAGS. See config.yaml and keys.env\n"
    )


def test_a_crontab_is_installed_beside_other_jobs_once(house: House) -> None:
    house.program("crontab", CRONTAB)
    house.spool.write_text("MAILTO=you\n0 1 * * *  backup\n")
    assert house.run("cron", "--install").stdout.startswith("crontab installed;")
    printed = house.run("cron").stdout
    assert house.spool.read_text() == f"MAILTO=you\n0 1 * * *  backup\n{printed}"
    assert house.run("cron", "--install").stdout.startswith("crontab unchanged;")
    assert house.run("cron", "--install", "--time", "01:15").returncode == 0
    later = house.run("cron", "--time", "01:15").stdout
    assert house.spool.read_text() == f"MAILTO=you\n0 1 * * *  backup\n{later}"


def test_the_first_crontab_of_a_user_is_no_trouble(house: House) -> None:
    house.program("crontab", CRONTAB)
    assert house.run("cron", "--install").returncode == 0
    assert house.spool.read_text() == house.run("cron").stdout


def test_a_crontab_that_cannot_be_read_is_not_overwritten(house: House) -> None:
    house.program("crontab", BROKEN)
    assert "jianjie: crontab -l: no such luck. Print the block" in house.refused(
        "cron", "--install"
    )
    (house.programs / "crontab").unlink()
    assert "crontab: there is no such command here" in house.refused("cron", "--install")


def test_units_are_printed_as_systemctl_cat_shows_them(house: House) -> None:
    done = house.run("systemd", "--time", "01:05")
    assert (done.returncode, done.stderr) == (0, "")
    folder = house.home / ".config/systemd/user"
    assert done.stdout.startswith(f"# {folder}/jianjie.service\n# jianjie.service: made by")
    assert f"\n# {folder}/jianjie.timer\n" in done.stdout
    assert "OnCalendar=Mon..Fri *-*-* 01:05:00 America/New_York\n" in done.stdout


def test_units_are_written_and_the_timer_started(house: House) -> None:
    calls = house.folder / "calls"
    house.program("systemctl", f'#!/bin/sh\necho "$@" >> {calls}\n')
    house.program("systemd-run", "#!/bin/sh\n")
    done = house.run("systemd", "--install", XDG_CONFIG_HOME=str(house.folder / "xdg"))
    assert done.returncode == 0, done.stderr
    assert "loginctl enable-linger" in done.stderr
    assert "namespaces" not in done.stderr
    assert (house.folder / "outputs").is_dir()
    assert (house.home / ".cache/jianjie").is_dir()
    service = (house.folder / "xdg/systemd/user/jianjie.service").read_text()
    assert f'ReadWritePaths="-{house.folder}/outputs" "-{house.home}/.cache/jianjie"\n' in service
    written = sorted((house.folder / "xdg/systemd/user").iterdir())
    assert [path.name for path in written] == ["jianjie.service", "jianjie.timer"]
    assert calls.read_text().splitlines() == [
        "--user show-environment",
        "--user daemon-reload",
        "--user enable --now jianjie.timer",
    ]


def test_where_users_have_no_namespaces_the_service_does_without(house: House) -> None:
    house.program("systemctl", "#!/bin/sh\n")
    house.program("systemd-run", BROKEN)
    done = house.run("systemd", "--install")
    assert done.returncode == 0, done.stderr
    assert "keeps namespaces from users" in done.stderr
    service = (house.home / ".config/systemd/user/jianjie.service").read_text()
    assert "SystemCallFilter=" in service
    assert "PrivateUsers=" not in service
    assert "ProtectSystem=" not in service


def test_without_systemd_nothing_is_written(house: House) -> None:
    assert "systemctl: there is no such command here" in house.refused("systemd", "--install")
    house.program("systemctl", BROKEN)
    said = house.refused("systemd", "--install")
    assert said.startswith("jianjie: systemctl --user show-environment: no such luck. Log in")
    assert not house.home.exists()


def test_a_unit_of_somebody_else_stays(house: House) -> None:
    house.program("systemctl", "#!/bin/sh\n")
    house.program("systemd-run", "#!/bin/sh\n")
    folder = house.home / ".config/systemd/user"
    folder.mkdir(parents=True)
    (folder / "jianjie.timer").write_text("[Timer]\n")
    said = house.refused("systemd", "--install")
    assert "jianjie.timer: is there, and jianjie did not write it" in said
    assert [path.name for path in folder.iterdir()] == ["jianjie.timer"]


def test_a_workflow_is_written_and_only_its_own_file_overwritten(house: House) -> None:
    file = house.folder / ".github/workflows/jianjie.yml"
    assert house.run("github", "--install").stdout.startswith(
        ".github/workflows/jianjie.yml written;"
    )
    assert file.read_text() == house.run("github").stdout
    assert " unchanged;" in house.run("github", "--install").stdout
    assert " written;" in house.run("github", "--install", "--model", "openai").stdout
    assert "secrets.OPENAI_API_KEY" in file.read_text()
    file.write_text("name: mine\n")
    assert "jianjie did not write it" in house.refused("github", "--install")
    assert file.read_text() == "name: mine\n"


@pytest.mark.parametrize("where", ["cron", "systemd", "github"])
@pytest.mark.parametrize("time", ["24:00", "0:30", "00:60", "00:30:00", "0030", "noon", "٠٠:٣٠"])
def test_only_a_time_of_day_is_a_time(house: House, where: str, time: str) -> None:
    said = house.refused(where, "--time", time)
    assert said == f"jianjie: --time: {time!r} is no time of day. Write HH:MM, like 00:30"


def test_an_unknown_model_is_the_same_error_as_elsewhere(house: House) -> None:
    assert house.refused("cron", "--model", "gpt-9").startswith(
        "jianjie: --model: no model profile 'gpt-9'. There are: builtin"
    )


def test_the_printed_workflow_is_yaml_for_every_profile(house: House) -> None:
    for profile in yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))["models"]:
        document = yaml.safe_load(house.run("github", "--model", profile).stdout)
        steps = document["jobs"]["night"]["steps"]
        (env,) = (step["env"] for step in steps if step.get("name") == "The night")
        assert env["JIANJIE_MODEL"] == profile
