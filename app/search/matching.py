"""Which articles a query matches, and how well: queries for the index, each with a plain score of its own."""

import re
from collections.abc import Iterable

from tantivy import Occur, Query, Schema

from app.search import hangul, reading
from app.search.article import pairs

# How good a match is, best first. A word that finds an article in several ways adds a little of each.
SUBJECT, CATEGORY, SUBJECT_ENDING, WORD, ENDING = 10.0, 9.0, 8.0, 7.5, 6.0
NAME, OPTION, ABOUT, STORY = 5.0, 4.0, 4.0, 1.0
INITIAL_WORD, INITIAL, BEGINNING, BEGINNING_OF_ENDING = 6.0, 3.0, 3.0, 2.0
ONE_LETTER_OFF, TWO_LETTERS_OFF = 4.0, 2.0
OTHER_WORD = 0.8
ADDED = 0.2

# How many letters must be typed before one, or two, of them may be wrong.
LETTERS_FOR_ONE, LETTERS_FOR_TWO = 4, 8
MOST_LETTERS = 40  # no word is longer; comparing such with every word of the shop would take long
MOST_JOINED = 4
DIGIT = re.compile(r"\d")


class Matcher:
    """Makes the queries of one schema."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def all_of(self, words: tuple[str, ...]) -> Query:
        """Match what has every word, or all of them written as one."""
        *before, last = words
        clauses = [*(self.word(word) for word in before), self.word(last, begins=True)]
        ways = [all_of(clauses)]
        if 1 < len(words) <= MOST_JOINED:
            ways.append(self.word("".join(words)))
            known = reading.join_known(words)
            if known != words:
                ways.append(all_of(self.word(word) for word in known))
        return _best(ways)

    def word(self, word: str, *, begins: bool = False) -> Query:
        """Match one word: as it stands, by other words, by its initials; ``begins``: it may go on."""
        ways = [*self._exact(word, 1.0)]
        for other in reading.other_words(word):
            ways += self._exact("".join(other.split()), OTHER_WORD)
        consonants = hangul.single_consonants(word)
        if hangul.is_initials(consonants):
            ways.append(self._term("initial_word", consonants, INITIAL_WORD))
            if len(consonants) > 1:
                ways.append(self._phrase("initial", consonants, INITIAL))
        if begins or hangul.has_letters(word):
            ways += self._beginning(hangul.sound(word))
        return _best(ways)

    def nearly(self, word: str) -> Query:
        """Match words that are a letter off, or two when it is long; numbers are never nearly right."""
        sound = hangul.sound(word)
        if not LETTERS_FOR_ONE <= len(sound) <= MOST_LETTERS or DIGIT.search(word):
            return Query.empty_query()
        ways = [self._fuzzy(sound, 1, ONE_LETTER_OFF)]
        if len(sound) >= LETTERS_FOR_TWO:
            ways.append(self._fuzzy(sound, 2, TWO_LETTERS_OFF))
        return _best(ways)

    def subject(self, word: str) -> Query:
        """Match what is a thing of that name."""
        words = ("".join(one.split()) for one in (word, *reading.other_words(word)))
        return _best([self._term("subject_ending", one, ENDING) for one in words])

    def is_(self, field: str, value: str | int) -> Query:
        """Match by a field's whole value, without a say in the order."""
        return Query.const_score_query(Query.term_query(self._schema, field, value), 0.0)

    def _exact(self, word: str, part: float) -> list[Query]:
        ways = [
            self._term("subject", word, SUBJECT * part),
            self._term("about_word", word, CATEGORY * part),
            self._term("subject_ending", word, SUBJECT_ENDING * part),
            self._term("word", word, WORD * part),
            self._term("ending", word, ENDING * part),
        ]
        if len(word) > 1:
            fields = (("name", NAME), ("option", OPTION), ("about", ABOUT), ("story", STORY))
            ways += [self._phrase(field, word, score * part) for field, score in fields]
        return ways

    def _beginning(self, sound: str) -> list[Query]:
        if len(sound) > MOST_LETTERS:
            return []
        ways = [self._fuzzy(f"^{sound}", 0, BEGINNING, prefix=True)]
        if len(sound) >= LETTERS_FOR_ONE:
            ways.append(self._fuzzy(sound, 0, BEGINNING_OF_ENDING, prefix=True))
        return ways

    def _term(self, field: str, word: str, score: float) -> Query:
        return Query.const_score_query(Query.term_query(self._schema, field, word, "basic"), score)

    def _phrase(self, field: str, word: str, score: float) -> Query:
        words: list[str | tuple[int, str]] = [*pairs(word).split()]
        if len(words) == 1:
            return Query.const_score_query(Query.term_query(self._schema, field, words[0]), score)
        return Query.const_score_query(Query.phrase_query(self._schema, field, words), score)

    def _fuzzy(self, sound: str, distance: int, score: float, *, prefix: bool = False) -> Query:
        fuzzy = Query.fuzzy_term_query(self._schema, "sound", sound, distance, prefix=prefix)
        return Query.const_score_query(fuzzy, score)


def some_of(clauses: list[Query], least: int) -> Query:
    """Match what at least so many of the clauses do."""
    return Query.boolean_query([(Occur.Should, clause) for clause in clauses], least)


def all_of(clauses: Iterable[Query]) -> Query:
    """Match what all clauses do."""
    must = [(Occur.Must, clause) for clause in clauses]
    return must[0][1] if len(must) == 1 else Query.boolean_query(must)


def _best(ways: list[Query]) -> Query:
    return ways[0] if len(ways) == 1 else Query.disjunction_max_query(ways, ADDED)
