"""The package as pip builds it, from a checkout that has been built before."""

import shutil
import subprocess
import sys
import zipfile

from tests.support.process import PATIENCE, ROOT

PACKAGES = ("xmppd", "components")
BUILD = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"


def test_wheel_has_every_module_and_none_that_a_former_build_left(tmp_path):
    checkout = tmp_path / "checkout"
    for folder in (*PACKAGES, "twisted"):
        shutil.copytree(ROOT / folder, checkout / folder)
    for file in ("setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, checkout)
    left = checkout / "build" / "lib" / "xmppd" / "modules"
    left.mkdir(parents=True)
    (left / "tybalt.py").write_text("")
    subprocess.run(
        [sys.executable, "-c", BUILD, tmp_path],
        cwd=checkout,
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    (wheel,) = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".py")}
    for package in PACKAGES:
        here = {str(path.relative_to(ROOT)) for path in (ROOT / package).rglob("*.py")}
        assert {name for name in packed if name.startswith(f"{package}/")} == here
    assert sorted(path.name for path in (checkout / "build").iterdir()) == ["lib"]
