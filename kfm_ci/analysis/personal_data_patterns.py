"""Shapes of personal data, each with the check that keeps chance numbers and documented examples out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class Personal(NamedTuple):
    """One value that looks like personal data; never to be shown whole."""

    kind: str
    offset: int
    value: str


_LOCAL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._%+-]{0,62}[A-Za-z0-9_%+-])?\Z")
_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![\w-])")
_RESERVED = re.compile(
    r"(?:^|\.)(?:example\.(?:com|net|org|edu|[a-z]{2})|example|test|invalid|local|localhost|localdomain|internal)$"
)
_BREAK = re.compile(r"[\s'\"]")
_ROBOTS = re.compile(r"^(?:no-?_?reply|do-?not-?reply|postmaster|mailer-daemon|git|root)\b", re.IGNORECASE)
_CARD = re.compile(r"(?<![\w.+-])(?:[2-6]\d{3}([ -]?)\d{4}\1\d{4}\1\d{4}|3[47]\d{2}([ -]?)\d{6}\2\d{5})(?![\w-]|\.\d)")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
_PHONE = re.compile(
    r"(?<=['\"\t:,])\s{0,2}(?:\+[1-9]\d{0,2}(?:[ .()/-]{0,2}\d){7,12}"
    r"|\(?[2-9]\d{2}\)?[ .-][2-9]\d{2}[ .-]\d{4})(?![\w-])"
)
_SSN = re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
_NINO = re.compile(
    r"(?<!\w)(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D](?!\w)"
)
_AHV = re.compile(r"(?<![\w.])756\.\d{4}\.\d{4}\.\d{2}(?![\w.])")
_DNI = re.compile(r"(?<![\w-])\d{8}-?[A-HJ-NP-TV-Z](?![\w-])")
_CODICE = re.compile(r"(?<!\w)[A-Z]{6}\d{2}[A-EHLMPR-T]\d{2}[A-Z]\d{3}[A-Z](?!\w)")

_NATIONAL_IDS = (
    ("US social security number", _SSN),
    ("UK national insurance number", _NINO),
    ("Swiss AHV number", _AHV),
    ("Spanish DNI", _DNI),
    ("Italian codice fiscale", _CODICE),
)

_TEST_CARDS = frozenset(
    {
        "4111111111111111",
        "4242424242424242",
        "4012888888881881",
        "4000056655665556",
        "5555555555554444",
        "5105105105105100",
        "5200828282828210",
        "2223003122003222",
        "378282246310005",
        "371449635398431",
        "378734493671000",
        "6011111111111117",
        "6011000990139424",
        "3566002020360505",
        "4000000000000002",
    }
)
_TEST_IBANS = frozenset(
    {
        "GB82WEST12345698765432",
        "GB29NWBK60161331926819",
        "DE89370400440532013000",
        "FR1420041010050500013M02606",
        "NL91ABNA0417164300",
        "CH9300762011623852957",
        "ES9121000418450200051332",
        "BE68539007547034",
        "IT60X0542811101000000123456",
        "AT611904300234573201",
        "FR7630006000011234567890189",
    }
)
_TEST_IDS = frozenset(
    {
        "123-45-6789",
        "078-05-1120",
        "219-09-9999",
        "AB123456C",
        "QQ123456C",
        "12345678Z",
        "00000000T",
        "756.1234.5678.97",
        "RSSMRA80A01H501U",
    }
)


def personal_values(text: str) -> Iterator[Personal]:
    """Yield what looks like personal data; example domains, test numbers and failed check digits are left out."""
    yield from _emails(text)
    if not re.search(r"\d", text):
        return
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        if digits not in _TEST_CARDS and len(set(digits)) > 3 and luhn(digits):
            yield Personal("payment card", match.start(), digits)
    for match in _IBAN.finditer(text):
        account = match.group().replace(" ", "")
        if account not in _TEST_IBANS and 15 <= len(account) <= 34 and mod97(account):
            yield Personal("IBAN", match.start(), account)
    for match in _PHONE.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        if "555" not in digits[:6] and len(set(digits)) > 3 and digits not in "12345678901234567890":
            yield Personal("phone number", match.start(), digits)
    yield from _national_ids(text)


def _emails(text: str) -> Iterator[Personal]:
    # Walks from one @ to the next: a single pattern would take quadratic time on a long word.
    position = text.find("@")
    while position >= 0:
        local = _trailing_local(text, position)
        domain = _DOMAIN.match(text, position + 1)
        if local and domain:
            name = domain.group().lower()
            before = text[max(0, position - len(local) - 100) : position - len(local)]
            in_address = "://" in _BREAK.split(before)[-1]
            if not in_address and not _RESERVED.search(name) and not _ROBOTS.match(local):
                yield Personal("e-mail address", position - len(local), f"{local}@{name}".lower())
        position = text.find("@", position + 1)


def _trailing_local(text: str, position: int) -> str:
    start = position
    while start > max(0, position - 64) and (text[start - 1].isalnum() or text[start - 1] in "._%+-"):
        start -= 1
    match = _LOCAL.match(text[start:position].lstrip("._%+-"))
    return match.group() if match else ""


def _national_ids(text: str) -> Iterator[Personal]:
    for kind, pattern in _NATIONAL_IDS:
        for match in pattern.finditer(text):
            value = match.group().replace(" ", "")
            if value in _TEST_IDS or (pattern is _AHV and not _ean13(value)) or (pattern is _DNI and not _dni(value)):
                continue
            yield Personal(kind, match.start(), value)


def luhn(digits: str) -> bool:
    """Whether the last digit is right for the others, as on payment cards."""
    total = 0
    for index, digit in enumerate(reversed(digits)):
        number = int(digit) * (1 + index % 2)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


def mod97(account: str) -> bool:
    """Whether an IBAN's two check digits are right."""
    return int("".join(str(int(character, 36)) for character in account[4:] + account[:4])) % 97 == 1


def _ean13(value: str) -> bool:
    digits = [int(character) for character in value if character.isdigit()]
    total = sum(digit * (3 if index % 2 else 1) for index, digit in enumerate(digits[:12]))
    return (10 - total % 10) % 10 == digits[12]


def _dni(value: str) -> bool:
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(value[:8]) % 23] == value[-1]
