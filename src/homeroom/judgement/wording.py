"""The sentences of verdicts, in English and Korean, side by side.

A value of a sentence is the same in both languages, or a pair of texts.
"""

from __future__ import annotations

from typing import TypeAlias

from .numbers import metric_label

Words: TypeAlias = tuple[str, str]

# The gravest first: it wins a tie, and is named first in a list.
KINDS: dict[str, str] = {
    "diverged": "발산",
    "memorising": "암기",
    "no better than the baseline": "기준선보다 낫지 않음",
    "overfitting": "오버피팅",
    "validation easier": "검증셋이 더 쉬움",
    "underfitting": "언더피팅",
    "too noisy to tell": "판단하기에 잡음이 큼",
    "good fit": "적절한 학습",
    "no curve": "곡선 없음",
}

_METRICS = {
    "accuracy": "정확도",
    "loss": "손실",
    "mean absolute error": "평균 절대 오차",
    "mean squared error": "평균 제곱 오차",
    "root mean squared error": "평균 제곱근 오차",
}

_SENTENCES: dict[str, Words] = {
    "nonfinite": (
        "Diverged: {broken}. {remedy}",
        "발산: {broken}. {remedy}",
    ),
    "exploded": (
        "Diverged: training loss grew from {first} to {last} by epoch {epoch}. "
        "{remedy}",
        "발산: 훈련 손실이 {epoch}에포크까지 {first}에서 {last}까지 커졌습니다. "
        "{remedy}",
    ),
    "stopped as diverged": (
        "Diverged: training was stopped after epoch {epoch}. {remedy}",
        "발산: {epoch}에포크 뒤에 학습을 멈췄습니다. {remedy}",
    ),
    "remedy of divergence": (
        "Try a smaller learning rate, or check the data for extreme values.",
        "학습률을 낮추거나, 데이터에 극단적인 값이 있는지 확인하세요.",
    ),
    "unmeasured": (
        "No curve: no validation loss was measured by epoch.",
        "곡선 없음: 에포크마다 검증 손실을 재지 않았습니다.",
    ),
    "one epoch": (
        "No curve: one epoch is a point, not a curve.",
        "곡선 없음: 에포크 하나는 점이지 곡선이 아닙니다.",
    ),
    "unequal": (
        "No curve: there are {n_val} validation losses and {n_train} training losses "
        "for {epochs} epochs, so the curves cannot be laid side by side.",
        "곡선 없음: {epochs}에포크에 검증 손실 {n_val}개, 훈련 손실 {n_train}개라서 두 "
        "곡선을 나란히 놓을 수 없습니다.",
    ),
    "estimator": (
        "No curve: a scikit-learn estimator is not trained in epochs.",
        "곡선 없음: scikit-learn 추정기는 에포크로 학습하지 않습니다.",
    ),
    "below baseline": (
        "Underfitting: even on the training rows {metric} is {score}, where answering "
        "without looking gives {baseline}. Try a larger model, a larger learning rate "
        "or better features.",
        "언더피팅: 훈련셋에서도 {metric} {score}인데, 문제를 보지 않고 답해도 "
        "{baseline}입니다. 더 큰 모델, 더 큰 학습률, 더 나은 입력을 써 보세요.",
    ),
    "memorising": (
        "Memorising: {metric} is {train} on the training rows and {val} on the "
        "validation rows, where answering without looking gives {baseline} (±{open} on "
        "{n} rows). What was learned holds for the training rows only: check that the "
        "labels depend on the inputs, or use more data or a smaller model.",
        "암기: 훈련셋의 {metric} {train}, 검증셋은 {val}인데, 문제를 보지 않고 답해도 "
        "{baseline}입니다({n}개 행에서 ±{open}). 배운 것이 훈련셋에서만 통합니다. "
        "라벨이 "
        "입력과 관계가 있는지 확인하고, 데이터를 늘리거나 모델을 줄이세요.",
    ),
    "overfitting": (
        "Overfitting from epoch {turn}: {rose}{held}; {kept}.",
        "{turn}에포크부터 오버피팅: {rose}{held}; {kept}.",
    ),
    "rose": (
        "validation loss rose from {low} to {last} by epoch {epoch} while training "
        "loss kept falling ({train_low} to {train_last})",
        "{epoch}에포크까지 검증 손실은 {low}에서 {last}(으)로 올랐고 훈련 손실은 계속 "
        "내려갔습니다({train_low} → {train_last})",
    ),
    "score held": (
        "; validation {metric} did not get worse ({low} to {last})",
        "; 검증 {metric} 값은 나빠지지 않았습니다({low} → {last})",
    ),
    "kept": (
        "the weights of epoch {epoch} were kept",
        "{epoch}에포크의 가중치를 남겼습니다",
    ),
    "kept the last": (
        "the weights of epoch {epoch} were kept, the last: use early stopping",
        "마지막인 {epoch}에포크의 가중치를 남겼습니다: 조기종료를 쓰세요",
    ),
    "gap within noise": (
        "Too noisy to tell: after epoch {turn} {rose}, but the gap between training "
        "and validation {metric} ({gap}) is within what {n} validation rows leave open "
        "(±{open}).",
        "판단하기에 잡음이 큼: {turn}에포크 뒤 {rose}. 하지만 훈련과 검증의 {metric} "
        "차이({gap})는 검증셋 {n}개 행으로는 구별되지 않습니다(±{open}).",
    ),
    "noisy curve": (
        "Too noisy to tell: validation loss jumps by about {noise} from epoch to "
        "epoch, and its whole trend is {trend}. Try a smaller learning rate, a larger "
        "batch or more validation rows.",
        "판단하기에 잡음이 큼: 검증 손실이 에포크마다 약 {noise}씩 흔들리는데 전체 "
        "추세는 "
        "{trend}입니다. 학습률을 낮추거나, 배치를 키우거나, 검증셋을 늘리세요.",
    ),
    "still improving": (
        "Underfitting: still improving when training ended; validation loss fell from "
        "{before} to {last} in the last {window} of {epochs} epochs. Train longer.",
        "언더피팅: 학습이 끝날 때도 나아지고 있었습니다. {epochs}에포크 중 마지막 "
        "{window}에포크 동안 검증 손실이 {before}에서 {last}(으)로 내려갔습니다. 더 "
        "오래 "
        "학습하세요.",
    ),
    "validation easier": (
        "Validation easier than training: {metric} is {train} on the training rows and "
        "{val} on the validation rows, which sampling does not explain (±{open} on "
        "{n} rows). Check for copies of training rows, for a different source, and "
        "that both parts were cut in the same way.",
        "검증셋이 훈련셋보다 쉬움: {metric} 값이 훈련셋 {train}, 검증셋 {val}로, "
        "표본의 "
        "우연({n}개 행에서 ±{open})으로 설명되지 않습니다. 훈련셋의 복사본이 있는지, "
        "출처가 "
        "다른지, 같은 방법으로 나눴는지 확인하세요.",
    ),
    "nothing moved": (
        "Too noisy to tell: in {epochs} epochs training loss went from {train_first} "
        "to {train_last} and validation loss from {first} to {last}, so the model "
        "learned nothing, or everything in its first epoch. Compare it with a "
        "baseline.",
        "판단하기에 잡음이 큼: {epochs}에포크 동안 훈련 손실은 {train_first} → "
        "{train_last}, 검증 손실은 {first} → {last}입니다. 아무것도 배우지 않았거나 첫 "
        "에포크에 다 배웠습니다. 기준선과 비교하세요.",
    ),
    "too few rows": (
        "Too noisy to tell: {n} validation rows leave {metric} open by ±{open}. Use "
        "more validation rows, or look at all folds together.",
        "판단하기에 잡음이 큼: 검증셋 {n}개 행으로는 {metric} 값이 ±{open}까지 "
        "불확실합니다. 검증셋을 늘리거나 모든 겹을 함께 보세요.",
    ),
    "good fit": (
        "Good fit: validation loss reached {low} in epoch {turn}{after}, training loss "
        "then was {train}; {kept}.",
        "적절한 학습: 검증 손실이 {turn}에포크에 {low}에 이르렀고{after}, 그때 훈련 "
        "손실은 "
        "{train}입니다. {kept}.",
    ),
    "did not improve": (
        " and did not improve any more",
        " 그 뒤로 더 나아지지 않았으며",
    ),
    "did not improve for": (
        " and did not improve for {patience} epochs",
        " 그 뒤 {patience}에포크 동안 나아지지 않았으며",
    ),
    "stayed near": (
        " and stayed near it ({last} at the end)",
        " 끝까지 그 근처였으며(마지막 {last})",
    ),
    "together": (
        "{kind} in {count} of {n} trainings{since}{others}.",
        "{n}번의 학습 중 {count}번이 {kind}{since}{others}.",
    ),
    "since": (", from epoch {epoch} (median)", "({epoch}에포크부터, 중앙값)"),
    "other kind": ("; {kind} in {count}", "; {kind} {count}번"),
    "none ended": (
        "No curve: no training has ended.",
        "곡선 없음: 끝난 학습이 없습니다.",
    ),
    "not above baseline": (
        "No better than the baseline, as far as these folds show: mean {metric} is "
        "{score}, and {baseline} gives {other} on them (difference "
        "{difference}{interval}).",
        "이 겹들로 보는 한 기준선보다 낫지 않음: 평균 {metric} 값이 {score}인데, "
        "{baseline}도 {other}입니다(차이 {difference}{interval}).",
    ),
    "not shown above": (
        " It is not shown to be better than {baseline}, which has {other} on the "
        "same folds (difference {difference}{interval}).",
        " 같은 겹에서 {other}인 {baseline}보다 낫다고 할 수 없습니다(차이 "
        "{difference}{interval}).",
    ),
    "interval": (", {level} % interval {ends}", ", {level} % 구간 {ends}"),
    "most frequent class": (
        "always answering the most frequent class",
        "가장 많은 답만 고르는 방법",
    ),
    "linear model": ("a linear model", "선형 모델"),
    "mean": ("always answering the mean", "평균만 답하는 방법"),
}


def say(key: str, **values: str | int | Words) -> Words:
    """Return a sentence in English and in Korean.

    >>> say("kept", epoch=3)
    ('the weights of epoch 3 were kept', '3에포크의 가중치를 남겼습니다')
    """
    texts = []
    for language, sentence in enumerate(_SENTENCES[key]):
        mine = {
            name: value[language] if isinstance(value, tuple) else _in(language, value)
            for name, value in values.items()
        }
        texts.append(sentence.format(**mine))
    english, korean = texts
    return english, korean


def _in(language: int, value: str | int) -> str:
    return str(value) if language == 0 else str(value).replace(" points", "%p")


def metric_words(name: str) -> Words:
    """Return a metric's name in both languages; Korean keeps what has no word."""
    label = metric_label(name)
    return label, _METRICS.get(label, label)


def kind_words(kind: str, *, capital: bool = False) -> Words:
    """Return the name of a kind of verdict in both languages."""
    return kind.capitalize() if capital else kind, KINDS.get(kind, kind)
