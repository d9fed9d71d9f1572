# make demo and make test do all the set-up that a fresh Debian or Ubuntu machine needs.

VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?=
REPORTS := build/reports
DATA := examples/data
OUT := demo_output
export VENV PYTHON

INSTALLED := $(VENV)/.napari-xpsnet

.DEFAULT_GOAL := help
.PHONY: help setup system demo test test-library test-viewer lint docs build benchmarks clean

help:
	@echo "make demo        fit a bundled spectrum and a bundled map; table, figures, files, viewer"
	@echo "make test        all tests (the viewer's on a virtual screen)"
	@echo "make lint        ruff, mypy, the napari manifest, the files in .github"
	@echo "make docs        the documentation site, in build/docs"
	@echo "make build       source distribution and wheel in dist/"
	@echo "make benchmarks  the paper's table and figures beside ours, and the speed"
	@echo "make clean       remove what the other targets made, the environment included"

setup: system $(INSTALLED)

system:
	@.ci/setup system

$(INSTALLED): pyproject.toml | system
	@.ci/setup venv
	@touch $@

demo: setup
	@mkdir -p $(OUT)
	$(BIN)/xpsnet fit $(DATA)/c1s_spectrum.csv -o $(OUT)/spectrum_peaks.csv --plot $(OUT)/spectrum_fit.png --overwrite
	$(BIN)/xpsnet fit $(DATA)/c1s_map.xps.nc -o $(OUT)/map_peaks.nc --plot $(OUT)/map_fit.png --overwrite
	@echo
	@echo "Tables and figures are in $(CURDIR)/$(OUT):"
	@ls $(OUT)
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ]; then \
		echo "Opening the map in napari; close the window to end."; \
		$(BIN)/napari --plugin napari-xpsnet $(DATA)/c1s_map.xps.nc --with napari-xpsnet; \
	else \
		echo "No display here, so the viewer stays closed. Where there is one: $(BIN)/napari"; \
	fi

test: test-library test-viewer

# Two processes: TensorFlow and an OpenGL canvas cannot share one, and the library is tested without Qt.
test-library: setup
	$(BIN)/python -m pytest tests --ignore tests/napari -p no:pytest-qt -p no:napari \
		--junitxml $(REPORTS)/library.xml

test-viewer: setup
	QT_QPA_PLATFORM=xcb xvfb-run -a -s "-screen 0 1600x1000x24" \
		$(BIN)/python -m pytest tests/napari --junitxml $(REPORTS)/viewer.xml

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/npe2 validate napari.yaml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows $(wildcard .github/workflows/*.yml)
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms $(wildcard .github/ISSUE_TEMPLATE/[0-9]*.yml)
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff

# Every warning is an error. Pages that the build makes inside docs/ are made anew each time.
docs: setup
	rm -rf build/docs docs/api docs/gallery
	$(BIN)/sphinx-build -W --keep-going --quiet -b html docs build/docs
	@echo "$$(find build/docs -name '*.html' | wc -l) pages; start with build/docs/index.html"

build: setup
	rm -rf dist
	$(BIN)/python -m build --quiet

benchmarks: setup
	$(BIN)/python benchmarks/paper_table.py
	$(BIN)/python benchmarks/bench_predict.py

clean:
	rm -rf $(VENV) build dist $(OUT) docs/api docs/gallery .pytest_cache .mypy_cache .ruff_cache .hypothesis
