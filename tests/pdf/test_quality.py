import random

import pytest

from pipeline.pdf.quality import is_garbage, stop_word_share

ENGLISH = "We show that the shape of a shell is not what was thought, and we give its law. " * 8
GERMAN = "Wir zeigen, dass die Form der Schale nicht das ist, was man von ihr dachte. " * 8
FRENCH = "Nous montrons que la forme de la coque ne suit pas la loi qui est dans les livres. " * 8
SPANISH = "Mostramos que la forma de la concha no es la que se pensaba en los libros. " * 8
ITALIAN = "La forma della conchiglia non segue la legge che si trova nei libri e nelle note. " * 8
PORTUGUESE = "A forma da concha não segue a lei que se encontra nos livros e nas notas. " * 8
RUSSIAN = "Форма раковины описана неверно, новый закон проверен измерениями. " * 8
CHINESE = "我们证明了贝壳的形状并不符合已知的规律，并给出了新的规律。" * 20


def shuffled(text: str) -> str:
    """The text through a wrong font map: each letter stands for another."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    other = list(letters)
    random.Random(3).shuffle(other)
    return text.lower().translate(str.maketrans(letters, "".join(other)))


@pytest.mark.parametrize(
    "text",
    [ENGLISH, GERMAN, FRENCH, SPANISH, ITALIAN, PORTUGUESE, RUSSIAN, CHINESE],
    ids=["en", "de", "fr", "es", "it", "pt", "ru", "zh"],
)
def test_a_text_in_any_language_is_no_garbage(text: str) -> None:
    assert is_garbage(text, 1) is None


def test_letters_without_words_are_garbage() -> None:
    assert "stop words" in str(is_garbage(shuffled(ENGLISH), 1))


def test_a_page_needs_two_hundred_characters() -> None:
    assert is_garbage(ENGLISH, 3) is None
    assert is_garbage(ENGLISH, 4) == f"only {len(ENGLISH.strip())} characters on 4 pages"
    assert is_garbage("", 0) == "only 0 characters on 0 pages"


@pytest.mark.parametrize("code", ["\ufffd", "\ue003", "\x04", "\ud800"])
def test_glyphs_without_meaning_are_garbage(code: str) -> None:
    assert is_garbage(ENGLISH + code * (len(ENGLISH) // 25), 1) is None
    assert "no meaning" in str(is_garbage(ENGLISH + code * (len(ENGLISH) // 10), 1))


def test_pdfium_s_mark_of_a_broken_word_has_a_meaning() -> None:
    assert is_garbage(ENGLISH.replace("shell", "sh\x02ell\ufffe"), 1) is None


def test_numbers_of_glyphs_in_place_of_letters_are_garbage() -> None:
    assert "letters" in str(is_garbage(ENGLISH + "/g24/g149/g135 " * 300, 1))


def test_the_share_is_of_words_of_letters() -> None:
    assert stop_word_share("The shell is 3 4 5 large") == pytest.approx(0.5)
    assert stop_word_share("") == 0.0
