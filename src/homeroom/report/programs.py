"""Which programs were compiled, for whom and why, in English and Korean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeroom.records import Need

from .formats import format_count, format_seconds
from .shown import Fact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeroom.records import ProgramRecord

_MOST_NAMES, _MOST_PROGRAMS = 6, 4
_USUAL = {"", "training", "first pass"}
_NEEDS = {
    Need.FIRST: "이 구조의 첫 모델",
    Need.CONSTANT: "프로그램에 새겨지는 상수(예: 드롭아웃 비율)가 다름",
    Need.LATE_CONSTANT: "앞선 모델에서는 모두 같았던 상수가 다름",
    Need.ROWS: "행의 수나 배치가 다름",
    Need.SEARCH: "탐색은 자기 프로그램을 따로 가짐",
    Need.ALONE: "혼자 학습하므로 모든 코어를 쓸 수 있음",
    Need.TOGETHER: "여럿이 코어 하나씩으로 함께 학습함",
    Need.OPERATIONS: "앞서와 HOMEROOM_OPERATIONS 설정이 다름",
}
_STAGES = {
    "refit": "재학습",
    "second pass": "두 번째 학습",
    "inner splits": "안쪽 분할",
    "final model": "최종 모델",
    "outer trainings": "바깥 폴드 학습",
}


@dataclass(frozen=True, slots=True)
class ProgramsView:
    """What was compiled: a sentence without its end, and a fact for each program.

    A fact has the candidates as its label. `korean` is all of it, in one sentence.
    """

    sentence: str
    rows: tuple[Fact, ...]
    korean: str

    @property
    def text(self) -> str:
        """All of it in one sentence, of the first programs if there are many."""
        return _joined(self.sentence, self.rows, "and {} more")


def programs_view(programs: Sequence[ProgramRecord]) -> ProgramsView | None:
    """Return what is shown of programs; None where none is known."""
    if not programs:
        return None
    rows = tuple(Fact(_names(p.candidates), _why(p)) for p in programs)
    koreans = tuple(Fact(_in_korean(p.candidates), _why_in_korean(p)) for p in programs)
    return ProgramsView(
        _sentence(programs),
        rows,
        _joined(_sentence_in_korean(programs), koreans, "그 밖에 {}개"),
    )


def _parts(
    programs: Sequence[ProgramRecord],
) -> tuple[list[ProgramRecord], list[ProgramRecord], int]:
    """Return those compiled, those read from disk, and how many were in memory."""
    compiled = [p for p in programs if p.made and not p.from_disk]
    read = [p for p in programs if p.from_disk]
    return compiled, read, sum(not p.made for p in programs)


def _sentence(programs: Sequence[ProgramRecord]) -> str:
    compiled, read, n_kept = _parts(programs)
    said = [
        f"{format_count(len(some), 'program')} {what} ({_all_seconds(some)})"
        for some, what in ((compiled, "compiled"), (read, "read from disk"))
        if some
    ]
    if n_kept:
        said.append(f"{format_count(n_kept, 'program')} in memory already")
    told = ", ".join(said)
    return told if compiled else f"Nothing had to be compiled: {told}"


def _all_seconds(programs: Sequence[ProgramRecord]) -> str:
    told = format_seconds(sum(program.seconds for program in programs))
    return told if len(programs) == 1 else f"{told} added up"


def _why(program: ProgramRecord) -> str:
    how = "in memory already"
    if program.made:
        how = format_seconds(program.seconds)
        how = f"read from disk in {how}" if program.from_disk else how
    stage = "" if program.stage in _USUAL else f"{program.stage}: "
    return f"{stage}{program.reason}, {how}"


def _names(candidates: Sequence[str]) -> str:
    shown, more = _shown(candidates, "trial ")
    return f"{shown} and {more} more" if more else shown


def _shown(candidates: Sequence[str], trial: str) -> tuple[str, int]:
    """Return the first names, trials by number, and how many there are more."""
    numbers = [re.fullmatch(r"trial (\d+)", name) for name in candidates]
    names = list(candidates)
    if all(numbers):
        names = [number[1] for number in numbers if number]
        trial = trial if len(names) == 1 else trial.replace("trial ", "trials ")
    else:
        trial = ""
    return trial + ", ".join(names[:_MOST_NAMES]), max(0, len(names) - _MOST_NAMES)


def _joined(sentence: str, rows: Sequence[Fact], more: str) -> str:
    told = [f"{row.label} ({row.value})" for row in rows[:_MOST_PROGRAMS]]
    if len(rows) > _MOST_PROGRAMS:
        told.append(more.format(len(rows) - _MOST_PROGRAMS))
    return f"{sentence}: {'; '.join(told)}."


def _sentence_in_korean(programs: Sequence[ProgramRecord]) -> str:
    compiled, read, n_kept = _parts(programs)
    said = [
        f"프로그램 {len(some)}개를 {what} ({_seconds_in_korean(some)})"
        for some, what in ((compiled, "컴파일함"), (read, "디스크에서 읽음"))
        if some
    ]
    if n_kept:
        said.append(f"프로그램 {n_kept}개는 이미 메모리에 있었음")
    told = ", ".join(said)
    return told if compiled else f"새로 컴파일할 것이 없었음: {told}"


def _seconds_in_korean(programs: Sequence[ProgramRecord]) -> str:
    told = _korean_time(sum(program.seconds for program in programs))
    return told if len(programs) == 1 else f"더해서 {told}"


def _korean_time(seconds: float) -> str:
    told = format_seconds(seconds)
    for short, word in ((" min", "분"), (" h", "시간"), (" s", "초")):
        told = told.replace(short, word)
    return told


def _why_in_korean(program: ProgramRecord) -> str:
    how = "이미 메모리에 있었음"
    if program.made:
        how = _korean_time(program.seconds)
        how = f"디스크에서 읽는 데 {how}" if program.from_disk else how
    stage = ""
    if program.stage not in _USUAL:
        told = re.sub(r"^trials (\d+) to (\d+)$", r"시도 \1~\2", program.stage)
        stage = f"{_STAGES.get(told, told)}: "
    known = {need.value: word for need, word in _NEEDS.items()}
    return f"{stage}{known.get(program.reason, program.reason)}, {how}"


def _in_korean(candidates: Sequence[str]) -> str:
    shown, more = _shown(candidates, "시도 ")
    return f"{shown} 외 {more}개" if more else shown
