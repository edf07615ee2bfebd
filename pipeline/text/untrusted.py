"""Paper text on its way into a prompt: data, whatever it says.

Anybody can put anything into a paper. Three things in a text are more than text to what reads a
prompt, and only they are changed; what a reader of the paper would see stays as it is:

- the delimiters that prompts put around data, `<paper>` and `<example>`, in all the spellings
  that a model would take for them: other case, white space, entities, look-alike letters;
- the control tokens of chat templates, such as `<|im_start|>`: a server on one's own machine may
  take them for a turn of the conversation, wherever in the text they stand;
- characters that nobody sees and a tokenizer does: zero-width and bidirectional controls, and the
  tag characters in which whole sentences can be hidden.

Of a delimiter or a token the opening bracket becomes `‹`; what is unseen goes.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import chain

_MARK = "‹"

# Unicode's Default_Ignorable_Code_Point but for variation selectors, the control characters but
# for white space, surrogates (in a `str` they are halves without their others), noncharacters.
# https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufeff\uffa0"
    "\ufff0-\ufffb\ufffe\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
)
# A variation selector chooses the form of the one character before it (❤️, ∩︀). After ASCII, or in
# a row, it chooses nothing and carries hidden bytes; 1️⃣ is the exception.
_SELECTOR = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_IDLE_SELECTOR = re.compile(rf"(?<![^\x00-\x7f{_SELECTOR}])[{_SELECTOR}](?!\u20e3)")

# The blocks with styled, accented and full-width forms of ASCII's letters and signs.
_STYLED = chain(
    *map(
        range,
        (0xC0, 0x1E00, 0x2070, 0x2100, 0x2460, 0xFE50, 0xFF01, 0x1D400, 0x1F110),
        (0x300, 0x1F00, 0x20A0, 0x2180, 0x2500, 0xFE70, 0xFF5F, 0x1D800, 0x1F150),
    )
)
# Cyrillic, Greek and other signs that a reader, and a model, takes for those of the delimiters.
_ALIKE = {
    "a": "аɑαΑА",
    "e": "еєҽεɛеΕЕ℮",
    "l": "ӏıІΙǀ",
    "m": "мΜМ",
    "p": "рρϱΡР",
    "r": "гʀᴦ",
    "x": "хχΧХ×",
    "<": "˂ᐸ❮⟨〈\u2329",
    "/": "⁄∕╱⧸",
}


def _folding() -> dict[int, str]:
    """What looks like an ASCII character, one for one, so that places in the text stay."""
    styled = ((code, unicodedata.normalize("NFKD", chr(code))) for code in _STYLED)
    table = {
        code: plain[0]
        for code, plain in styled
        if plain[0].isascii() and all(map(unicodedata.combining, plain[1:]))
    }
    return table | {ord(char): plain for plain, alike in _ALIKE.items() for char in alike}


_FOLDING = _folding()

# Matched in folded text. Repetitions give nothing back (`*+`), and no step runs across another
# opening: a megabyte of any text takes a moment.
_GAP = r"[\s\u0300-\u036f]*+"
_OPENING = r"(?:<|&(?:amp;)*+(?:lt|#0*+60|#x0*+3c);?|%(?:25)*+3c|\\(?:u00|x)3c)"
_PAPER, _EXAMPLE = _GAP.join("paper"), _GAP.join(["e", "x", "a", "m", "p", "[l1i|]", "e"])
_DELIMITER = re.compile(
    rf"{_OPENING}(?=[\s/\\\u0300-\u036f]*+(?:{_PAPER}|{_EXAMPLE})(?![A-Za-z0-9_]))", re.IGNORECASE
)
# Names that tokenizers have as special, or chat templates as the marks of a turn. Between bars any
# name is taken. [MASK], [CLS] and [SEP] stay: papers name them, no chat model ends a turn there.
_TAGS = (
    r"(?-i:s)|bos|eos|pad|unk|mask|sop|eop|eot|eod|eoh|eoa|sys|\w{1,24}_token"
    r"|think|thinking|thought|reasoning|tools?|system|user|human|assistant|developer"
    r"|im_start|im_end|endoftext|(?:begin|beginning|start|end)_of_\w{1,24}|(?:start|end)_header_id"
    r"|eot_id|tool_(?:calls?|responses?|results?)|function_calls?|fim_\w{1,24}|seed:\w{1,24}"
    r"|(?:unused|extra_id_|reserved_|special_|tokens_unused_)\w{1,24}"
)
_BRACKETED = (
    r"(?:inst|think|args|call_id|system_prompt|available_tools|tool_(?:calls?|results?|content))"
    r"|[gs]mask|control_\d{1,6}|[be]_(?:inst|sys)"
)
_NAME = r"[\w.▁-]{2,64}+"
_CONTROL = re.compile(
    rf"<(?=\|/?{_NAME}\|?>|/?{_NAME}\|>|<?/?(?:{_TAGS})/?>)"
    rf"|\[(?=/?(?:{_BRACKETED})\]|\|/?{_NAME}\|\]|e~\[)|\](?=~!?b[\[\]])",
    re.IGNORECASE,
)


def as_data(text: str) -> str:
    """`text` with no delimiter, no control token and no unseen character in it.

    Applying it again changes nothing. The time taken is linear in the text's length.
    """
    seen = _IDLE_SELECTOR.sub("", _UNSEEN.sub("", text))
    folded = seen if seen.isascii() else seen.translate(_FOLDING)
    parts: list[str] = []
    at = 0
    for start, end in sorted(
        match.span() for pattern in (_DELIMITER, _CONTROL) for match in pattern.finditer(folded)
    ):
        parts += seen[at:start], _MARK
        at = end
    return "".join(parts) + seen[at:]
