import numpy as np
import pytest
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec

from regharness.deliveries import checksum
from regharness.text_chunks import LEVEL, decode, encode, padded


@pytest.mark.parametrize("values", [["a", "", "µ-element", "x" * 300], []])
def test_zarr_reads_a_chunk_as_its_own(values):
    store = zarr.storage.MemoryStore()
    group = zarr.open_group(store, mode="w")
    array = group.create_array(
        "text", shape=(6,), chunks=(6,), dtype=str, compressors=[ZstdCodec(level=LEVEL), Crc32cCodec()]
    )
    content = encode(padded(values, 6))
    held = zarr.core.buffer.default_buffer_prototype().buffer.from_bytes(content + checksum(content))
    store._store_dict["text/c/0"] = held
    assert array[:].tolist() == [*values, *[""] * (6 - len(values))]


def test_a_chunk_comes_back_as_it_was():
    texts = np.array([["one", ""], ["Ω", "four"]], dtype=object)
    assert decode(encode(texts)).tolist() == ["one", "", "Ω", "four"]
