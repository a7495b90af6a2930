"""Fixtures of all tests: plugins written into a folder as installed distributions, and the command line."""

from __future__ import annotations

import logging
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from regharness import catalog as catalog_module
from regharness.catalog import load_catalog

TOYS = Path(__file__).parent / "harness" / "toys.py"


@pytest.fixture
def plugin_folder(tmp_path, monkeypatch):
    """A folder that Python finds distributions in, in this process and in those it starts."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    catalog_module._cached.cache_clear()
    yield folder
    for name in [n for n, m in sys.modules.items() if str(folder) in str(getattr(m, "__file__", ""))]:
        del sys.modules[name]
    catalog_module._cached.cache_clear()


@pytest.fixture
def install(plugin_folder):
    """Write a one-module plugin as a distribution of its own."""

    def write(name: str, source: str, version: str = "1.0") -> None:
        (plugin_folder / f"{name}.py").write_text(source)
        info = plugin_folder / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[regharness]\n{name} = {name}\n")
        catalog_module._cached.cache_clear()

    return write


@pytest.fixture
def toys(install):
    """The catalog with the toy plugin in it."""
    install("regharness_toys", TOYS.read_text())
    return load_catalog()


@pytest.fixture
def regharness(tmp_path):
    """Run the command line as a user does, in a folder of its own."""

    def call(*words: str, check: int | None = 0, **options) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "regharness", *map(str, words)],
            cwd=options.pop("cwd", tmp_path),
            capture_output=True,
            text=True,
            timeout=240,
            **options,
        )
        if check is not None:
            assert done.returncode == check, done.stdout + done.stderr
        return done

    return call


@pytest.fixture(scope="session")
def s3_server():
    """A server that speaks S3, with one bucket, which the environment leads to in this process and its children."""
    import botocore.session
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "someone")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        botocore.session.get_session().create_client("s3").create_bucket(Bucket="bucket")
        yield
    server.stop()


@pytest.fixture
def s3(s3_server):
    """A URL in the bucket that no other test uses."""
    return f"s3://bucket/{secrets.token_hex(8)}"
