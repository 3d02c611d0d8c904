"""The `Store` interface as tests."""
# ruff: noqa: PLR0904 - a contract asserts, and has as many clauses as it needs

from __future__ import annotations

import hashlib
import math
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from homeroom.errors import InputError, SealError, StoreError
from homeroom.records import COMPLETE, FAILED, INTERRUPTED, Metric, Selection
from homeroom.store import Store

from .samples import sample_final_test, sample_member, sample_run

_AWKWARD_FLOATS = (
    math.nan,
    math.inf,
    -math.inf,
    -0.0,
    1e308,
    5e-324,
    0.1 + 0.2,
    float(2**53 + 2),
)
_AWKWARD_TEXTS = (
    "붓꽃 🌸",
    "e\u0301 is not é",
    "\u2028\u202e<script>alert('x')</script>",
    "nul \x00 and quote ' and \\",
    "null",
    "nan",
    "",
)


class StoreContract:
    """What every `Store` must do, in any place it keeps things.

    Subclass it under a name that begins with `Test` and supply the fixture `store`,
    an empty store; pytest runs the rest.

    Example:
        >>> import pytest
        >>> from homeroom.store import open_store
        >>> class TestMemoryStore(StoreContract):
        ...     @pytest.fixture
        ...     def store(self):
        ...         return open_store(":memory:")
    """

    def test_ids_count_up_per_name(self, store: Store) -> None:
        """A run's id is its name as a slug and a number of its own."""
        names = ("Digits!", "iris", "digits")
        ids = [store.create_run(sample_run(name)).id for name in names]
        assert ids == ["digits-0001", "iris-0001", "digits-0002"]

    def test_a_run_comes_back_unchanged(self, store: Store) -> None:
        """What is created, members included, is what is read."""
        members = (sample_member("small"), sample_member("forest", 1))
        run = store.create_run(sample_run(members=members))
        assert store.read_run(run.id) == run

    def test_runs_created_from_many_threads_have_their_own_ids(
        self, store: Store
    ) -> None:
        """No two runs share an id, however many are created at once."""
        with ThreadPoolExecutor(4) as pool:
            ids = list(pool.map(lambda _: store.create_run(sample_run()).id, range(12)))
        assert sorted(ids) == [f"digits-{n:04d}" for n in range(1, 13)]

    def test_members_from_many_threads_all_arrive(self, store: Store) -> None:
        """Members saved by four threads at once are all there, in plan order."""
        run = store.create_run(sample_run())
        wanted = [
            sample_member(c, fold, seed)
            for c in ("small", "forest")
            for fold in range(5)
            for seed in range(2)
        ]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda m: store.save_member(run.id, m), reversed(wanted)))
        assert list(store.read_run(run.id).members) == wanted

    def test_a_complete_member_is_final(self, store: Store) -> None:
        """Saving a complete member again, even a different one, changes nothing."""
        run = store.create_run(sample_run())
        first = sample_member(seconds=1.0)
        for late in (first, first, sample_member(seconds=2.0)):
            store.save_member(run.id, late)
        store.save_member(run.id, sample_member(state=FAILED, error="late"))
        assert store.read_run(run.id).members == (first,)

    @pytest.mark.parametrize("state", [FAILED, INTERRUPTED])
    def test_an_unfinished_member_is_replaced(self, store: Store, state: str) -> None:
        """A failed or interrupted training gives way to its next attempt."""
        run = store.create_run(sample_run())
        store.save_member(run.id, sample_member(state=state))
        store.save_member(run.id, sample_member())
        assert store.read_run(run.id).members == (sample_member(),)

    def test_an_update_keeps_members_and_final_test(self, store: Store) -> None:
        """Updating a run's header from a record without members loses none."""
        run = store.create_run(sample_run(members=(sample_member(),)))
        store.claim_seal(run.id, candidate="small")
        store.record_final_test(run.id, sample_final_test())
        store.update_run(msgspec.structs.replace(run, members=(), state=COMPLETE))
        read = store.read_run(run.id)
        assert read.state == COMPLETE
        assert read.members == run.members
        assert read.final_test == sample_final_test()

    def test_an_update_saves_new_members(self, store: Store) -> None:
        """What is in the record of an update is in the run afterwards."""
        run = store.create_run(sample_run())
        grown = msgspec.structs.replace(run, members=(sample_member(),))
        store.update_run(grown)
        assert store.read_run(run.id) == grown

    def test_an_update_cannot_exchange_the_sealed_rows(self, store: Store) -> None:
        """A run keeps the partition it was created with."""
        run = store.create_run(sample_run())
        other = msgspec.structs.replace(run.partition, test_fingerprint="e" * 32)
        with pytest.raises(StoreError, match="another partition"):
            store.update_run(msgspec.structs.replace(run, partition=other))
        assert store.read_run(run.id) == run

    def test_awkward_floats_survive(self, store: Store) -> None:
        """Every float comes back bit for bit: NaN, infinities, -0.0, extremes."""
        run = store.create_run(sample_run())
        scores = {str(i): value for i, value in enumerate(_AWKWARD_FLOATS)}
        store.save_member(run.id, sample_member(scores=scores))
        read = store.read_run(run.id).members[0].scores
        assert [v.hex() for v in read.values()] == [v.hex() for v in _AWKWARD_FLOATS]

    @pytest.mark.parametrize("text", _AWKWARD_TEXTS)
    def test_awkward_text_survives(self, store: Store, text: str) -> None:
        """Names and messages come back character for character."""
        run = store.create_run(sample_run(text, error=text))
        store.save_member(run.id, sample_member(candidate=text, error=text))
        read = store.read_run(run.id)
        assert (read.name, read.error) == (text, text)
        assert (read.members[0].candidate, read.members[0].error) == (text, text)

    def test_the_newest_run_is_the_default(self, store: Store) -> None:
        """None and "latest" are the run created last, whatever its clock said."""
        store.create_run(sample_run("late"))
        past = sample_run().created_at.replace(year=1999)
        run = store.create_run(sample_run("early", created_at=past))
        assert store.read_run() == store.read_run("latest") == run

    def test_a_unique_beginning_is_enough(self, store: Store) -> None:
        """A beginning names its run; an ambiguous one is refused with the choices."""
        iris = store.create_run(sample_run("iris"))
        for _ in range(2):
            store.create_run(sample_run("digits"))
        assert store.read_run("ir") == iris
        with pytest.raises(InputError, match="beginning of 2 runs: digits-0002, dig"):
            store.read_run("digits")

    @pytest.mark.parametrize("name", ["", "%", "_", "iris-0002", "../x", "x" * 10_000])
    def test_an_unknown_run_is_refused(self, store: Store, name: str) -> None:
        """An id that no run has is bad input for every method that takes one."""
        store.create_run(sample_run("iris"))
        with pytest.raises(InputError, match="has no run"):
            store.read_run(name)
        with pytest.raises(InputError, match="has no run"):
            store.save_member(name, sample_member())
        with pytest.raises(InputError, match="has no run"):
            store.claim_seal(name, candidate="small")
        with pytest.raises(InputError, match="has no run"):
            store.update_run(sample_run(id=name))

    def test_an_empty_store_says_what_to_do(self, store: Store) -> None:
        """Without runs the list is empty, and reading the newest says how to start."""
        assert store.list_runs() == ()
        with pytest.raises(StoreError, match="homeroom demo"):
            store.read_run()

    def test_the_list_has_the_line_of_a_run(self, store: Store) -> None:
        """A line has the choice, its mean and the final score; newest first."""
        older = store.create_run(sample_run("iris"))
        members = tuple(sample_member(fold=k) for k in range(2))
        run = store.create_run(sample_run(members=members))
        store.update_run(msgspec.structs.replace(run, selection=_SELECTION))
        opening = store.claim_seal(run.id, candidate="small")
        store.record_final_test(run.id, sample_final_test())
        line, last = store.list_runs()
        assert (line.id, line.candidate, line.final_score) == (run.id, "small", 0.942)
        assert line.mean == pytest.approx(0.55)
        assert (line.metric, line.opened_at) == (
            Metric("accuracy", "max"),
            opening.opened_at,
        )
        assert (last.id, last.candidate, last.mean, last.opened_at) == (
            older.id,
            None,
            None,
            None,
        )

    def test_a_seal_is_claimed_once(self, store: Store) -> None:
        """The second claim fails and says when the first was and what it gave."""
        run = store.create_run(sample_run())
        opening = store.claim_seal(run.id, candidate="small")
        assert (opening.run_id, opening.candidate) == (run.id, "small")
        store.record_final_test(run.id, sample_final_test())
        with pytest.raises(SealError, match=r"(?s)opened on .* UTC.*accuracy 0\.942"):
            store.claim_seal(run.id, candidate="forest")

    def test_a_claim_without_result_counts(self, store: Store) -> None:
        """A crash between claim and result leaves the test set opened, and says so."""
        run = store.create_run(sample_run())
        store.claim_seal(run.id, candidate="small")
        with pytest.raises(SealError, match=r"claimed on .*\n.*no result was recorded"):
            store.claim_seal(run.id, candidate="small")
        assert store.read_run(run.id).final_test is None
        assert store.list_runs()[0].opened_at is not None

    def test_many_threads_claim_once(self, store: Store) -> None:
        """Of eight claims at once exactly one is granted."""
        run = store.create_run(sample_run())

        def claim(_: int) -> bool:
            try:
                store.claim_seal(run.id, candidate="small")
            except SealError:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(claim, range(8))) == 1

    def test_only_a_candidate_of_the_run_is_tested(self, store: Store) -> None:
        """A misspelt candidate does not spend the seal."""
        run = store.create_run(sample_run())
        with pytest.raises(InputError, match="Did you mean 'small'"):
            store.claim_seal(run.id, candidate="smal")
        store.claim_seal(run.id, candidate="small")

    def test_a_result_needs_its_claim(self, store: Store) -> None:
        """No final test without a claim, for another candidate, or with two results."""
        run = store.create_run(sample_run())
        with pytest.raises(SealError, match="has not been claimed"):
            store.record_final_test(run.id, sample_final_test())
        with pytest.raises(SealError, match="has not been claimed"):
            store.update_run(
                msgspec.structs.replace(run, final_test=sample_final_test())
            )
        store.claim_seal(run.id, candidate="small")
        with pytest.raises(SealError, match="opened for candidate 'small'"):
            store.record_final_test(run.id, sample_final_test("forest"))
        for _ in range(2):
            store.record_final_test(run.id, sample_final_test())
        with pytest.raises(SealError, match=r"accuracy 0\.942"):
            store.record_final_test(run.id, sample_final_test(score=0.99))
        assert store.read_run(run.id).final_test == sample_final_test()

    def test_a_new_run_has_no_final_test(self, store: Store) -> None:
        """A run cannot be created with a test set that is already opened."""
        with pytest.raises(InputError, match="claim_seal"):
            store.create_run(sample_run(final_test=sample_final_test()))

    def test_openings_are_known_across_runs(self, store: Store) -> None:
        """The same test rows opened in another run are found by their fingerprint."""
        first, second = (store.create_run(sample_run()) for _ in range(2))
        sealed = first.partition.test_fingerprint
        assert store.openings_of(sealed) == ()
        store.claim_seal(second.id, candidate="small")
        store.claim_seal(first.id, candidate="forest")
        store.record_final_test(first.id, sample_final_test("forest"))
        found = store.openings_of(sealed)
        assert [(o.run_id, o.candidate) for o in found] == [
            (first.id, "forest"),
            (second.id, "small"),
        ]
        assert [o.final_test for o in found] == [sample_final_test("forest"), None]
        assert store.openings_of("f" * 32) == ()

    @pytest.mark.parametrize("content", [b"", b"\x00\xff" * 300_000])
    def test_artifacts_live_at_their_sha256(self, store: Store, content: bytes) -> None:
        """Bytes come back unchanged from their address, and are stored once."""
        address = store.put_artifact(content, "weights")
        assert address == hashlib.sha256(content).hexdigest()
        assert store.put_artifact(content, "weights") == address
        assert store.get_artifact(address) == content

    def test_an_unknown_artifact_is_refused(self, store: Store) -> None:
        """An address nothing was stored at is an error, not empty bytes."""
        with pytest.raises(StoreError, match="has no artifact"):
            store.get_artifact("0" * 64)

    def test_what_json_cannot_keep_is_refused(self, store: Store) -> None:
        """A record with a live object or a broken character is refused, naming it."""
        run = store.create_run(sample_run())
        with pytest.raises(StoreError, match="'\\\\ud800'"):
            store.save_member(run.id, sample_member(error="\ud800"))
        assert store.read_run(run.id).members == ()


_SELECTION = Selection(
    candidate="small",
    best_mean="small",
    steadiest="forest",
    equivalent=("small",),
    rule="best mean",
    reason="It has the best mean.",
    n_compared=2,
    optimism=0.01,
)
