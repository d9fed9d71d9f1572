"""Read the JUnit reports of a folder: with the measured files at hand, no test may be skipped."""

import os
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

folder = Path(sys.argv[1])
data = Path(os.environ.get("XPSNET_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))

cases = [case for report in folder.glob("*.xml") for case in ET.parse(report).iter("testcase")]
skipped = {
    f"{case.get('classname')}.{case.get('name')}": mark.get("message", "")
    for case in cases
    for mark in case.iter("skipped")
}
if not cases:
    sys.exit(f"expected JUnit reports with tests in {folder}, found none")
if skipped and data.is_dir():
    lines = [f"  {name}: {reason}" for name, reason in skipped.items()]
    sys.exit("\n".join([f"{len(skipped)} tests were skipped though {data} is there:", *lines]))
place = "measured files at hand" if data.is_dir() else "without the measured files"
print(f"{len(cases)} tests, {len(skipped)} skipped, {place}")
