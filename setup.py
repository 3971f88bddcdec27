"""What setup.cfg can't say: where a package is built."""

import tempfile

from setuptools import setup

# A wheel is packed from all that lies in the build directory. One in the checkout would keep the
# modules that a later release has renamed or deleted, and the server would load both.
_build = tempfile.TemporaryDirectory(prefix="xmppd-build-")

setup(options={"build": {"build_base": _build.name}})
