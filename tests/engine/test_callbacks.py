"""Callbacks that read an epoch's logs are run; every other one is refused by name."""

from __future__ import annotations

import csv
import threading

import keras
import pytest

from homeroom import engine
from homeroom.engine.program import Program
from homeroom.errors import InputError

from .zoo import dense, member, retyped

CALLBACK = keras.callbacks.Callback


def training(*callbacks, epochs=2, **options):
    return engine.Training(epochs, 16, callbacks=callbacks, **options)


def refusal(*callbacks, members=None, **options):
    """Return the text of the error that comes before any training."""
    epochs = []
    with pytest.raises(InputError) as caught:
        engine.train(
            members or [member(dense)],
            training(*callbacks, **options),
            on_epoch=lambda *_: epochs.append(1),
        )
    assert epochs == []
    return str(caught.value)


class Reader(CALLBACK):
    """Keeps everything it is told."""

    def __init__(self):
        super().__init__()
        self.told = []

    def on_train_begin(self, logs=None):
        self.told.append(("begin", None, dict(logs or {})))

    def on_epoch_begin(self, epoch, logs=None):
        self.told.append(("epoch begin", epoch, dict(logs or {})))

    def on_epoch_end(self, epoch, logs=None):
        self.told.append(("epoch", epoch, dict(logs)))

    def on_train_end(self, logs=None):
        self.told.append(("end", None, dict(logs or {})))


@pytest.mark.parametrize("build", [dense, retyped])
def test_a_reader_of_logs_is_told_every_epoch(build):
    """The given object itself hears each epoch of a single training, as from Keras."""
    reader = Reader()
    (outcome,) = engine.train([member(build)], training(reader))
    assert reader.told == [
        ("begin", None, {}),
        ("epoch begin", 0, {}),
        ("epoch", 0, outcome.history.at(0)),
        ("epoch begin", 1, {}),
        ("epoch", 1, outcome.history.at(1)),
        ("end", None, outcome.history.at(1)),
    ]
    assert reader.params["epochs"] == 2


@pytest.mark.parametrize("build", [dense, retyped])
def test_a_given_history_is_filled_as_by_fit(build):
    """Who keeps Keras's own History object reads epochs and values from it."""
    given = keras.callbacks.History()
    (outcome,) = engine.train([member(build)], training(given))
    assert given.epoch == [0, 1]
    assert given.history == {
        key: list(values) for key, values in outcome.history.series.items()
    }


def test_logs_are_a_copy():
    """A callback that writes into its logs changes no history and no later callback."""

    class Writer(CALLBACK):
        def on_epoch_end(self, epoch, logs=None):
            logs.clear()

    reader = Reader()
    (outcome,) = engine.train([member(dense)], training(Writer(), reader))
    assert set(outcome.history.series) == set(reader.told[2][2]) != set()


def test_csv_logger_writes_one_training():
    """CSVLogger gets every epoch of a single training."""
    logger = keras.callbacks.CSVLogger("log.csv")
    (outcome,) = engine.train([member(dense)], training(logger))
    with open("log.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    for row, epoch in zip(rows, (0, 1), strict=True):
        assert float(row["val_loss"]) == outcome.history.at(epoch)["val_loss"]


def test_csv_logger_is_refused_for_several_trainings():
    """One file for several trainings is an error that names the file."""
    members = [member(dense, split=split) for split in (0, 1)]
    text = refusal(keras.callbacks.CSVLogger("log.csv"), members=members)
    assert "CSVLogger" in text
    assert "'log.csv'" in text
    assert "2 trainings" in text


def test_lambda_callbacks_on_epochs_are_run():
    """A LambdaCallback with epoch functions hears every epoch of every member."""
    heard, lock = [], threading.Lock()

    def hear(epoch, logs):
        with lock:
            heard.append((epoch, logs["loss"]))

    members = [member(dense, split=split) for split in (0, 1)]
    callback = keras.callbacks.LambdaCallback(on_epoch_end=hear)
    outcomes = engine.train(members, training(callback))
    losses = [enumerate(o.history.series["loss"]) for o in outcomes]
    assert sorted(heard) == sorted(pair for pairs in losses for pair in pairs)


class Alone(Reader):
    """Fails when it hears of two trainings."""

    def on_train_begin(self, logs=None):
        if self.told:
            msg = "another training has been here"
            raise RuntimeError(msg)
        super().on_train_begin(logs)

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        ends = [heard for heard, *_ in self.told if heard == "epoch"]
        if len(ends) != epoch + 1:
            msg = "an epoch of another training was heard"
            raise RuntimeError(msg)


def test_each_member_has_its_own_copy():
    """No callback hears of two trainings, at once or one after the other."""
    members = [member(dense, split=split) for split in range(4)]
    given = Alone()
    for lanes in (1, 2):
        outcomes = engine.train(members, training(given), lanes=lanes)
        assert [(o.state, o.error) for o in outcomes] == [("COMPLETE", None)] * 4
    assert given.told == []


def test_what_cannot_be_copied_is_refused_for_several():
    """A callback with something open serves one training, and the error says why."""

    class Locked(CALLBACK):
        def __init__(self):
            super().__init__()
            self.lock = threading.Lock()

        def on_epoch_end(self, epoch, logs=None):
            with self.lock:
                pass

    text = refusal(Locked(), members=[member(dense), member(dense, seed=2)])
    assert "Locked" in text
    assert "cannot be copied" in text
    assert engine.train([member(dense)], training(Locked()))[0].state == "COMPLETE"


class OnBatches(CALLBACK):
    def on_train_batch_end(self, batch, logs=None):
        pass


class Looking(CALLBACK):
    def on_epoch_end(self, epoch, logs=None):
        logs["rate"] = self.model.optimizer.learning_rate


class Stopping(CALLBACK):
    def on_epoch_end(self, epoch, logs=None):
        if logs["loss"] < 0.1:
            self.model.stop_training = True


class PatientStopping(keras.callbacks.EarlyStopping):
    def on_epoch_end(self, epoch, logs=None):
        if epoch > 50:
            super().on_epoch_end(epoch, logs)


class Printing(keras.callbacks.History):
    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        self.model.stop_training = True


REFUSED = {
    "BackupAndRestore": keras.callbacks.BackupAndRestore("folder"),
    "LambdaCallback": keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: None
    ),
    "LearningRateScheduler": keras.callbacks.LearningRateScheduler(lambda e: 0.1),
    "Looking": Looking(),
    "ModelCheckpoint": keras.callbacks.ModelCheckpoint("model.keras"),
    "OnBatches": OnBatches(),
    "PatientStopping": PatientStopping(),
    "Printing": Printing(),
    "ReduceLROnPlateau": keras.callbacks.ReduceLROnPlateau(),
    "Stopping": Stopping(),
    "TerminateOnNaN": keras.callbacks.TerminateOnNaN(),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_cannot_be_honoured_is_refused_by_name(name):
    """A callback that works on batches or on the model is an error, never ignored."""
    text = refusal(REFUSED[name])
    assert f"The callback {name} cannot be honoured" in text
    assert "may only read the logs of an epoch" in text


def test_tensorboard_is_refused_by_name():
    """TensorBoard is an error, too, wherever it can be made at all."""
    try:
        board = keras.callbacks.TensorBoard("logs")
    except ImportError:  # it needs TensorFlow even to be made
        pytest.skip("TensorBoard needs TensorFlow")
    assert "The callback TensorBoard" in refusal(board)


def test_hooks_given_to_the_object_are_seen():
    """A batch hook set on one object is refused like one of its class."""
    reader = Reader()
    reader.on_train_batch_begin = lambda batch, logs=None: None
    assert "on_train_batch_begin" in refusal(reader)


def test_a_model_inside_a_lambda_is_seen():
    """A function that saves a model of its own would save weights of no training."""
    model = dense()
    saving = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: model.save(f"{epoch}.keras")
    )
    assert "LambdaCallback cannot be honoured: it uses a model" in refusal(saving)
    told = []
    harmless = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: told.append(logs.get("dense", later))
    )
    kept, _ = engine.adopt((each for each in [harmless]), None)
    later = 1
    assert kept == (harmless,)


def test_an_epoch_begins_before_it_is_trained(monkeypatch):
    """A clock that is started in on_epoch_begin measures the epoch, and only that."""
    happened, real = [], Program.call

    class Clock(CALLBACK):
        def on_epoch_begin(self, epoch, logs=None):
            happened.append("begin")

        def on_epoch_end(self, epoch, logs=None):
            happened.append("end")

    def call(self, *arguments):
        happened.append("call")
        return real(self, *arguments)

    monkeypatch.setattr(Program, "call", call)
    engine.train([member(dense)], training(Clock(), epochs=2))
    assert happened == ["begin", "call", "end"] * 2


def test_what_is_no_callback_is_refused():
    """A function in callbacks= is an error that says what belongs there."""
    assert "keras.callbacks.Callback objects, not function" in refusal(print_loss)


def print_loss(epoch, logs):
    pass


def test_early_stopping_is_given_once():
    """The rule as argument and as callback at once is an error."""
    rule = engine.EarlyStopping(patience=3)
    text = refusal(keras.callbacks.EarlyStopping(), early_stopping=rule)
    assert "given twice" in text


def test_a_history_callback_is_not_needed():
    """keras.callbacks.History is left out in silence: the result has its own."""
    (outcome,) = engine.train([member(dense)], training(keras.callbacks.History()))
    assert outcome.state == "COMPLETE"


def test_a_callbacks_error_is_its_members():
    """A callback that raises fails its own member, with its error in the text."""

    class Failing(CALLBACK):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                msg = "nowhere to write"
                raise OSError(msg)

    (outcome,) = engine.train([member(dense)], training(Failing(), epochs=3))
    assert (outcome.state, outcome.stop_reason) == ("FAILED", "error")
    assert outcome.error == "OSError: nowhere to write"
    assert outcome.history.n_epochs == 2
