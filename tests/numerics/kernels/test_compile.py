"""Machine code that is kept must not outlive what it was made of."""

from pathlib import Path

from xpsnet.numerics.kernels import compile, elementary


def test_kept_code_is_marked_with_all_kernel_files():
    folder = Path(compile.__file__).parent
    kept = elementary.unit._cache._cache_file
    assert compile.sources_digest(folder) in kept._source_stamp


def test_the_mark_changes_with_a_file_of_the_folder(tmp_path):
    kernel = tmp_path / "lm_one.py"
    kernel.write_text("a = 1\n")
    before = compile.sources_digest(tmp_path)
    kernel.write_text("a = 2\n")
    compile.sources_digest.cache_clear()
    assert compile.sources_digest(tmp_path) != before
