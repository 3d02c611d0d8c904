"""Every result says which programs trained it, why each was needed, what it took."""

from __future__ import annotations

import pytest
from sklearn.tree import DecisionTreeClassifier

import homeroom as hr
from homeroom import report
from homeroom.protocol import Interrupted
from homeroom.records import EpochEnded, Need
from homeroom.store import open_store

pytestmark = pytest.mark.usefixtures("no_programs")
SOME = {"cv": 3, "epochs": 2, "verbose": 0}


def told(programs):
    return [(p.candidates, p.stage, p.reason, p.made) for p in programs]


def test_a_run_tells_of_every_program(flowers, softmax, net, store):
    """Learning rates share a program, widths and the refit have their own."""
    experiment = hr.Experiment(*flowers, seed=3, store=store)
    experiment.add("slow", softmax, learning_rate=0.001)
    experiment.add("fast", softmax, learning_rate=0.1)
    experiment.add("narrow", net, units=2).add("wide", net, units=8)
    experiment.add("tree", DecisionTreeClassifier())
    run = experiment.run(**SOME, rule=lambda _: "fast")
    programs = run.record.programs
    assert told(programs) == [
        (("slow", "fast"), "training", Need.FIRST, True),
        (("narrow",), "training", Need.FIRST, True),
        (("wide",), "training", Need.FIRST, True),
        (("fast",), "refit", Need.ROWS, True),
    ]
    assert all(0 < program.seconds < 600 for program in programs)
    assert open_store(store).read_run(run.id).programs == programs


def test_a_second_run_compiles_nothing(flowers, softmax):
    """What this process has already costs nothing again, and is said to."""
    experiment = hr.Experiment(*flowers, store=":memory:").add("one", softmax)
    first, second = (experiment.run(**SOME).record.programs for _ in range(2))
    assert [p.made for p in first] == [True, True]
    assert [(p.made, p.seconds, p.from_disk) for p in second] == [(False, 0, False)] * 2
    assert [p.candidates for p in second] == [p.candidates for p in first]


def test_a_forecast_leaves_nothing_to_compile(flowers, softmax):
    """What the forecast has compiled, the run that follows finds."""
    experiment = hr.Experiment(*flowers, store=":memory:").add("one", softmax)
    [foretold] = experiment.forecast(cv=3, epochs=2).programs
    training, refit = experiment.run(**SOME).record.programs
    assert (foretold.made, training.made, refit.made) == (True, False, True)
    assert foretold.candidates == training.candidates


def test_a_tuned_candidate_tells_of_its_search(flowers, net, store):
    """A search over dropout rates has one program, whose candidate is the searched."""
    experiment = hr.Experiment(*flowers, store=store)
    experiment.add("fixed", net).add("tuned", net, space={"dropout": [0.1, 0.3]})
    run = experiment.run(**SOME, rule=lambda _: "fixed")
    assert told(run.record.programs) == [
        (("fixed",), "training", Need.FIRST, True),
        (("tuned",), "trials 0 to 1", Need.CONSTANT, True),
        (("tuned",), "training", Need.SEARCH, True),
        (("fixed",), "refit", Need.ROWS, True),
    ]


def test_a_search_tells_which_trials_share(flowers, net):
    """Dropout rates share one program, widths do not."""
    space = {"units": [4, 8], "dropout": [0.1, 0.2]}
    search = hr.tune(net, space, *flowers, sampler="grid", prune=False, **SOME)
    units = {t.candidate: t.hyperparameters["units"] for t in search.trials}
    assert [{units[name] for name in p.candidates} for p in search.programs] in (
        [{4}, {8}],
        [{8}, {4}],
    )
    assert sum(len(p.candidates) for p in search.programs) == 4
    assert all(p.made and p.seconds > 0 for p in search.programs)
    again = hr.tune(net, space, *flowers, sampler="grid", prune=False, **SOME)
    assert not any(p.made for p in again.programs)


def test_bare_results_tell_too(flowers, softmax, store):
    """A fit and a cross-validation have their programs, and keep them in a store."""
    fit = hr.fit(softmax, *flowers, verbose=0, store=store)
    cv = hr.cross_validate(softmax, *flowers, **SOME, store=store)
    assert told(fit.programs) == [(("softmax",), "training", Need.FIRST, True)]
    [program] = cv.programs
    assert (program.candidates, program.made) == (("softmax",), True)
    latest = open_store(store).read_run()
    for stored in open_store(store).list_runs():  # a fit without validation rows, too
        view = report.run_view(open_store(store).read_run(stored.id))
        assert view.leaderboard[0].n_trainings in {1, 3}
        assert view.leaderboard[0].verdict != "not trained"
    assert latest.programs in (fit.programs, cv.programs)
    assert {run.id for run in open_store(store).list_runs()} == {
        "softmax-0001",
        "softmax-0002",
    }


def test_two_passes_tell_of_both(flowers, softmax):
    """An inner split that stops a training belongs to the same result."""
    stopping = hr.EarlyStopping(patience=1)
    cv = hr.cross_validate(
        softmax, *flowers, **SOME, early_stopping=stopping, epoch_choice="inner_split"
    )
    assert {p.stage for p in cv.programs} == {"inner splits", "second pass"}


def test_nested_folds_tell_each_program_once(flowers, net):
    """The first search makes the program; other searches and winners alone find it."""
    nested = hr.nested_cross_validate(
        net, {"dropout": [0.1, 0.2]}, *flowers, outer_cv=3, cv=2, epochs=2, verbose=0
    )
    assert all(p.made and p.candidates == ("net",) for p in nested.programs)
    first, *others = [search.programs for search in nested.searches]
    assert [p.made for p in first] == [True]
    assert [[p.made for p in other] for other in others] == [[False]] * 2
    assert [p.made for p in nested.outer.programs] == [False]
    assert len(nested.programs) == len(first)


def test_estimators_have_no_programs(flowers):
    """Nothing is compiled for scikit-learn."""
    cv = hr.cross_validate(DecisionTreeClassifier(), *flowers, cv=3)
    assert cv.programs == ()


def test_an_interrupted_run_tells_what_it_compiled(flowers, softmax, store, ctrl_c):
    """What was compiled before Ctrl-C was paid for, and stays in the record."""
    experiment = hr.Experiment(*flowers, store=store).add("one", softmax)

    epochs = []

    def stop(event):
        if isinstance(event, EpochEnded):
            epochs.append(event.epoch)
            if len(epochs) >= 60:
                ctrl_c()

    patient = hr.EarlyStopping(patience=30_000)
    with pytest.raises(Interrupted) as stopped:
        experiment.run(cv=3, epochs=30_000, early_stopping=patient, listener=stop)
    [program] = stopped.value.result.record.programs
    assert (program.candidates, program.made) == (("one",), True)
    assert open_store(store).read_run().programs == (program,)
