"""Install the wheel of a folder by itself and see that it is complete.

A fresh environment holds the wheel alone; what it depends on is borrowed from the running one.
"""

import json
import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
from pathlib import Path

USE = """
import json, xpsnet, napari_xpsnet, npe2
manifest = npe2.PluginManifest.from_distribution("napari-xpsnet")
files = [xpsnet.__file__, napari_xpsnet.__file__]
for name in xpsnet.list_models():
    xpsnet.load_model(name)
peaks = xpsnet.predict(xpsnet.sample("spectrum"))
print(json.dumps([files, manifest.display_name, sorted(xpsnet.list_models()), int(peaks.n_peaks)]))
"""

folder = Path(sys.argv[1])
(wheel,) = folder.glob("*.whl")
(sdist,) = folder.glob("*.tar.gz")
names = zipfile.ZipFile(wheel).namelist()
wanted = {
    "manifest": lambda name: name == "napari_xpsnet/napari.yaml",
    "type marker": lambda name: name == "xpsnet/py.typed",
    "license": lambda name: name.endswith("licenses/LICENSE"),
    "weights": lambda name: name.startswith("xpsnet/models/") and name.endswith(".npz"),
    "weights for a CPU": lambda name: name.startswith("xpsnet/models/") and name.endswith(".onnx"),
    "model cards": lambda name: name.startswith("xpsnet/models/") and name.endswith(".json"),
}
missing = [what for what, fits in wanted.items() if not any(map(fits, names))]
if missing:
    sys.exit(f"{wheel.name} lacks: {', '.join(missing)}")
foreign = {name.split("/")[0] for name in names} - {"xpsnet", "napari_xpsnet"}
if any(not name.endswith(".dist-info") for name in foreign):
    sys.exit(f"{wheel.name} would also install {sorted(foreign)}")

with tempfile.TemporaryDirectory() as place:
    venv.create(place, with_pip=True)
    python = Path(place) / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", wheel], check=True)
    paths = sysconfig.get_paths(vars={"base": place, "platbase": place})
    Path(paths["purelib"], "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    run = subprocess.run([python, "-c", USE], cwd=place, check=True, capture_output=True, text=True)
    files, title, models, found = json.loads(run.stdout.splitlines()[-1])
    if not all(file.startswith(paths["purelib"]) for file in files):
        sys.exit(f"expected modules of the wheel, got {files}")

size = wheel.stat().st_size / 1e6
print(
    f"{wheel.name}: {size:.1f} MB, {len(names)} files; plugin {title}; models {', '.join(models)};"
)
print(f"{sdist.name}: {sdist.stat().st_size / 1e6:.1f} MB; the sample spectrum has {found} peaks")
