"""Arrays and estimators to bytes and back, without ever running code from data."""

from __future__ import annotations

import importlib
import io
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from homeroom.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

_BROKEN = (
    zipfile.BadZipFile,
    ArithmeticError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)

# Beyond scikit-learn's own classes: what its fitted estimators refer to. Functions are
# named one by one, because a function may be given any argument.
_TRUSTED = frozenset({
    "numpy.dtype",
    "numpy.max",
    "numpy.mean",
    "numpy.median",
    "numpy.min",
    "scipy.interpolate._bsplines.BSpline",
    "sklearn.feature_selection._mutual_info.mutual_info_classif",
    "sklearn.feature_selection._mutual_info.mutual_info_regression",
    "sklearn.feature_selection._univariate_selection.chi2",
    "sklearn.feature_selection._univariate_selection.f_classif",
    "sklearn.feature_selection._univariate_selection.f_regression",
    "sklearn.feature_selection._univariate_selection.r_regression",
})
# Parts of scikit-learn that touch files, processes or foreign code.
_UNTRUSTED_PARTS = frozenset({
    "conftest",
    "datasets",
    "externals",
    "tests",
    "utils",
    "_build_utils",
})


def dump_arrays(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return named arrays as the bytes of an `.npz`, uncompressed, without pickle.

    The same arrays give the same bytes, so they have one address in a store.

    Raises:
        StoreError: If an array has a dtype that `.npz` cannot keep, such as object.

    Example:
        >>> content = dump_arrays({"dense/kernel": np.eye(2, dtype="float32")})
        >>> load_arrays(content)["dense/kernel"].dtype
        dtype('float32')
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, value in arrays.items():
            array = np.asarray(value)
            _require_plain(name, array.dtype)
            entry = zipfile.ZipInfo(f"{name}.npy")  # a fixed date, unlike savez
            with archive.open(entry, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
    return buffer.getvalue()


def load_arrays(content: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays that `dump_arrays` wrote.

    Raises:
        StoreError: If the content is something else: a pickle, an array of objects,
            a compressed archive, or a damaged one.
    """
    _require_plain_zip(content, "arrays")
    arrays: dict[str, NDArray[Any]] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                with archive.open(name) as file:
                    arrays[name.removesuffix(".npy")] = np.lib.format.read_array(
                        file, allow_pickle=False
                    )
    except _BROKEN as error:
        raise StoreError(_not_readable("arrays", error)) from error
    return arrays


def dump_estimator(estimator: Any) -> bytes:
    """Return a scikit-learn estimator or transformer as skops bytes.

    Raises:
        StoreError: If it holds types that could not be loaded safely; they are named.

    Example:
        >>> from sklearn.preprocessing import StandardScaler
        >>> scaler = StandardScaler().fit([[0.0], [2.0]])
        >>> load_estimator(dump_estimator(scaler)).mean_
        array([1.])
    """
    import skops.io  # here: it imports scikit-learn, which reading a run never needs

    name = type(estimator).__name__
    try:
        content: bytes = skops.io.dumps(estimator)
        refused = _refused(skops.io.get_untrusted_types(data=content))
    except (*_BROKEN, skops.io.exceptions.UnsupportedTypeException) as error:
        raise StoreError(
            f"{name} cannot be stored: {error}. Use estimators and functions of "
            "scikit-learn, with settings that are numbers, text or arrays."
        ) from error
    if refused:
        raise StoreError(
            f"{name} cannot be stored safely: it contains {', '.join(refused)}. "
            "What is stored is loaded again without running code from the file, so "
            "only types of scikit-learn, NumPy and SciPy can be. Replace them, or "
            "keep this estimator outside the store."
        )
    return content


def load_estimator(content: bytes) -> Any:
    """Return the estimator that `dump_estimator` wrote.

    Types are checked before anything is constructed. What is inside the arrays of a
    tree is not: load only what came from your own store, verified by its address.

    Raises:
        StoreError: If the content names a type outside scikit-learn, NumPy and SciPy,
            or is damaged.
    """
    import skops.io  # here: it imports scikit-learn, which reading a run never needs

    _require_plain_zip(content, "an estimator")
    try:
        types = skops.io.get_untrusted_types(data=content)
        refused = _refused(types)
        if not refused:
            return skops.io.loads(content, trusted=types)
    except (
        *_BROKEN,
        skops.io.exceptions.UnsupportedTypeException,
        skops.io.exceptions.UntrustedTypesFoundException,
    ) as error:
        raise StoreError(_not_readable("an estimator", error)) from error
    raise StoreError(
        f"The stored estimator was not loaded: it contains {', '.join(refused)}, and "
        "only types of scikit-learn, NumPy and SciPy are trusted. No code was run. "
        "Homeroom does not write such content; find out where it came from."
    )


def _refused(types: Iterable[str]) -> list[str]:
    return sorted(name for name in types if not _is_trusted(name))


def _is_trusted(name: str) -> bool:
    """Return whether `name` is a listed one, or a class scikit-learn itself defines.

    Its modules also hold names they only imported (`subprocess.run`, `joblib.load`),
    so the beginning of a name proves nothing.
    """
    if name in _TRUSTED:
        return True
    module, _, attribute = name.rpartition(".")
    parts = module.split(".")
    if parts[0] != "sklearn" or not _UNTRUSTED_PARTS.isdisjoint(parts):
        return False
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError):
        return False
    return isinstance(found, type) and f"{found.__module__}.{found.__name__}" == name


def _require_plain(name: str, dtype: np.dtype[Any]) -> None:
    kept = not dtype.hasobject
    if kept:
        descr = np.lib.format.dtype_to_descr(dtype)
        kept = np.lib.format.descr_to_dtype(descr) == dtype
    if not kept:
        raise StoreError(
            f"The array {name!r} has dtype {dtype}, which cannot be stored without "
            "pickle. Store numbers, booleans or fixed-width text: for example "
            "array.astype('float32')."
        )


def _require_plain_zip(content: bytes, what: str) -> None:
    """Refuse an archive that would grow when it is read."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except _BROKEN as error:
        raise StoreError(_not_readable(what, error)) from error
    packed = [e.filename for e in entries if e.compress_type != zipfile.ZIP_STORED]
    if packed or sum(e.file_size for e in entries) > len(content):
        raise StoreError(
            f"The content is not {what} that Homeroom wrote: it is a compressed or "
            "overlapping archive, which may be far larger than it looks. It was not "
            "opened. Find out where it came from."
        )


def _not_readable(what: str, error: BaseException) -> str:
    detail = str(error) or type(error).__name__
    return (
        f"The content is not {what} that Homeroom wrote, or is damaged ({detail}). "
        "It was not used. Restore a copy of the store, or train again."
    )
