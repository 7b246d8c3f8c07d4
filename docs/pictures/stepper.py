"""The page that steps through y = w x + sin x, as a browser shows it (Chromium or Chrome)."""
from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from PIL import Image
from style import IMAGES

import minigan as mg

w = mg.tensor(2.0, requires_grad=True)
x = mg.tensor(0.5, requires_grad=True)
y = w * x + mg.ops.sin(x)

with tempfile.TemporaryDirectory() as folder:
    page, shot = Path(folder) / "page.html", Path(folder) / "shot.png"
    mg.viz.steps(y, page)
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    subprocess.run([browser, "--headless", "--no-sandbox", "--window-size=1000,670",
                    "--hide-scrollbars",
                    "--force-device-scale-factor=1.4", f"--screenshot={shot}",
                    f"{page.as_uri()}#8"], check=True, capture_output=True)
    Image.open(shot).convert("RGB").quantize(256).save(IMAGES / "stepper.png", optimize=True)
print(f"wrote docs/images/stepper.png ({(IMAGES / 'stepper.png').stat().st_size / 1024:.0f} KB)")
