"""Puts `configs/`, which stands beside the package in a checkout, into the wheel."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithConfigs(build_py):
    """Builds the package as usual, then copies `configs/` into it."""

    def run(self) -> None:
        """Build; an editable install reads the folder of the checkout."""
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib, "raysynth", "configs")
            target.mkdir(parents=True, exist_ok=True)
            for file in sorted(Path("configs").glob("*.yaml")):
                shutil.copyfile(file, target / file.name)


setup(cmdclass={"build_py": BuildWithConfigs})
