"""Print how well the search answers the published queries: python -m tests.relevance."""

import tempfile
from pathlib import Path

from tests.relevance.scoring import Answer, answer_all, articles, build, score, worst

WORST = 10


def main() -> None:
    """Print the score of each kind and of all, and the ten worst answers."""
    catalogue = articles()
    with tempfile.TemporaryDirectory() as folder:
        answers = answer_all(build(Path(folder), catalogue), catalogue)
    kinds = dict.fromkeys(answer.typed.kind for answer in answers)
    print(f"{'':<10} queries    MRR  success@5  precision@5")
    for kind in kinds:
        print_score(kind, [answer for answer in answers if answer.typed.kind == kind])
    print_score("all", answers)
    print(f"\nThe {WORST} worst:")
    for answer in worst(answers, WORST):
        found = ", ".join(name[:20] for name in answer.names[:3]) or "nothing"
        wanted = f"wanted {answer.typed.wants[0]}, place {answer.place}"
        print(f"  {answer.typed.query} ({answer.typed.kind}): {wanted}, found {found}")


def print_score(kind: str, answers: list[Answer]) -> None:
    """Print one row."""
    row = score(answers)
    print(f"{kind:<10} {row.count:>7} {row.mrr:>6.3f} {row.success:>10.3f} {row.precision:>12.3f}")


if __name__ == "__main__":
    main()
