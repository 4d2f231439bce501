"""Arrays that lie in files: what kernels see of them, and what writing does."""

from __future__ import annotations

import numba as nb
import numpy as np
import pytest

from morphvec.arrays import mapped


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "numbers"
    np.arange(10, dtype="<i4").tofile(path)
    return path


def test_it_holds_the_numbers_of_the_file(file):
    assert mapped(file, "<i4", (10,)).tolist() == list(range(10))
    assert mapped(str(file), np.int32, (2, 3), offset=4).tolist() == [[1, 2, 3], [4, 5, 6]]


def test_a_kernel_sees_no_difference_to_an_array_in_memory(file):
    assert nb.typeof(mapped(file, "<i4", (10,))) == nb.typeof(np.zeros(10, np.int32))


def test_what_is_written_stays_in_memory(file):
    array = mapped(file, "<i4", (10,))
    array[:] = 7
    assert array.tolist() == [7] * 10
    assert mapped(file, "<i4", (10,)).tolist() == list(range(10))


def test_where_the_system_refuses_a_private_map_it_is_a_read_only_one(file, monkeypatch):
    memmap = np.memmap

    def strict(name, dtype, mode, *rest):
        if mode == "c":
            raise OSError(12, "Cannot allocate memory")
        return memmap(name, dtype, mode, *rest)

    monkeypatch.setattr(np, "memmap", strict)
    array = mapped(file, "<i4", (10,))
    assert array.tolist() == list(range(10))
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1
