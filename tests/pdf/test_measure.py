import pytest

from pipeline.pdf.measure import ratio, word_f1


def test_equal_texts_are_one_and_white_space_does_not_count() -> None:
    assert ratio("two  words\n", "two words") == 1.0
    assert word_f1("Two, words", "two words") == 1.0
    assert word_f1("", "") == 1.0


def test_ratio_is_one_less_the_distance_over_the_longer_length() -> None:
    assert ratio("abcd", "abxd") == pytest.approx(0.75)
    assert ratio("", "abcd") == 0.0


def test_word_f1_counts_a_word_as_often_as_it_comes() -> None:
    assert word_f1("a a b", "a b b") == pytest.approx(2 / 3)
    assert word_f1("de", "d e") == 0.0
    assert word_f1("a", "a b c") == pytest.approx(0.5)
